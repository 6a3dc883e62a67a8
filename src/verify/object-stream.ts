import type { StoredRow } from '../chain/fold.js'
import type { DecodedObject, MirrorCodec, MirrorListed, MirrorStore } from '../ports/mirror.js'

/** Fetches under way at once. */
const CONCURRENCY = 64

/** An object of ours is far smaller; one byte more and it is not read on. */
export const MAX_OBJECT_BYTES = 1024 * 1024

/** An object of a chain's prefix, in the order of the keys. */
export type ListedRow =
  /** Under the key of a row: what it holds, ready for the fold. */
  | { readonly kind: 'row'; readonly seq: number; readonly row: StoredRow; readonly etag: string }
  /** Under a key that names no row of this chain. */
  | { readonly kind: 'stray'; readonly key: string; readonly seq: number }
  /** Not there when it was fetched. */
  | { readonly kind: 'gone'; readonly seq: number }

interface Place {
  readonly domainId: string
  readonly seq: number
}

export interface ObjectRange {
  readonly domainId: string
  /** First seq that is fetched; the strays are told whatever they seem to be. */
  readonly fromSeq: number
  readonly toSeq?: number | undefined
  /** AuditActions of the seq of every key, outside the range too. */
  readonly onKey?: ((seq: number) => void) | undefined
}

/**
 * The objects of one chain, ascending by seq: listed page by page, fetched many at once, told in order. Objects are
 * hostile: whatever is wrong with one is in its row's `problem`. Rejects when something could not be read.
 */
export async function* streamObjects(
  store: MirrorStore,
  codec: MirrorCodec,
  range: ObjectRange,
  signal: AbortSignal,
): AsyncGenerator<ListedRow> {
  const fetching: Promise<ListedRow>[] = []
  try {
    for await (const listed of store.list(codec.prefix(range.domainId), signal)) {
      const place = codec.parseKey(listed.key)
      if (place?.domainId === range.domainId) {
        range.onKey?.(place.seq)
        if (isOutside(place.seq, range)) continue
      }
      const one = fetchListed(store, codec, listed, place, range.domainId, signal)
      // It is awaited in its turn; until then its failure is nobody's.
      one.catch(() => undefined)
      fetching.push(one)
      if (fetching.length >= CONCURRENCY) yield await (fetching.shift() as Promise<ListedRow>)
    }
    while (fetching.length > 0) yield await (fetching.shift() as Promise<ListedRow>)
  } finally {
    await Promise.allSettled(fetching)
  }
}

function isOutside(seq: number, { fromSeq, toSeq }: ObjectRange): boolean {
  return seq < fromSeq || (toSeq !== undefined && seq > toSeq)
}

async function fetchListed(
  store: MirrorStore,
  codec: MirrorCodec,
  { key }: MirrorListed,
  place: Place | undefined,
  domainId: string,
  signal: AbortSignal,
): Promise<ListedRow> {
  if (place === undefined || place.domainId !== domainId) return { kind: 'stray', key, seq: seqOfStray(key) }
  return fetchRow(store, codec, place, signal)
}

/** What a mirror has under the key of one row. */
export async function fetchRow(
  store: MirrorStore,
  codec: MirrorCodec,
  place: Place,
  signal: AbortSignal,
): Promise<ListedRow> {
  const { seq } = place
  const object = await store.get(codec.key(place.domainId, seq), MAX_OBJECT_BYTES, signal)
  if (object === undefined) return { kind: 'gone', seq }
  const decoded = await codec.decode(object.bytes, place)
  return {
    kind: 'row',
    seq,
    row: { seq, problemCode: 'object_malformed', ...contentOf(decoded) },
    etag: object.etag,
  }
}

function contentOf(decoded: DecodedObject): Omit<StoredRow, 'seq'> {
  if ('problem' in decoded) return decoded.unchecked ?? { problem: decoded.problem }
  const { prevHash, entryHash } = decoded.entry
  return { canonical: decoded.canonical, prevHash, entryHash }
}

/** The number that a stray key seems to mean, 0 where it means none: findings have a place. */
function seqOfStray(key: string): number {
  const digits = /\/0*(\d{1,15})[^/]*$/.exec(key)?.[1]
  return digits === undefined ? 0 : Number(digits)
}
