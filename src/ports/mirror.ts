import type { ChainedEntry } from '../chain/entry.js'

/**
 * An object, and the content that it decompresses to, has at most this many bytes. A reader stops one byte later. The
 * limits of a row's fields allow an object of 0.3 MiB.
 */
export const MAX_OBJECT_BYTES = 1024 * 1024

/** An object of the mirror as a listing shows it. */
export interface MirrorListed {
  readonly key: string
  /** Absent where the listing does not show it: a directory would have to ask for each file. */
  readonly size?: number | undefined
  /** Quoted, as S3 gives it; absent where the object would have to be read for it. */
  readonly etag?: string | undefined
}

export interface MirrorObject {
  readonly bytes: Uint8Array
  readonly etag: string
}

/**
 * Long-term object storage of one bucket and prefix; keys are relative to it. Every call is safe to make at once, gives
 * up at the signal, and rejects with `mirror_unavailable` (after its own retries) or `mirror_permission_denied`, never
 * with a half answer.
 */
export interface MirrorStore {
  /** Where it is, for messages: without credentials. */
  readonly url: string
  /** All objects whose key begins so, ascending by the bytes of their keys; pages are fetched ahead of the reader. */
  list(prefix: string, signal: AbortSignal): AsyncIterable<MirrorListed>
  /** Undefined if there is none. An object above `maxBytes` is not read to its end: it comes back cut to maxBytes + 1. */
  get(key: string, maxBytes: number, signal: AbortSignal): Promise<MirrorObject | undefined>
  /**
   * Create-only: durable when it resolves, and never over an existing object, whose content and etag stay as they are.
   * `created` is false where something was there already: also our own bytes, from a call whose answer was lost.
   */
  create(key: string, bytes: Uint8Array, signal: AbortSignal): Promise<{ created: boolean; etag: string }>
  close(): void
}

/** What can be told of a mirror without listing all of it. Rejects as a MirrorStore does. */
export interface MirrorIndex {
  /** The folders directly below `prefix`, which ends with a slash, that hold an object; ascending, without slashes. */
  folders(prefix: string, signal: AbortSignal): Promise<string[]>
  /** When an object was put there by the clock of the store, milliseconds since 1970; undefined if there is none. */
  storedAt(key: string, signal: AbortSignal): Promise<number | undefined>
}

export type IndexedMirror = MirrorStore & MirrorIndex

/** What a mirror object turned out to hold; `problem` where it is none that this product would have written. */
export type DecodedObject =
  | { readonly entry: ChainedEntry; readonly canonical: Uint8Array }
  | { readonly problem: string; readonly unchecked?: UncheckedObject | undefined }

/** Of an object that is in its place and in a generation that this reader does not know: for the fold, and no finding. */
export interface UncheckedObject {
  readonly unknownGeneration: number
  readonly prevHash: string
  readonly entryHash: string
}

/** Rows to objects and back (format.md, "Mirror object"). */
export interface MirrorCodec {
  /** The same row always gives the same bytes. */
  encode(entry: ChainedEntry): Promise<Uint8Array>
  /** Treats the bytes as hostile and never rejects for what they are. Hashes are left to the fold. */
  decode(bytes: Uint8Array, place: { domainId: string; seq: number }): Promise<DecodedObject>
  /** Whether two objects have the same decompressed bytes. */
  same(left: Uint8Array, right: Uint8Array): Promise<boolean>
  key(domainId: string, seq: number): string
  /** Of a key below `audit/`; undefined for one that names no row. */
  parseKey(key: string): { domainId: string; seq: number } | undefined
  /** `audit/<domain_id>/`, or `audit/` for all. */
  prefix(domainId?: string): string
}
