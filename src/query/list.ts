import { AuditError } from '../base/errors.js'
import type { CursorKey } from '../ports/pepper.js'
import type { EntryFilter, EntryReader } from '../ports/query.js'
import { decodeCursor, encodeCursor } from './cursor.js'
import { type AuditEntry, type AuditEntryList, auditEntry } from './wire.js'

export interface ListRequest {
  readonly domainId: string
  readonly filter: EntryFilter
  /** 1 to 200. */
  readonly limit: number
  readonly cursor?: string | undefined
}

/**
 * One page of a chain, ascending by seq. The cursor key is asked for only where a cursor is read or must be written,
 * so that whoever has no key can still read what fits one page. Rejects with `domain_not_found`, `invalid_cursor`, and
 * `pepper_not_configured` where a next_cursor is due and there is no key.
 */
export async function listEntries(
  reader: EntryReader,
  key: CursorKey,
  request: ListRequest,
): Promise<AuditEntryList> {
  const { domainId, filter, limit, cursor } = request
  const after = cursor === undefined ? 0 : decodeCursor(await key.cursorKey(), domainId, cursor)
  // One more than asked for tells whether anything follows.
  const rows = await reader.page(domainId, filter, { after, limit: limit + 1 })
  if (rows.length === 0) await assertKnown(reader, domainId)
  const items = rows.slice(0, limit).map(auditEntry)
  const last = items.at(-1)
  if (rows.length <= limit || last === undefined) return { items }
  const next_cursor = encodeCursor(await keyToWrite(key), domainId, last.seq)
  return { items, next_cursor }
}

async function keyToWrite(key: CursorKey): Promise<Uint8Array> {
  return key.cursorKey().catch((error: unknown) => {
    if (!(error instanceof AuditError) || error.code !== 'pepper_not_configured') throw error
    throw new AuditError(error.code, 'more rows follow, and there is no key to sign a cursor with', {
      hint: `stream every row with --all; or: ${error.hint}`,
      cause: error,
    })
  })
}

/** Rows a statement of {@link streamEntries}. */
const STREAM_PAGE = 1_000

/**
 * Every row that the filter lets through, in pages, so that memory does not grow with the chain. Needs no cursor key.
 * Rows appended meanwhile come too. Rejects with `domain_not_found`.
 */
export async function* streamEntries(
  reader: EntryReader,
  domainId: string,
  filter: EntryFilter,
  signal?: AbortSignal,
): AsyncGenerator<AuditEntry> {
  let after = 0
  for (;;) {
    signal?.throwIfAborted()
    const rows = await reader.page(domainId, filter, { after, limit: STREAM_PAGE })
    if (after === 0 && rows.length === 0) await assertKnown(reader, domainId)
    for (const row of rows) yield auditEntry(row)
    const last = rows.at(-1)
    if (rows.length < STREAM_PAGE || last === undefined) return
    after = last.seq
  }
}

/** Throws `domain_not_found`. */
export async function assertKnown(reader: EntryReader, domainId: string): Promise<void> {
  if (await reader.knows(domainId)) return
  throw new AuditError('domain_not_found', `no Domain ${domainId} is registered`, {
    hint: 'run: audit domain list',
  })
}
