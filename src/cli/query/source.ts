import { AuditError } from '../../base/errors.js'
import type { RowsFrom } from '../../compose/read/rows.js'
import type { EntryFilter } from '../../ports/query.js'
import { type ParsedChain, parseChain, parseTypedChain } from '../flags/chain.js'
import { mirrorFlags } from '../flags/mirror.js'
import { chosenCopy, sourceFlag } from '../flags/source.js'

/** The flags of commands that read rows from any copy. Read with {@link parseFrom}. */
export const sourceFlags = {
  source: sourceFlag('read', ['postgres', 'mirror', 'bundle']),
  ...mirrorFlags,
}

interface ParsedSource extends ParsedChain {
  readonly flags: ParsedChain['flags'] & { readonly source?: string | undefined }
}

/** Returns the copy to read. A FILE is a bundle, which names its chain itself. Throws `usage`. */
export function parseFrom({ flags, raw }: ParsedSource, word: string | undefined): RowsFrom {
  const { source, file } = chosenCopy<'postgres' | 'mirror'>(flags.source, word)
  const chain = { flags: { domain: flags.domain, platform: flags.platform ?? false }, raw }
  if (source === 'bundle') return { source, path: file, domainId: parseTypedChain(chain) }
  return { source, domainId: parseChain(chain) }
}

/** Throws `usage` where something is asked of a copy that PostgreSQL alone holds: the context of rows, and event times. */
export function assertHoldsContext(
  { source }: Pick<RowsFrom, 'source'>,
  { context, eventFrom, eventTo }: Pick<EntryFilter, 'eventFrom' | 'eventTo'> & { readonly context: boolean },
): void {
  if (source === 'postgres' || (!context && eventFrom === undefined && eventTo === undefined)) return
  throw new AuditError(
    'usage',
    `--context, --event-from and --event-to need --source postgres: a ${source} does not hold the context of rows`,
  )
}
