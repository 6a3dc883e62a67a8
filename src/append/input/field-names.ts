/** Returns the name of a field on an input line: `subject_id` for `subjectId`. A name in snake case stays. */
export function snakeCase(name: string): string {
  return name.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`)
}

/** A field's name on an input line, its name in code, and the names inside it where it is an object of named fields. */
export interface FieldName {
  readonly line: string
  readonly code: string
  readonly inside: readonly FieldName[] | undefined
}

/** Returns the names of fields. `objects` has the names inside those fields that are objects of named fields. */
export function fieldNames(
  fields: object,
  objects: Readonly<Record<string, readonly FieldName[]>> = {},
): readonly FieldName[] {
  return Object.keys(fields).map((code) => ({ line: snakeCase(code), code, inside: objects[code] }))
}

type Fields = Record<string, unknown>

/** Returns the fields of a checked input line that are present, under their names in code. */
export function toCamelCase(line: object, names: readonly FieldName[]): Fields {
  const fields: Fields = {}
  for (const name of names) {
    const value = (line as Fields)[name.line]
    if (value === undefined) continue
    fields[name.code] = name.inside === undefined ? value : toCamelCase(value as object, name.inside)
  }
  return fields
}
