import type { Reason } from './reason.js'

/** The hashed fields of one row, in the order of format.md. Hashes and pseudonyms are 64 lower-case hex digits. */
export interface Entry {
  readonly domainId: string
  readonly seq: number
  readonly subjectPseudonym: string
  readonly relation: string
  readonly object: string
  readonly reason: Reason
  readonly relationPath: readonly string[]
  /** Sorted by UTF-8 bytes, without duplicates. */
  readonly caveatContext: readonly string[]
  readonly correlationId: string
  readonly zedtoken: string
  /** Microseconds since 1970-01-01T00:00:00Z. */
  readonly recordedAt: bigint
}

/** A row as it stands on its chain. */
export interface ChainedEntry extends Entry {
  readonly prevHash: string
  readonly entryHash: string
}

/** `(next_seq - 1, head_hash)`: the last row that a chain claims to have. */
export interface ChainHead {
  readonly seq: number
  readonly hash: string
}

/** Sorts caveat names by their bytes and drops duplicates; names are ASCII, so code unit order is byte order. */
export function sortCaveats(names: readonly string[]): string[] {
  return [...new Set(names)].sort((a, b) => (a < b ? -1 : 1))
}
