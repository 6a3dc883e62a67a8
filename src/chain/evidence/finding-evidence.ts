/** The fields of a stored row, by the names that an object of the mirror gives them. */
export const ROW_FIELDS = [
  'domain_id',
  'seq',
  'subject_pseudonym',
  'relation',
  'object',
  'reason',
  'relation_path',
  'caveat_context',
  'correlation_id',
  'zedtoken',
  'recorded_at',
  'prev_hash',
  'entry_hash',
] as const

export type RowField = (typeof ROW_FIELDS)[number]

/** A stored value as JSON holds it: a text, a list of texts, a time in RFC 3339, or a number. It is untrusted. */
export type FieldValue = string | number | readonly string[]

/** The fields of a row that could be read. */
export type RowFields = Readonly<Partial<Record<RowField, FieldValue>>>

/**
 * One field of one row in which the two copies differ, or in which a malformed object of the mirror differs from its own
 * canonical bytes, which recompute. What has no value for the field is absent.
 */
export interface FieldChange {
  readonly seq: number
  readonly field: RowField
  readonly postgres?: FieldValue | undefined
  readonly mirror?: FieldValue | undefined
  /** What the canonical bytes of the same object hold. */
  readonly canonical?: FieldValue | undefined
}

/**
 * What recomputing one row shows. `damaged`: the row does not hash to its entry_hash. `unlinked`: it does, but its prev_hash
 * is not the entry_hash of the stored row before it. `ok`: neither, as far as the copy holds the row before it.
 */
export type RowCheck = 'ok' | 'damaged' | 'unlinked'

/** A row of a finding, or a row next to them, as one copy stores it. */
export interface ContextRow {
  readonly seq: number
  /** The copy that the row was read from; absent for a bundle. */
  readonly copy?: 'postgres' | 'mirror' | undefined
  /** Absent for a row of a generation that this program cannot recompute. */
  readonly check?: RowCheck | undefined
  readonly fields: RowFields
}

/** What a verifier can show of the rows of a finding. No fingerprint covers it. */
export interface FindingEvidence {
  /**
   * The fields in which the copies differ, of the first rows that differ; ascending by seq. With one copy, those in which an object
   * differs from its own canonical bytes; absent where there are none.
   */
  readonly changes?: readonly FieldChange[] | undefined
  /** How many rows of the finding differ between the copies. Absent with one copy. */
  readonly rowsChanged?: number | undefined
  /** The copy whose own chain is intact at these rows, or has the signed row, where the other copy's is or has not. */
  readonly original?: 'postgres' | 'mirror' | undefined
  /** Where the signed head was read that the rows contradict, as text; the `expected` hash is the one that it states. */
  readonly signedIn?: string | undefined
  /** Whether `expected` and `observed` are roots of the tree, and not hashes of a row. */
  readonly isRoot?: true | undefined
  /** The first rows of the finding and the rows before and after it, ascending by seq. */
  readonly context?: readonly ContextRow[] | undefined
}
