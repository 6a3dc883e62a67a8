import { AuditError } from '../../base/errors.js'
import { wireTime } from '../../base/wire-time.js'
import { encodeCanonical } from '../../chain/canonical.js'
import type { ChainHead } from '../../chain/entry.js'
import type { ByteRow } from '../../chain/fast-path.js'
import type { StoredRow } from '../../chain/fold.js'
import { isHash } from '../../chain/hash.js'
import { HASH_BYTES } from '../../chain/layout.js'
import { reasonName } from '../../chain/reason.js'
import type {
  ExportFilter,
  ExportRequest,
  ExportSnapshot,
  ExportStore,
  RowReceiver,
} from '../../ports/bundle.js'
import type { EntryFilter, EntryReader, ReadEntry, SeqRange } from '../../ports/query.js'
import { assertKnown, streamEntries } from '../../query/list.js'
import { storedEntry } from '../../query/recompute.js'
import type { Selection } from '../selection.js'
import { NO_BYTES } from './bundle-rows.js'

/** Rows between two calls of `flow`. */
const FLOW = 64

/** A copy to export from. A bundle has a selection, and the head that its manifest names. */
export interface ExportedCopy {
  readonly reader: EntryReader
  readonly selection?: Selection | undefined
  readonly head?: ChainHead | undefined
}

/**
 * Exports from a mirror or from another bundle. A mirror keeps no head, so its rows are a range that ends with the last row
 * that was there when the export began. The rows of a time range are found by reading the copy once more.
 */
export function copyExport(copy: ExportedCopy): ExportStore {
  return { open: (request, signal) => openCopy(copy, request, signal) }
}

/**
 * Returns a request within the selection of a bundle: what its filter left out is not in the file. Throws `nothing_to_verify`
 * for rows outside the selection.
 */
export function withinSelection(request: ExportRequest, selection: Selection): ExportRequest {
  const { fromSeq, toSeq } = request
  const { fromSeq: first, toSeq: last } = selection
  if ((fromSeq ?? first) < first || (toSeq ?? last) > last)
    throw new AuditError('nothing_to_verify', `the bundle holds rows ${first} to ${last}, and no others`)
  return {
    ...request,
    fromSeq: fromSeq ?? first,
    filter: bothFilters(request.filter, selection.filter as ExportFilter),
  }
}

function bothFilters(asked: ExportFilter, held: ExportFilter): ExportFilter {
  for (const name of Object.keys(held) as (keyof ExportFilter)[])
    if (asked[name] !== undefined && asked[name] !== held[name])
      throw new AuditError(
        'nothing_to_verify',
        `the bundle holds a selection by ${name}, and no row of another one`,
      )
  return { ...held, ...asked }
}

async function openCopy(
  { reader, selection, head }: ExportedCopy,
  request: ExportRequest,
  signal: AbortSignal,
): Promise<ExportSnapshot> {
  const { domainId } = request
  const [end] = await reader.page(domainId, {}, { after: 0, limit: 1, order: 'descending' })
  if (end === undefined) await assertKnown(reader, domainId)
  const last =
    end === undefined
      ? undefined
      : { seq: end.seq, hashes: end.entryHash === undefined ? [] : [end.entryHash] }
  const { fromSeq, toSeq } = await boundsOf(reader, request, signal)
  const isToEnd = selection?.toEnd === true && toSeq === undefined
  const range = { fromSeq, toSeq: isToEnd ? undefined : (toSeq ?? selection?.toSeq ?? last?.seq) }
  const read = (receiver: RowReceiver) => readRows(reader, { ...request, ...range }, receiver, signal)
  return { known: true, head, last, ...range, read, close: async () => undefined }
}

async function boundsOf(
  reader: EntryReader,
  { domainId, fromSeq = 1, toSeq, from, to }: ExportRequest,
  signal: AbortSignal,
): Promise<{ fromSeq: number; toSeq?: number | undefined }> {
  if (from === undefined && to === undefined) return { fromSeq, toSeq }
  const range: SeqRange = { after: fromSeq - 1, upTo: toSeq }
  let [first, last] = [0, 0]
  for await (const { seq } of streamEntries(reader, domainId, { from, to }, range, signal)) {
    if (first === 0) first = seq
    last = seq
  }
  if (first === 0) throw new AuditError('nothing_to_verify', 'no row of the chain was recorded in that time')
  return { fromSeq: from === undefined ? fromSeq : first, toSeq: to === undefined ? undefined : last }
}

async function readRows(
  reader: EntryReader,
  { domainId, fromSeq = 1, toSeq, filter }: ExportRequest,
  receiver: RowReceiver,
  signal: AbortSignal,
): Promise<void> {
  const wanted = entryFilterOf(filter)
  // Without a filter the row before is passed too, for the link of the first row.
  const isFiltered = Object.keys(wanted).length > 0
  const range: SeqRange = { after: Math.max(0, isFiltered ? fromSeq - 1 : fromSeq - 2), upTo: toSeq }
  let count = 0
  for await (const row of streamEntries(reader, domainId, wanted, range, signal)) {
    pass(row, receiver)
    count += 1
    if (count % FLOW === 0) await receiver.flow()
  }
}

function entryFilterOf({ reason, ...others }: ExportFilter): EntryFilter {
  return { ...others, ...(reason !== undefined && { reasons: [reason] }) }
}

/** Passes a row as it is stored, damage included. Of a row without canonical bytes, passes the problem and what the row claims. */
function pass(row: ReadEntry, receiver: RowReceiver): void {
  const { seq, prevHash = '', entryHash = '', generation: unknownGeneration } = row
  const isUnknown = unknownGeneration !== undefined && row.relation === undefined
  const canonical = isUnknown ? undefined : canonicalOf(row)
  if (canonical !== undefined && isHash(prevHash) && isHash(entryHash)) {
    receiver.add(byteRow({ seq, canonical, prevHash, entryHash }))
    return
  }
  const problem = problemOf(row)
  // The hashes of an object whose own canonical bytes recompute link it to its neighbours.
  const { prevHash: prev, entryHash: entry } = row.own?.recompute === true ? { ...row, ...row.claimed } : row
  const hashes = { prevHash: prev, entryHash: entry }
  receiver.addStored(isUnknown ? { seq, unknownGeneration, ...hashes } : { seq, problem, ...hashes })
}

/** A bundle has one text for a row without canonical bytes. What the row claims goes into it. */
function problemOf({ problem, claimed }: ReadEntry): string {
  const what = problem?.replace(NO_BYTES, '') ?? 'a hash is missing'
  if (claimed === undefined) return what
  const { relation, object, reason, recordedAt, subjectPseudonym } = claimed
  const claims = [
    reason === undefined ? undefined : reasonName(reason),
    relation,
    object,
    recordedAt === undefined ? undefined : wireTime(recordedAt),
    subjectPseudonym?.slice(0, 16),
  ].filter((claim) => claim !== undefined)
  return claims.length === 0 ? what : `${what}; it claims ${claims.join(', ')}`
}

function canonicalOf(row: ReadEntry): Uint8Array | undefined {
  if (row.canonical !== undefined) return row.canonical
  return row.problem === undefined ? encodeCanonical(storedEntry(row)) : undefined
}

function byteRow(
  row: Required<Pick<StoredRow, 'seq' | 'prevHash' | 'entryHash'>> & { canonical: Uint8Array },
): ByteRow {
  const { seq, canonical, prevHash, entryHash } = row
  const bytes = Buffer.from(`${prevHash}${entryHash}`, 'hex')
  return { seq, canonical, bytes, prevAt: 0, entryAt: HASH_BYTES, stored: () => row as StoredRow }
}
