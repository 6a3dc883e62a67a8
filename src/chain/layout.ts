/**
 * Where the fields of the canonical bytes begin and how many bytes they take, generation PXA1 (FORMAT.md, "Canonical
 * bytes"). Only the fields before `relation` have a fixed offset; recorded_at is counted from the end.
 */

/** Generation 1: the ASCII bytes `PXA1`. */
export const MAGIC = Uint8Array.of(0x50, 0x58, 0x41, 0x31)

/** {@link MAGIC} as a big-endian u32. */
export const MAGIC_WORD = 0x50584131

export const MAGIC_BYTES = 4
export const DOMAIN_ID_BYTES = 16
export const SEQ_BYTES = 8
export const PSEUDONYM_BYTES = 32
/** The length before a text and the count before a list. */
export const LENGTH_BYTES = 4
export const RECORDED_AT_BYTES = 8

export const DOMAIN_ID_AT = MAGIC_BYTES
export const SEQ_AT = DOMAIN_ID_AT + DOMAIN_ID_BYTES
export const PSEUDONYM_AT = SEQ_AT + SEQ_BYTES
/** The first field of no fixed offset behind it. */
export const RELATION_AT = PSEUDONYM_AT + PSEUDONYM_BYTES

/** A prev_hash, an entry_hash, or the hash of canonical bytes. */
export const HASH_BYTES = 32
export const HASH_DIGITS = 2 * HASH_BYTES

/** Returns where recorded_at begins, the last field, in canonical bytes of this length. */
export function recordedAtOffset(length: number): number {
  return length - RECORDED_AT_BYTES
}
