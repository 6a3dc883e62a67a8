import { nodeHasher } from '../base/node-hasher.js'
import type { StoredRow } from '../chain/fold.js'
import {
  type DecodedObject,
  MAX_OBJECT_BYTES,
  type MirrorCodec,
  type MirrorListed,
  type MirrorStore,
} from '../ports/mirror.js'

/** Fetches in flight at once. */
const CONCURRENCY = 64

/** What the listing has under a chain's prefix, in the order of the keys. */
export type ListedRow =
  /** An object under the key of a row, decoded for the fold. */
  | { readonly kind: 'row'; readonly seq: number; readonly row: StoredRow; readonly etag: string }
  /** An object whose key has the form of a row's key and names no row. */
  | { readonly kind: 'orphan'; readonly key: string; readonly seq: number }
  /** A name without the form of a row's key, which is no part of the chain. */
  | { readonly kind: 'stray'; readonly key: string; readonly seq: number }
  /** An object that was listed and was missing when it was fetched. */
  | { readonly kind: 'gone'; readonly seq: number }

interface Place {
  readonly domainId: string
  readonly seq: number
}

export interface ObjectRange {
  readonly domainId: string
  /** First seq to fetch. Orphans and strays are returned whatever seq their key seems to have. */
  readonly fromSeq: number
  readonly toSeq?: number | undefined
  /** Receives the seq of every key, also outside the range. */
  readonly onKey?: ((seq: number) => void) | undefined
  /** Receives the number of names of rows in the listing, where the store knows it. */
  readonly onTotal?: ((total: number) => void) | undefined
}

/**
 * Yields the objects of one chain, ascending by seq: lists them page by page and fetches many at once. Objects are
 * untrusted: what is wrong with an object is in its row's `problem`. Rejects when the mirror cannot be read, after it has
 * yielded what comes before the break.
 */
export async function* streamObjects(
  store: MirrorStore,
  codec: MirrorCodec,
  range: ObjectRange,
  signal: AbortSignal,
): AsyncGenerator<ListedRow> {
  const fetching: Promise<ListedRow>[] = []
  const listing = new BreakableListing(store.list(codec.prefix(range.domainId), signal))
  try {
    for await (const listed of listing.untilBreak()) {
      if (listed.total !== undefined) range.onTotal?.(listed.total)
      const place = codec.parseKey(listed.key)
      if (place?.domainId === range.domainId) {
        range.onKey?.(place.seq)
        if (isOutside(place.seq, range)) continue
      }
      const one = fetchListed(store, codec, listed, place, range.domainId, signal)
      // Mark the rejection as handled: the promise is awaited below.
      one.catch(() => undefined)
      fetching.push(one)
      if (fetching.length >= CONCURRENCY) yield await (fetching.shift() as Promise<ListedRow>)
    }
    while (fetching.length > 0) yield await (fetching.shift() as Promise<ListedRow>)
    listing.rethrow()
  } finally {
    await Promise.allSettled(fetching)
  }
}

/** A listing whose error is thrown only when the objects before it have been read. */
class BreakableListing {
  #broken: { readonly error: unknown } | undefined

  constructor(readonly listed: AsyncIterable<MirrorListed>) {}

  async *untilBreak(): AsyncGenerator<MirrorListed> {
    try {
      yield* this.listed
    } catch (error) {
      this.#broken = { error }
    }
  }

  rethrow(): void {
    if (this.#broken !== undefined) throw this.#broken.error
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
  if (!codec.hasRowForm(key)) return { kind: 'stray', key, seq: 0 }
  if (place === undefined || place.domainId !== domainId) return { kind: 'orphan', key, seq: seqOfKey(key) }
  return fetchRow(store, codec, place, signal)
}

/** Fetches and decodes the object under the key of one row. */
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
    row: { seq, problemCode: 'object_malformed', ...contentOf(decoded, object.bytes) },
    etag: object.etag,
  }
}

function contentOf(decoded: DecodedObject, bytes: Uint8Array): Omit<StoredRow, 'seq'> {
  if ('problem' in decoded)
    return (
      decoded.unchecked ?? {
        problem: decoded.problem,
        fields: decoded.fields,
        own: decoded.own?.recompute === true ? decoded.own.canonical : undefined,
        bytesHash: nodeHasher.canonical(bytes),
      }
    )
  const { prevHash, entryHash } = decoded.entry
  return { canonical: decoded.canonical, prevHash, entryHash }
}

/** Returns the number in a key that names no row, for the finding's seq; 0 if the key has none. */
function seqOfKey(key: string): number {
  const digits = /\/0*(\d{1,15})[^/]*$/.exec(key)?.[1]
  return digits === undefined ? 0 : Number(digits)
}
