import { AuditError } from '../base/errors.js'
import type { CursorKey } from '../ports/pepper.js'
import type { EntryFilter, EntryReader, ReadEntry, SeqRange, TimeOrder } from '../ports/query.js'
import { decodeCursor, encodeCursor } from './cursor.js'
import { rangeAfter, rowPages, type WantedRows } from './row-pages.js'

export interface ListRequest {
  readonly domainId: string
  readonly filter: EntryFilter
  /** 1 to 200. */
  readonly limit: number
  readonly cursor?: string | undefined
  /** Default: the whole chain, ascending. A cursor continues in this range and order. */
  readonly range?: SeqRange | undefined
  /** The order of the chain's times, where the caller has asked for it. */
  readonly timeOrder?: TimeOrder | undefined
}

const WHOLE_CHAIN: SeqRange = { after: 0 }

export interface EntryPage {
  readonly entries: readonly ReadEntry[]
  /** Absent on the last page. */
  readonly nextCursor?: string
}

/**
 * Returns one page of a chain. The cursor key is read only to check a cursor or to sign one, so that a
 * caller without the key can still read a result that fits one page. Rejects with `domain_not_found`, with
 * `invalid_cursor`, and with `pepper_not_configured` when a next cursor is due and there is no key.
 */
export async function listEntries(
  reader: EntryReader,
  key: CursorKey,
  request: ListRequest,
): Promise<EntryPage> {
  const { domainId, filter, limit, cursor, timeOrder } = request
  const whole = request.range ?? WHOLE_CHAIN
  const range =
    cursor === undefined
      ? whole
      : rangeAfter(whole, decodeCursor(await key.cursorKey(), domainId, cursor, whole.order))
  // One row more than the page holds shows whether another page follows.
  const rows = await reader.page(domainId, filter, { ...range, limit: limit + 1, timeOrder })
  if (rows.length === 0) await assertKnown(reader, domainId)
  const entries = rows.slice(0, limit)
  const last = entries.at(-1)
  if (rows.length <= limit || last === undefined) return { entries }
  return { entries, nextCursor: encodeCursor(await keyToWrite(key), domainId, last.seq, whole.order) }
}

async function keyToWrite(key: CursorKey): Promise<Uint8Array> {
  return key.cursorKey().catch((error: unknown) => {
    if (!(error instanceof AuditError) || error.code !== 'pepper_not_configured') throw error
    throw new AuditError(error.code, 'more rows follow, and there is no key to sign a cursor with', {
      advice: { code: 'stream_all_rows', or: error.advice },
      cause: error,
    })
  })
}

/** Rows that one statement of {@link streamEntries} reads. */
const STREAM_PAGE = 1_000

/**
 * Yields every row of the range that the filter matches. Reads in pages or in one pass, so that memory does not grow with the chain, and needs no
 * cursor key. Also yields rows that are appended meanwhile. Rejects with `domain_not_found`.
 */
export async function* streamEntries(
  reader: EntryReader,
  domainId: string,
  filter: EntryFilter,
  range: SeqRange = WHOLE_CHAIN,
  signal?: AbortSignal,
): AsyncGenerator<ReadEntry> {
  const rows =
    reader.stream?.(domainId, filter, range, signal) ?? pagedRows({ reader, domainId, filter, range }, signal)
  let isEmpty = true
  for await (const row of rows) {
    isEmpty = false
    yield row
  }
  if (isEmpty) await assertKnown(reader, domainId)
}

async function* pagedRows(wanted: WantedRows, signal?: AbortSignal): AsyncGenerator<ReadEntry> {
  for await (const rows of rowPages(wanted, STREAM_PAGE, signal)) {
    // Not `yield* rows`: delegation costs an async generator one more promise a row.
    for (const row of rows) yield row
  }
}

/** Rejects with `domain_not_found` when the chain is neither registered nor has rows, or when the copy does not have it. */
export async function assertKnown(reader: EntryReader, domainId: string): Promise<void> {
  if (await reader.knows(domainId)) return
  const { copy } = reader
  if (copy !== undefined)
    throw new AuditError('domain_not_found', `there is no chain ${domainId} in ${copy.where}`, {
      advice: { code: 'find_chain', copy: copy.name },
    })
  throw new AuditError('domain_not_found', `no Domain ${domainId} is registered`, {
    advice: { code: 'list_domains' },
  })
}
