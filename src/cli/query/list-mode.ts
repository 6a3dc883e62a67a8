import * as Flags from '@oclif/core/flags'
import { AuditError } from '../../base/errors.js'
import type { PageOrder } from '../../ports/query.js'
import { parseLimit } from '../../query/list-query.js'
import { integerFlag } from '../flags/integer.js'
import type { Copies } from './copies.js'

/** With this many rows, the last ones are still held in memory at once. */
const MAX_LAST = 10_000

/** The flags that say how many rows to list, and in which order. Read with {@link parseMode}. */
export const modeFlags = {
  limit: Flags.string({ summary: 'rows in a page, 1 to 200; default: 50', helpValue: 'N' }),
  cursor: Flags.string({ summary: 'continue after the page that printed this cursor', helpValue: 'TEXT' }),
  all: Flags.boolean({ summary: 'every row; with --json, one per line', exclusive: ['limit', 'cursor'] }),
  last: integerFlag({
    min: 1,
    max: MAX_LAST,
    summary: 'the last N rows that match, oldest first',
    exclusive: ['limit', 'cursor', 'all', 'around'],
  }),
  reverse: Flags.boolean({ summary: 'newest row first' }),
  follow: Flags.boolean({
    char: 'f',
    summary:
      'print new rows as they come, until a signal; with --last, --all or a beginning, first the rows before',
    exclusive: ['limit', 'cursor', 'reverse', 'to', 'to-seq', 'around', 'event-to'],
  }),
}

/** Which of the matching rows to list: one page of them, every one, the last ones, or also those that are still to come. */
export type ListMode =
  | { readonly kind: 'page'; readonly limit: number; readonly cursor?: string | undefined }
  | { readonly kind: 'all' }
  | { readonly kind: 'last'; readonly rows: number }
  | { readonly kind: 'follow'; readonly before: 'all' | number }

interface ModeFlags {
  readonly limit?: string | undefined
  readonly cursor?: string | undefined
  readonly all?: boolean | undefined
  readonly last?: number | undefined
  readonly reverse?: boolean | undefined
  readonly follow?: boolean | undefined
  readonly from?: string | undefined
  readonly since?: string | undefined
  readonly 'from-seq'?: string | undefined
  readonly 'event-from'?: string | undefined
}

/** Returns the mode and the order. `pageLimit` is the size of a page where other flags set it. Throws `usage` or `invalid_limit`. */
export function parseMode(
  flags: ModeFlags,
  copies: Copies,
  pageLimit: number | undefined,
): { readonly mode: ListMode; readonly order: PageOrder } {
  assertPossible(flags, copies, pageLimit)
  const order = flags.reverse === true ? 'descending' : 'ascending'
  if (flags.follow === true) return { mode: { kind: 'follow', before: rowsBefore(flags) }, order }
  if (flags.all === true) return { mode: { kind: 'all' }, order }
  if (flags.last !== undefined) return { mode: { kind: 'last', rows: flags.last }, order }
  return {
    mode: { kind: 'page', limit: pageLimit ?? parseLimit(flags.limit), cursor: flags.cursor },
    order,
  }
}

function assertPossible({ cursor, follow }: ModeFlags, copies: Copies, pageLimit: number | undefined): void {
  if (follow === true && copies.isBundle) {
    throw new AuditError('usage', '--follow: expected --source postgres or mirror: a bundle does not grow')
  }
  if (!copies.areSeveral) return
  if (cursor !== undefined) {
    throw new AuditError('usage', '--cursor is for one chain; use --limit or --all for several chains')
  }
  if (pageLimit !== undefined) throw new AuditError('usage', '--around is for one chain')
}

/** Without a flag that says where to begin, only new rows are printed. */
function rowsBefore(flags: ModeFlags): 'all' | number {
  if (flags.last !== undefined) return flags.last
  const begins = [flags.from, flags.since, flags['from-seq'], flags['event-from']]
  return flags.all === true || begins.some((value) => value !== undefined) ? 'all' : 0
}
