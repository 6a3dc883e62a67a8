import { AuditError } from '../base/errors.js'
import { type Hasher, nobleHasher } from '../chain/hash.js'
import type { EntryReader, ReadEntry } from '../ports/query.js'
import { assertKnown } from './list.js'
import { type Recomputed, recompute, withoutBytes } from './recompute.js'

/** One row, and the bytes that its hash is made of. */
export interface EntryProof extends Recomputed {
  readonly entry: ReadEntry
}

/**
 * Returns one row with its proof, whatever was done to the row: a row that has no canonical bytes, or that is stored more
 * than once, comes with empty ones. Rejects with `domain_not_found` or `entry_not_found`, and with `generation_unknown` for
 * a row that this program cannot encode.
 */
export async function getEntry(
  reader: EntryReader,
  domainId: string,
  seq: number,
  hasher: Hasher = nobleHasher,
): Promise<EntryProof> {
  const proof = proofOf(await reader.rowsAt(domainId, seq), hasher)
  if (proof !== undefined) return proof
  await assertKnown(reader, domainId)
  const where = reader.copy === undefined ? '' : ` in ${reader.copy.where}`
  throw new AuditError('entry_not_found', `chain ${domainId} has no row ${seq}${where}`)
}

/** Returns the proof of the rows that a copy has under one seq; undefined where it has none. Throws `generation_unknown`. */
export function proofOf([entry, second]: readonly ReadEntry[], hasher: Hasher): EntryProof | undefined {
  if (entry === undefined) return undefined
  const recomputed =
    second === undefined
      ? recompute(entry, hasher)
      : withoutBytes('has no canonical bytes: it is stored more than once')
  return { entry, ...recomputed }
}
