import { AuditError } from '../base/errors.js'
import { encodeCanonical } from '../chain/canonical.js'
import type { Entry } from '../chain/entry.js'
import { FormatError } from '../chain/format-error.js'
import { type Hasher, isHash, nobleHasher } from '../chain/hash.js'
import { reasonName } from '../chain/reason.js'
import type { EntryReader, ReadEntry } from '../ports/query.js'
import { assertKnown } from './list.js'

/** One row, and the bytes that its hash is made of. */
export interface EntryProof {
  readonly entry: ReadEntry
  readonly canonicalBytes: Uint8Array
}

export interface ProvenEntry extends EntryProof {
  /** Whether prev_hash and the canonical bytes hash to entry_hash. Says nothing about the row's link to other rows. */
  readonly recomputes: boolean
}

/** The generation of the canonical bytes that this program encodes (src/chain/FORMAT.md). */
const GENERATION = 1

/**
 * Returns one row with its proof. Rejects with `domain_not_found` or `entry_not_found`, and with `generation_unknown` or
 * `entry_malformed` when the stored row has no canonical bytes.
 */
export async function getEntry(
  reader: EntryReader,
  domainId: string,
  seq: number,
  hasher: Hasher = nobleHasher,
): Promise<ProvenEntry> {
  const [entry, second] = await rowsAt(reader, domainId, seq)
  const bytes = canonicalBytes(entry, second)
  const { prevHash = '', entryHash } = entry
  const recomputes = isHash(prevHash) && hasher.link(prevHash, hasher.canonical(bytes)) === entryHash
  return { entry, canonicalBytes: bytes, recomputes }
}

/**
 * Returns one row with its proof, whatever was done to the row: a row that has no canonical bytes comes with empty ones,
 * which hash to no entry_hash. Rejects as {@link getEntry} does, but never with `entry_malformed`.
 */
export async function getProof(reader: EntryReader, domainId: string, seq: number): Promise<EntryProof> {
  const [entry, second] = await rowsAt(reader, domainId, seq)
  try {
    return { entry, canonicalBytes: canonicalBytes(entry, second) }
  } catch (error) {
    if (!(error instanceof AuditError) || error.code !== 'entry_malformed') throw error
    return { entry, canonicalBytes: new Uint8Array() }
  }
}

async function rowsAt(
  reader: EntryReader,
  domainId: string,
  seq: number,
): Promise<readonly [ReadEntry, ReadEntry?]> {
  const [row, second] = await reader.rowsAt(domainId, seq)
  if (row !== undefined) return second === undefined ? [row] : [row, second]
  await assertKnown(reader, domainId)
  throw new AuditError('entry_not_found', `chain ${domainId} has no row ${seq}`)
}

function canonicalBytes(row: ReadEntry, second: ReadEntry | undefined): Uint8Array {
  if (second !== undefined) throw malformed(row, 'it is stored more than once')
  if (row.generation !== undefined && row.generation !== GENERATION) {
    throw new AuditError(
      'generation_unknown',
      `row ${row.seq} of chain ${row.domainId} is of generation ${row.generation}, which this program cannot encode`,
    )
  }
  try {
    return encodeCanonical(storedEntry(row))
  } catch (error) {
    if (error instanceof FormatError) throw malformed(row, error.message)
    throw error
  }
}

function storedEntry(row: ReadEntry): Entry {
  const { recordedAt } = row
  return {
    domainId: row.domainId,
    seq: row.seq,
    subjectPseudonym: present('subject_pseudonym', row.subjectPseudonym),
    relation: present('relation', row.relation),
    object: present('object', row.object),
    reason: present('reason', reasonName(row.reason ?? 0), 'not 1 to 4'),
    relationPath: present('relation_path', row.relationPath, 'not a flat array of texts'),
    caveatContext: present('caveat_context', row.caveatContext, 'not a flat array of texts'),
    correlationId: present('correlation_id', row.correlationId),
    zedtoken: present('zedtoken', row.zedtoken),
    recordedAt: present('recorded_at', typeof recordedAt === 'bigint' ? recordedAt : undefined, 'not a time'),
  }
}

function present<T>(field: string, value: T | undefined, problem = 'NULL'): T {
  if (value === undefined) throw new FormatError(field, problem)
  return value
}

function malformed(row: ReadEntry, problem: string): AuditError {
  return new AuditError(
    'entry_malformed',
    `row ${row.seq} of chain ${row.domainId} has no canonical bytes: ${problem}`,
    { advice: { code: 'verify_forced_row', domainId: row.domainId } },
  )
}
