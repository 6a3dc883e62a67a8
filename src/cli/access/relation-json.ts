import type { ChangedTuple } from '../../access/relations.js'
import { wireTime } from '../../base/wire-time.js'
import type { RelationTuple, StoredTuple } from '../../ports/relations.js'

/** A relation tuple as `audit relation list` prints it. */
export interface TupleJson extends RelationTuple {
  readonly created_at: string
}

/** A tuple after a change, with the rows that record the change. */
export interface ChangedTupleJson extends RelationTuple {
  readonly changed: boolean
  readonly rows: readonly { readonly domain_id: string; readonly seq: number; readonly entry_hash: string }[]
}

export function tupleJson({ object, relation, subject, createdAt }: StoredTuple): TupleJson {
  return { object, relation, subject, created_at: wireTime(createdAt) }
}

export function changedTupleJson({ tuple, auditRows }: ChangedTuple): ChangedTupleJson {
  const rows = auditRows.map(({ domainId, seq, entryHash }) => ({
    domain_id: domainId,
    seq,
    entry_hash: entryHash,
  }))
  return { ...tuple, changed: auditRows.length > 0, rows }
}
