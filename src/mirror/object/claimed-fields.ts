import { type FieldValue, ROW_FIELDS, type RowFields } from '../../chain/evidence/finding-evidence.js'

/** Returns the fields of a row that a JSON object has with a value of a type that a row can hold. The values are untrusted. */
export function claimedFields(value: Readonly<Record<string, unknown>>): RowFields {
  const fields = ROW_FIELDS.flatMap((name): [string, FieldValue][] => {
    const claimed = Object.hasOwn(value, name) ? value[name] : undefined
    return isFieldValue(claimed) ? [[name, claimed]] : []
  })
  return Object.fromEntries(fields)
}

function isFieldValue(value: unknown): value is FieldValue {
  if (Array.isArray(value)) return value.every((item) => typeof item === 'string')
  return typeof value === 'string' || typeof value === 'number'
}
