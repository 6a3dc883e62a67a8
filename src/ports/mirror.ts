import type { ChainedEntry } from '../chain/entry.js'
import type { RowFields } from '../chain/evidence/finding-evidence.js'

/**
 * An object, and the content that it decompresses to, has at most this many bytes. A reader stops one byte later. The
 * limits of a row's fields allow an object of 0.3 MiB.
 */
export const MAX_OBJECT_BYTES = 1024 * 1024

/** An object of the mirror as a listing shows it. */
export interface MirrorListed {
  /** The key of an object, or the key of a folder with a slash at its end. */
  readonly key: string
  /** Absent where the listing does not show it: a directory would need a call for each file. */
  readonly size?: number | undefined
  /** Quoted, as S3 gives it. Absent where the object would have to be read for it. */
  readonly etag?: string | undefined
  /** How many names of rows the listing has in all, if the store knows it before the end. */
  readonly total?: number | undefined
}

export interface MirrorObject {
  readonly bytes: Uint8Array
  readonly etag: string
}

/**
 * Long-term object storage in one bucket and prefix; keys are relative to the prefix. Calls may run concurrently. Every
 * call ends at the signal, and rejects with `mirror_unavailable` (after its own retries) or `mirror_permission_denied`.
 * No call resolves with a part of the answer.
 */
export interface MirrorStore {
  /** The URL for messages, without credentials. */
  readonly url: string
  /**
   * Lists the objects whose key begins with `prefix`, ascending by the bytes of their keys. Whatever lies in a folder below
   * the folder of the prefix is one name that ends with a slash. Fetches pages ahead. `after` leaves out the keys up to that
   * key: a bucket is then read from there on, and a directory is read as a whole.
   */
  list(prefix: string, signal: AbortSignal, after?: string): AsyncIterable<MirrorListed>
  /** Resolves with undefined where there is no object. An object above `maxBytes` is cut to maxBytes + 1. */
  get(key: string, maxBytes: number, signal: AbortSignal): Promise<MirrorObject | undefined>
  /**
   * Creates an object, durably when it resolves. An existing object keeps its content and etag: then `created` is false,
   * and `etag` is the existing object's. That object may hold our own bytes, from a call whose response was lost.
   *
   * With `nameLater` the content is durable when it resolves, and the name is durable only once a later call of `syncNames`
   * has resolved. Nothing may rely on the object before.
   */
  create(
    key: string,
    bytes: Uint8Array,
    signal: AbortSignal,
    options?: { readonly nameLater: boolean },
  ): Promise<{ created: boolean; etag: string }>
  /**
   * Makes the names durable of all objects directly in `folder` that calls of `create` have created or found. `folder` is a
   * key prefix that ends with a slash.
   */
  syncNames(folder: string, signal: AbortSignal): Promise<void>
  close(): void
}

/** What a mirror can answer without a listing of all objects. Rejects as a MirrorStore does. */
export interface MirrorIndex {
  /** Returns the folders directly below `prefix` that hold an object, ascending, without slashes. `prefix` ends with a slash. */
  folders(prefix: string, signal: AbortSignal): Promise<string[]>
  /** Returns when an object was stored, by the clock of the store; milliseconds since 1970. Undefined for no object. */
  storedAt(key: string, signal: AbortSignal): Promise<number | undefined>
  /** Returns the URL of the mirror in a folder below, as the settings take it; undefined where no URL can name it. */
  urlOf(folder: string): string | undefined
}

export type IndexedMirror = MirrorStore & MirrorIndex

/**
 * A decoded mirror object, or the `problem` of an object that this program would not have written, with the fields that can
 * be read from it all the same.
 */
export type DecodedObject =
  | { readonly entry: ChainedEntry; readonly canonical: Uint8Array }
  | {
      readonly problem: string
      readonly fields?: RowFields | undefined
      readonly own?: OwnBytes | undefined
      readonly unchecked?: UncheckedObject | undefined
    }

/** The canonical bytes of a malformed object. */
export interface OwnBytes {
  readonly canonical: Uint8Array
  /** Whether they are this row's, and hash with the object's prev_hash to its entry_hash. */
  readonly recompute: boolean
}

/** An object under its own key, of a generation that this reader does not know. The fold counts it; it is no finding. */
export interface UncheckedObject {
  readonly unknownGeneration: number
  readonly prevHash: string
  readonly entryHash: string
}

/** The row that an object's key names. */
export interface RowId {
  /** Lower-case. */
  readonly domainId: string
  readonly seq: number
}

/** Names below the prefix of a chain that do not have the form of a row's key. Other programs leave them; they mean nothing. */
export interface Strays {
  readonly count: number
  /** The first names, without the prefix of the chain: at most three. They are untrusted. */
  readonly examples: readonly string[]
}

/** Encodes rows as objects and decodes them. */
export interface MirrorCodec {
  /**
   * Encodes a row. The same row always gives the same bytes. A caller that decoded the entry from its canonical bytes passes
   * them as `canonical`, so that they are not computed again.
   */
  encode(entry: ChainedEntry, canonical?: Uint8Array): Promise<Uint8Array>
  /** Decodes hostile bytes. Never rejects because of their content. The fold checks the hashes. */
  decode(bytes: Uint8Array, row: RowId): Promise<DecodedObject>
  /** Returns whether two objects have the same decompressed bytes. */
  same(left: Uint8Array, right: Uint8Array): Promise<boolean>
  key(domainId: string, seq: number): string
  /** Returns the row that a key below `audit/` names; undefined where it names none. */
  parseKey(key: string): RowId | undefined
  /** Returns whether a key has the form of a row's key, with any number. Every other name is no part of a chain. */
  hasRowForm(key: string): boolean
  /** Returns `audit/<domain_id>/`, or `audit/` for all chains. */
  prefix(domainId?: string): string
}
