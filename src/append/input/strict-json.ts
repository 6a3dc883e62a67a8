import { repeatsKey } from '../../base/json-repeats.js'
import { jsonShape, keyCount, MAX_JSON_DEPTH } from '../../base/json-shape.js'

/** A refusal whose message names the rule. It never quotes the input; the engine's own SyntaxError would. */
export class JsonProblem extends Error {
  override readonly name = 'JsonProblem'
}

const decoder = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true })

/**
 * Parses JSON bytes so that all readers agree about the value: ill-formed or overlong UTF-8 is refused, and so is a key
 * that occurs twice in one object. JSON.parse keeps the last of two equal keys; a check that reads the first would have
 * seen another row. Throws JsonProblem and nothing else.
 */
export function parseStrictJson(bytes: Uint8Array): unknown {
  const { value, keys } = parseJson(bytes)
  if (keyCount(value) !== keys) throw repeated()
  return value
}

/**
 * Parses as {@link parseStrictJson} does, but a key may occur twice where `isAllowed` returns true for its path
 * ({@link repeatsKey}). There, the last of two equal keys is kept.
 */
export function parseLooseJson(bytes: Uint8Array, isAllowed: (path: readonly string[]) => boolean): unknown {
  const { value, keys, text } = parseJson(bytes)
  if (keyCount(value) !== keys && repeatsKey(text, isAllowed)) throw repeated()
  return value
}

function repeated(): JsonProblem {
  return new JsonProblem('a key occurs twice in one object')
}

interface Parsed {
  readonly value: unknown
  readonly text: string
  /** Number of keys in all objects of the text, with each repeated key counted. */
  readonly keys: number
}

function parseJson(bytes: Uint8Array): Parsed {
  const text = decode(bytes)
  const { depth, keys } = jsonShape(text)
  if (depth > MAX_JSON_DEPTH) throw new JsonProblem(`nested deeper than ${MAX_JSON_DEPTH} levels`)
  try {
    return { value: JSON.parse(text), text, keys }
  } catch {
    throw new JsonProblem('not valid JSON')
  }
}

function decode(bytes: Uint8Array): string {
  try {
    return decoder.decode(bytes)
  } catch {
    throw new JsonProblem('not well-formed UTF-8')
  }
}
