import { AuditError } from '../../base/errors.js'
import type { ChosenRecords } from '../../quarantine/acknowledge.js'
import { type ParsedChain, parseChains } from '../flags/chain.js'
import { parseRecordId } from '../flags/record-id.js'

interface Parsed extends ParsedChain {
  readonly flags: ParsedChain['flags'] & { readonly 'up-to'?: number | undefined }
  readonly raw: readonly { readonly type: string; readonly flag?: string; readonly input?: string }[]
}

/** Returns the records to acknowledge. Throws `usage` unless either ids or --up-to with a chain are given. */
export function parseChosen(parsed: Parsed): ChosenRecords {
  const words = parsed.raw.flatMap(({ type, input = '' }) => (type === 'arg' ? [input] : []))
  const ids = words.map((word) => parseRecordId('quarantine record', word))
  const upTo = parsed.flags['up-to']
  if (ids.length > 0 === (upTo !== undefined)) {
    throw new AuditError('usage', 'expected either the ids of quarantine records, or --up-to ID')
  }
  if (upTo === undefined) {
    refuseChain(parsed)
    return { ids }
  }
  const chain = parseChains(parsed)
  return { upTo, domainId: chain === 'all' ? undefined : chain }
}

/** AUDIT_DOMAIN may be exported and counts for nothing here. A typed flag would. */
function refuseChain({ raw }: Parsed): void {
  const typed = raw.find(
    ({ type, flag = '' }) => type === 'flag' && ['domain', 'platform', 'all'].includes(flag),
  )
  if (typed === undefined) return
  throw new AuditError(
    'usage',
    `--${typed.flag} is for --up-to: the ids name the records, whatever their chain`,
  )
}
