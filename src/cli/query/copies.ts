import { AuditError } from '../../base/errors.js'
import type { RowsFrom } from '../../compose/read/rows.js'
import { isTyped } from '../flags/chain.js'
import { type ParsedChains, parseSeveralChains } from '../flags/several-chains.js'
import { chosenCopy } from '../flags/source.js'
import { parseFrom } from './source.js'

/** The copies of the chains to read: some chains, or all that the source knows. */
export interface Copies {
  readonly source: RowsFrom['source']
  readonly from: readonly RowsFrom[] | 'all'
  /** Whether an answer has rows of several chains, so that each row must name its chain. */
  readonly areSeveral: boolean
  readonly isBundle: boolean
}

interface ParsedCopies extends ParsedChains {
  readonly flags: ParsedChains['flags'] & { readonly source?: string | undefined }
}

/**
 * Returns the copies to read. A FILE is a bundle, which names its chain itself. Throws `usage`, also for several chains of a
 * bundle, which holds one.
 */
export function parseCopies(parsed: ParsedCopies, word: string | undefined): Copies {
  const { source, file } = chosenCopy<'postgres' | 'mirror'>(parsed.flags.source, word)
  if (source === 'bundle') return ofBundle(parsed, file)
  const chains = parseSeveralChains(parsed)
  if (chains === 'all') return { source, from: 'all', areSeveral: true, isBundle: false }
  const from = chains.map((domainId) => ({ source, domainId }))
  return { source, from, areSeveral: from.length > 1, isBundle: false }
}

function ofBundle({ flags, raw }: ParsedCopies, file: string): Copies {
  const { domain, platform, 'all-chains': all } = flags
  const domains = [domain ?? []].flat()
  if (isTyped(raw, 'domain') && domains.length > 1) {
    throw new AuditError('usage', 'expected one --domain: a bundle holds one chain')
  }
  const chain = all === true ? {} : { domain: domains[0], platform: platform === true }
  const from = parseFrom({ flags: chain, raw }, file)
  return { source: from.source, from: [from], areSeveral: false, isBundle: true }
}
