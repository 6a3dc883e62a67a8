import {
  type FieldChange,
  type FieldValue,
  ROW_FIELDS,
  type RowField,
  type RowFields,
} from './finding-evidence.js'

/** The finding names the chain and the row, so a row that only one copy has need not repeat them. */
const NAMED_BY_FINDING: readonly RowField[] = ['domain_id', 'seq']

/**
 * Returns the fields in which the copies of a row differ, in the order of the format. Of a row that only one copy has, returns
 * every field of that copy.
 */
export function changedFields(
  seq: number,
  postgres: RowFields | undefined,
  mirror: RowFields | undefined,
): FieldChange[] {
  const isInBoth = postgres !== undefined && mirror !== undefined
  const fields = isInBoth ? ROW_FIELDS : ROW_FIELDS.filter((field) => !NAMED_BY_FINDING.includes(field))
  return fields
    .map((field) => ({ seq, field, postgres: postgres?.[field], mirror: mirror?.[field] }))
    .filter((change) => !isEqual(change.postgres, change.mirror))
    .map(withoutAbsent)
}

function isEqual(one: FieldValue | undefined, other: FieldValue | undefined): boolean {
  return JSON.stringify(one) === JSON.stringify(other)
}

function withoutAbsent({ seq, field, postgres, mirror }: FieldChange): FieldChange {
  return {
    seq,
    field,
    ...(postgres !== undefined && { postgres }),
    ...(mirror !== undefined && { mirror }),
  }
}
