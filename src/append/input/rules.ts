/** Returns the checked value, or throws {@link FieldProblem}. Never returns more of a value than it checked. */
export type Rule<T> = (value: unknown) => T

/** What is wrong with a value, and where inside it. Neither the rule nor the path shows anything of the value. */
export class FieldProblem extends Error {
  override readonly name = 'FieldProblem'
  /** The names and indexes that lead to the value, outermost first. */
  readonly path: (string | number)[] = []
}

export const string: Rule<string> = (value) =>
  typeof value === 'string' ? value : refuse(typeText('string', value))

export const lowerCase: Rule<string> = (value) => string(value).toLowerCase()

/** Adds a check that is written as the `*Problem` functions are. */
export function ruled<T>(rule: Rule<T>, problemOf: (value: T) => string | undefined): Rule<T> {
  return (given) => {
    const value = rule(given)
    const problem = problemOf(value)
    return problem === undefined ? value : refuse(problem)
  }
}

export function optional<T>(rule: Rule<T>): Rule<T | undefined> {
  return (value) => (value === undefined ? undefined : rule(value))
}

export function defaulted<T>(rule: Rule<T>, fallback: () => T): Rule<T> {
  return (value) => (value === undefined ? fallback() : rule(value))
}

export function oneOf<T extends string>(values: readonly T[]): Rule<T> {
  const text = `expected one of ${values.map((value) => `"${value}"`).join('|')}`
  const known: readonly unknown[] = values
  return (value) => (known.includes(value) ? (value as T) : refuse(text))
}

/** Returns a copy: the caller may change its list later. */
export function list<T>(rule: Rule<T>, min = 0, max = Number.POSITIVE_INFINITY): Rule<T[]> {
  return (value) => {
    if (!Array.isArray(value)) refuse(typeText('array', value))
    if (value.length > max) refuse(`expected array to have <=${max} items`)
    if (value.length < min) refuse(`expected array to have >=${min} items`)
    const items: T[] = []
    for (let i = 0; i < value.length; i += 1) items.push(at(i, rule, value[i]))
    return items
  }
}

/** A field of an object: its name in what is read, its name in what is returned, and its rule. */
export interface Field {
  readonly name: string
  readonly code: string
  readonly rule: Rule<unknown>
}

/** Reads an object. A field that is undefined is left out. With `isStrict`, a key without a rule is refused, otherwise ignored. */
export function object<T>(fields: readonly Field[], isStrict: boolean): Rule<T> {
  const names = new Set(fields.map(({ name }) => name))
  return (value) => {
    if (!isObject(value)) refuse(typeText('object', value))
    const read: Record<string, unknown> = {}
    for (const { name, code, rule } of fields) {
      const field = at(name, rule, value[name])
      if (field !== undefined) read[code] = field
    }
    if (isStrict) refuseOthers(value, names)
    return read as T
  }
}

function refuseOthers(value: object, names: ReadonlySet<string>): void {
  for (const key in value) if (!names.has(key)) refuse(`unknown key${keyName(key)}`)
}

/** Leaves out a key that cannot be the name of a field: it may be the name of a person. */
function keyName(key: string): string {
  return /^[a-z][a-z_]{0,31}$/i.test(key) ? ` ${key}` : ''
}

function at<T>(step: string | number, rule: Rule<T>, value: unknown): T {
  try {
    return rule(value)
  } catch (error) {
    if (error instanceof FieldProblem) error.path.unshift(step)
    throw error
  }
}

export function refuse(problem: string): never {
  throw new FieldProblem(problem)
}

function typeText(expected: string, value: unknown): string {
  return value === undefined ? 'required' : `expected ${expected}, received ${typeName(value)}`
}

function typeName(value: unknown): string {
  if (typeof value === 'number' && !Number.isFinite(value)) return String(value)
  if (typeof value !== 'object') return typeof value
  if (value === null) return 'null'
  return Array.isArray(value) ? 'array' : className(value)
}

function className(value: object): string {
  const isPlain = Object.getPrototypeOf(value) === Object.prototype
  const maker = isPlain || !('constructor' in value) ? undefined : value.constructor
  return maker ? maker.name : 'object'
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}
