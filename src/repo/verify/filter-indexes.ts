/** An index that `list` finds the rows of a filter by. */
export interface FilterIndex {
  readonly name: string
  /** The order of its rows within a chain. Together with the order, `where` leads the planner to this index. */
  readonly order: string
  /** The predicate of a partial index. */
  readonly where?: string
}

/** The indexes of the migrations that list and verify read the rows of a chain by, besides the primary key. */
export const FILTER_INDEXES: readonly FilterIndex[] = [
  { name: 'audit_log_entry_by_subject', order: 'subject_pseudonym, seq' },
  { name: 'audit_log_entry_by_relation', order: 'relation, seq' },
  { name: 'audit_log_entry_by_object_type', order: "split_part(object, ':', 1), seq" },
  { name: 'audit_log_entry_by_object_id', order: "substr(object, strpos(object, ':') + 1), seq" },
  { name: 'audit_log_entry_by_reason', order: 'reason, seq', where: 'reason <> 1' },
  {
    name: 'audit_log_entry_by_reason_unknown',
    order: 'seq',
    where: '(reason < 1 OR reason > 4 OR reason IS NULL)',
  },
  { name: 'audit_log_entry_by_correlation', order: 'correlation_id, seq', where: "correlation_id <> ''" },
]
