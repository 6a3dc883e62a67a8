import * as Flags from '@oclif/core/flags'
import { AuditError } from '../../base/errors.js'
import type { RowsFrom } from '../../compose/read/rows.js'
import type { EntryFilter } from '../../ports/query.js'
import { type ParsedChain, parseChain, parseTypedChain } from '../flags/chain.js'
import { mirrorFlags } from '../flags/mirror.js'

/** The flags of commands that read rows from any copy. Read with {@link parseFrom}. */
export const sourceFlags = {
  source: Flags.string({
    options: ['postgres', 'mirror', 'bundle'],
    summary:
      'which copy to read; mirror and bundle need no database; default: bundle with a FILE, else postgres',
  }),
  ...mirrorFlags,
}

interface ParsedSource extends ParsedChain {
  readonly flags: ParsedChain['flags'] & { readonly source?: string | undefined }
}

/**
 * Returns the copy to read. A FILE is a bundle, which names its chain itself. Throws `usage` for a FILE with another source
 * and for a bundle without a FILE.
 */
export function parseFrom(parsed: ParsedSource, file: string | undefined): RowsFrom {
  const { flags, raw } = parsed
  const source = flags.source ?? (file === undefined ? 'postgres' : 'bundle')
  const chain = { flags: { domain: flags.domain, platform: flags.platform ?? false }, raw }
  if (source !== 'bundle') {
    if (file !== undefined) throw new AuditError('usage', `FILE and --source ${source} exclude each other`)
    return { source: source === 'mirror' ? 'mirror' : 'postgres', domainId: parseChain(chain) }
  }
  if (file === undefined) throw new AuditError('usage', '--source bundle: expected the FILE to read')
  return { source, path: file, domainId: parseTypedChain(chain) }
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

/** Returns the FILE of a command that takes no seq. Throws `usage` for digits alone, which are a seq. */
export function parseFile(word: string | undefined): string | undefined {
  if (word !== undefined && isSeq(word))
    throw new AuditError(
      'usage',
      `${word} is a seq; expected a FILE: for a file of that name, give ./${word}`,
    )
  return word
}

/** Returns the seq and the FILE among the arguments of a command, in either order. Throws `usage` for two of one kind. */
export function parseSeqAndFile(words: readonly (string | undefined)[]): {
  readonly seq?: string | undefined
  readonly file?: string | undefined
} {
  const given = words.filter((word) => word !== undefined)
  const [seqs, files] = [given.filter(isSeq), given.filter((word) => !isSeq(word))]
  if (seqs.length > 1 || files.length > 1)
    throw new AuditError('usage', 'expected at most one SEQ and one FILE; a file named by digits is ./NAME')
  return { seq: seqs[0], file: files[0] }
}

function isSeq(word: string): boolean {
  return /^\d+$/.test(word)
}
