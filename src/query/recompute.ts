import { AuditError } from '../base/errors.js'
import { KNOWN_GENERATION } from '../base/row-filter.js'
import { encodeCanonical } from '../chain/canonical.js'
import type { Entry } from '../chain/entry.js'
import { FormatError } from '../chain/format-error.js'
import { type Hasher, isHash } from '../chain/hash.js'
import { reasonName } from '../chain/reason.js'
import type { ReadEntry } from '../ports/query.js'

/** The bytes that the hash of a row is made of, and whether they give it. */
export interface Recomputed {
  /** Empty for a row that has none. Empty bytes hash to no entry_hash. Of a malformed object, the bytes that it holds. */
  readonly canonicalBytes: Uint8Array
  /**
   * What is wrong, after "row N"; absent where prev_hash and the canonical bytes hash to entry_hash. Says nothing about the
   * row's link to other rows.
   */
  readonly problem?: string
}

/** Recomputes the hash of a stored row. Throws `generation_unknown` for a row that this program cannot encode. */
export function recompute(row: ReadEntry, hasher: Hasher): Recomputed {
  if (row.generation !== undefined && row.generation !== KNOWN_GENERATION) {
    throw new AuditError(
      'generation_unknown',
      `row ${row.seq} of chain ${row.domainId} is of generation ${row.generation}, which this program cannot encode`,
    )
  }
  if (row.problem !== undefined)
    return { canonicalBytes: row.own?.canonical ?? new Uint8Array(), problem: row.problem }
  try {
    const canonicalBytes = row.canonical ?? encodeCanonical(storedEntry(row))
    const problem = hashProblem(row, canonicalBytes, hasher)
    return problem === undefined ? { canonicalBytes } : { canonicalBytes, problem }
  } catch (error) {
    if (!(error instanceof FormatError)) throw error
    return withoutBytes(`has no canonical bytes: ${error.message}`)
  }
}

/** Returns the result for a row that has no canonical bytes. */
export function withoutBytes(problem: string): Recomputed {
  return { canonicalBytes: new Uint8Array(), problem }
}

function hashProblem(row: ReadEntry, bytes: Uint8Array, hasher: Hasher): string | undefined {
  const { prevHash = '', entryHash = 'NULL' } = row
  if (!isHash(prevHash)) return 'does not recompute: prev_hash is no SHA-256 hash'
  const hash = hasher.link(prevHash, hasher.canonical(bytes))
  return hash === entryHash
    ? undefined
    : `does not recompute: expected entry_hash ${hash}, got ${entryHash || 'no bytes'}`
}

/** Returns the entry that a row stores. Throws FormatError for a field that no entry can have. */
export function storedEntry(row: ReadEntry): Entry {
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
