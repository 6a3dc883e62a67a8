import type {
  ContextRow,
  FieldChange,
  FieldValue,
  RowCheck,
  RowField,
} from '../chain/evidence/finding-evidence.js'
import type { Finding } from '../chain/finding.js'
import { type WireFinding, wireFinding } from './finding.js'

/**
 * One field in which the copies differ, or in which a malformed object of the mirror differs from its own canonical bytes, which
 * recompute. What has no value for it is absent. Values are untrusted.
 */
export interface ChangeJson {
  /** The row; absent where the finding is about this one row. */
  readonly seq?: number
  readonly field: RowField
  readonly postgres?: FieldValue
  readonly mirror?: FieldValue
  readonly canonical_bytes?: FieldValue
}

/** A row of a finding or next to it: what could be read of time, who, what and decision. */
export interface ContextJson {
  readonly seq: number
  readonly copy?: 'postgres' | 'mirror'
  /** Absent for a row of a generation that this program cannot recompute. */
  readonly check?: RowCheck
  readonly recorded_at?: FieldValue
  readonly subject_pseudonym?: FieldValue
  readonly relation?: FieldValue
  readonly object?: FieldValue
  readonly reason?: FieldValue
}

/** A finding with what the verifier can show of its rows. */
export interface EvidentFinding extends WireFinding {
  readonly changes?: readonly ChangeJson[]
  /** How many rows of the finding differ, where `changes` does not show all of them. */
  readonly rows_changed?: number
  /** The copy whose own chain is intact at these rows, where the other copy's is not. */
  readonly original?: 'postgres' | 'mirror'
  readonly context?: readonly ContextJson[]
}

/** Returns the printed form of a finding with its changes and neighbours. HTTP results have {@link wireFinding}. */
export function evidentFinding(finding: Finding): EvidentFinding {
  const { changes, original, context } = finding
  return {
    ...wireFinding(finding),
    ...(changes !== undefined && { changes: changes.map((change) => changeJson(change, finding)) }),
    ...rowsChanged(finding),
    ...(original !== undefined && { original }),
    ...(context !== undefined && { context: context.map(contextJson) }),
  }
}

function changeJson(change: FieldChange, { seqFrom, seqTo }: Finding): ChangeJson {
  const { seq, field, postgres, mirror, canonical } = change
  return {
    ...((seq !== seqFrom || seq !== seqTo) && { seq }),
    field,
    ...(postgres !== undefined && { postgres }),
    ...(mirror !== undefined && { mirror }),
    ...(canonical !== undefined && { canonical_bytes: canonical }),
  }
}

function rowsChanged({ changes = [], rowsChanged = 0 }: Finding): Pick<EvidentFinding, 'rows_changed'> {
  const shown = new Set(changes.map(({ seq }) => seq)).size
  return rowsChanged > shown ? { rows_changed: rowsChanged } : {}
}

function contextJson({ seq, copy, check, fields }: ContextRow): ContextJson {
  const { recorded_at, subject_pseudonym, relation, object, reason } = fields
  return {
    seq,
    ...(copy !== undefined && { copy }),
    ...(check !== undefined && { check }),
    ...(recorded_at !== undefined && { recorded_at }),
    ...(subject_pseudonym !== undefined && { subject_pseudonym }),
    ...(relation !== undefined && { relation }),
    ...(object !== undefined && { object }),
    ...(reason !== undefined && { reason }),
  }
}
