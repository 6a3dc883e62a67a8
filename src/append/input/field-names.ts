type CamelCase<Name> = Name extends `${infer Head}_${infer Tail}`
  ? `${Head}${Capitalize<CamelCase<Tail>>}`
  : Name

/** The type of an input line with its fields in camel case: `subject_id` becomes `subjectId`. Free JSON keeps its own names. */
export type InCamelCase<T> = T extends readonly (infer Item)[]
  ? readonly Item[]
  : T extends object
    ? string extends keyof T
      ? T
      : { readonly [Name in keyof T as CamelCase<Name>]: InCamelCase<T[Name]> }
    : T

/** A field's name on an input line, its name in code, and the names inside it where it is an object of named fields. */
export interface FieldName {
  readonly line: string
  readonly code: string
  readonly inside: readonly FieldName[] | undefined
}

type Shape = Readonly<Record<string, unknown>>
type Fields = Record<string, unknown>

/** Returns the names of a shape's fields. `objects` has the shapes of those fields that are objects of named fields. */
export function fieldNames(
  shape: Shape,
  objects: Readonly<Record<string, Shape>> = {},
): readonly FieldName[] {
  return Object.keys(shape).map((line) => {
    const object = objects[line]
    return { line, code: camelCase(line), inside: object && fieldNames(object) }
  })
}

function camelCase(name: string): string {
  return name.replace(/_(.)/g, (_match, letter: string) => letter.toUpperCase())
}

/** Returns the fields of a checked input line that are present, under their names in code. */
export function toCamelCase<Line extends object>(line: Line, names: readonly FieldName[]): InCamelCase<Line> {
  const fields: Fields = {}
  for (const name of names) {
    const value = (line as Fields)[name.line]
    if (value === undefined) continue
    fields[name.code] = name.inside === undefined ? value : toCamelCase(value as object, name.inside)
  }
  return fields as InCamelCase<Line>
}

/** Returns the fields of an unchecked entry that are present, under their names on an input line. */
export function toSnakeCase(entry: object, names: readonly FieldName[]): Fields {
  const fields: Fields = {}
  for (const { line, code, inside } of names) {
    const value = (entry as Fields)[code]
    if (value === undefined) continue
    fields[line] = inside && value ? toSnakeCase(value, inside) : value
  }
  return fields
}
