import { encodeCanonical } from '../../src/chain/canonical.js'
import type { ChainedEntry, Entry } from '../../src/chain/entry.js'
import type { StoredRow } from '../../src/chain/fold.js'
import { nobleHasher, ZERO_HASH } from '../../src/chain/hash.js'

export const DOMAIN = '0190a8b8-a0c0-7a0a-8a0a-a0a0a0a0a0a1'
export const OTHER_DOMAIN = '0190a8b8-a0c0-7a0a-8a0a-a0a0a0a0a0a2'

export function entryAt(seq: number, patch: Partial<Entry> = {}): Entry {
  return {
    domainId: DOMAIN,
    seq,
    subjectPseudonym: seq.toString(16).padStart(64, 'a'),
    relation: 'project.create',
    object: `project:p${seq}`,
    reason: 'granted',
    relationPath: ['domain:acme#admin', 'group:ops#member'],
    caveatContext: ['from_cidr.cidr', 'within_time_window.end'],
    correlationId: `req-${seq}`,
    zedtoken: 'GhUKEzE2ODY2',
    recordedAt: 1_777_370_400_000_000n + BigInt(seq),
    ...patch,
  }
}

/** Returns sha256( prev_hash ‖ sha256(canonical) ) by the portable hasher. */
export function entryHashOf(prevHash: string, canonical: Uint8Array): string {
  return nobleHasher.link(prevHash, nobleHasher.canonical(canonical))
}

/** Returns the row with its entry_hash recomputed from its fields and its own prev_hash. */
export function rehashed(row: ChainedEntry): ChainedEntry {
  return { ...row, entryHash: entryHashOf(row.prevHash, encodeCanonical(row)) }
}

/** Links and hashes entries in the order given, after a row with `prevHash`. */
export function chained(entries: readonly Entry[], prevHash = ZERO_HASH): ChainedEntry[] {
  let prev = prevHash
  return entries.map((entry) => {
    const row = rehashed({ ...entry, prevHash: prev, entryHash: ZERO_HASH })
    prev = row.entryHash
    return row
  })
}

/** Returns an intact chain of `length` rows. */
export function chainOf(length: number, patch: Partial<Entry> = {}): ChainedEntry[] {
  return chained(Array.from({ length }, (_, i) => entryAt(i + 1, patch)))
}

/** Returns what a source gives the fold for a row that it could read. */
export function stored(row: ChainedEntry): StoredRow {
  return {
    seq: row.seq,
    canonical: encodeCanonical(row),
    prevHash: row.prevHash,
    entryHash: row.entryHash,
  }
}
