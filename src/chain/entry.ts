import type { Reason } from './reason.js'

/** The hashed fields of one row, in the order of the format. Hashes and pseudonyms are 64 lower-case hex digits. */
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

/** A row of a chain, with its hashes. */
export interface ChainedEntry extends Entry {
  readonly prevHash: string
  readonly entryHash: string
}

/** The last row that a chain claims to have: `(next_seq - 1, head_hash)`. */
export interface ChainHead {
  readonly seq: number
  readonly hash: string
}

/** A head that was saved elsewhere, with how far the chain was archived then. */
export interface PinnedHead extends ChainHead {
  /** Every row up to this seq had an archive stamp. Absent: not known. */
  readonly archivedThrough?: number | undefined
}

/** Sorts caveat names by their bytes and drops duplicates. Names are ASCII, so the order of code units is the order of bytes. */
export function sortCaveats(names: readonly string[]): string[] {
  return names.length < 2 ? [...names] : [...new Set(names)].sort((a, b) => (a < b ? -1 : 1))
}
