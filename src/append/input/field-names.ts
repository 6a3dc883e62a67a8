import type { Field, Rule } from './rules.js'

/** Returns the name of a field on an input line: `subject_id` for `subjectId`. A name in snake case stays. */
export function snakeCase(name: string): string {
  return name.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`)
}

/** Returns the fields that have the rules, in their order. `nameOf` returns the name of a field in what is read. */
export function fieldsOf(
  rules: Readonly<Record<string, Rule<unknown>>>,
  nameOf = (code: string) => code,
): Field[] {
  return Object.entries(rules).map(([code, rule]) => ({ name: nameOf(code), code, rule }))
}
