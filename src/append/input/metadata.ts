import { MAX_JSON_DEPTH } from '../../base/json-shape.js'
import { LIMITS, textProblem, utf8 } from '../../chain/limits.js'

/** JSON of 16 KiB cannot hold more values. The limit also bounds the walk over a value that a caller built in memory. */
const MAX_VALUES = LIMITS.metadataBytes

/**
 * Returns what is wrong with the metadata of a context, or undefined. It must be a JSON object that PostgreSQL stores as
 * jsonb and returns unchanged. A number that a double cannot hold exactly is also refused, and so is `__proto__`, which
 * copies drop.
 */
export function metadataProblem(metadata: unknown): string | undefined {
  if (!isPlainObject(metadata)) return 'expected a JSON object'
  const problem = new Walk().problem(metadata, 1)
  if (problem !== undefined) return problem
  const { length } = utf8(JSON.stringify(metadata))
  return length > LIMITS.metadataBytes
    ? `expected at most ${LIMITS.metadataBytes} bytes of JSON, got ${length}`
    : undefined
}

class Walk {
  #values = 0

  problem(value: unknown, depth: number): string | undefined {
    this.#values += 1
    if (this.#values > MAX_VALUES) return `expected at most ${LIMITS.metadataBytes} bytes of JSON`
    if (typeof value !== 'object' || value === null) return scalarProblem(value)
    if (depth > MAX_JSON_DEPTH) return `nested deeper than ${MAX_JSON_DEPTH} levels`
    if (Array.isArray(value)) return this.#first(value, depth)
    if (!isPlainObject(value)) return 'expected JSON values only'
    return firstProblem(Object.keys(value), keyProblem) ?? this.#first(Object.values(value), depth)
  }

  #first(values: readonly unknown[], depth: number): string | undefined {
    return firstProblem(values, (value) => this.problem(value, depth + 1))
  }
}

function scalarProblem(value: unknown): string | undefined {
  if (typeof value === 'string') return textProblem(value, 0, LIMITS.metadataBytes)
  if (typeof value === 'number') return numberProblem(value)
  return value === null || typeof value === 'boolean' ? undefined : 'expected JSON values only'
}

function numberProblem(value: number): string | undefined {
  const exact = Number.isFinite(value) && (!Number.isInteger(value) || Number.isSafeInteger(value))
  return exact ? undefined : 'a number is too large to be kept exactly: write it as a string'
}

function keyProblem(key: string): string | undefined {
  return key === '__proto__' ? 'the key __proto__ is refused' : textProblem(key, 0, LIMITS.metadataBytes)
}

function firstProblem<T>(items: readonly T[], check: (item: T) => string | undefined): string | undefined {
  for (const item of items) {
    const problem = check(item)
    if (problem !== undefined) return problem
  }
  return undefined
}

function isPlainObject(value: unknown): value is Record<string, unknown> {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return false
  const prototype: unknown = Object.getPrototypeOf(value)
  return prototype === Object.prototype || prototype === null
}
