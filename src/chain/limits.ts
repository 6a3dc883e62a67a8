/**
 * The limits of the format, for the encoder, the input schema and the flags. migrations/ has the same rules as CHECKs,
 * and a test compares both at every edge. Byte lengths are lengths in UTF-8.
 */
export const LIMITS = {
  subjectIdBytes: 512,
  relationBytes: 128,
  objectIdBytes: 512,
  pathItems: 64,
  pathItemBytes: 512,
  caveatNames: 64,
  correlationIdBytes: 256,
  zedtokenBytes: 1024,
  maxSeq: Number.MAX_SAFE_INTEGER,
  plaintextBytes: 512,
  emailBytes: 512,
  claimNames: 64,
  claimNameBytes: 128,
  userAgentBytes: 1024,
  metadataBytes: 16 * 1024,
  lineBytes: 1024 * 1024,
  domainIds: 64,
} as const

/** A type and the first colon, because a type has none. */
const OBJECT_TYPE = /^[a-z][a-z0-9_/-]{0,63}:/
const CAVEAT = /^[A-Za-z_][A-Za-z0-9_]{0,62}(\.[A-Za-z_][A-Za-z0-9_]{0,62})?$/

const encoder = new TextEncoder()

/** Returns the UTF-8 bytes of a text. Check {@link textProblem} first: a lone surrogate cannot be encoded. */
export function utf8(text: string): Uint8Array {
  return encoder.encode(text)
}

/** Returns what is wrong with a text that must be `min` to `max` bytes of well-formed UTF-8 without U+0000, or undefined. */
export function textProblem(text: string, min: number, max: number): string | undefined {
  if (!text.isWellFormed()) return 'a lone surrogate is not text'
  if (text.includes('\0')) return 'U+0000 is not allowed'
  // A code unit takes one to three bytes, so most texts can be measured without encoding them.
  if (text.length >= min && text.length * 3 <= max) return undefined
  const { length } = utf8(text)
  return length < min || length > max ? `expected ${min} to ${max} bytes of UTF-8, got ${length}` : undefined
}

/** Returns what is wrong with an object `type:id`, or undefined. */
export function objectProblem(object: string): string | undefined {
  const colon = object.indexOf(':')
  if (colon < 0) return 'expected type:id'
  if (!OBJECT_TYPE.test(object)) return 'expected a type of [a-z][a-z0-9_/-]{0,63} before the colon'
  return textProblem(object.slice(colon + 1), 1, LIMITS.objectIdBytes)
}

export function relationPathProblem(path: readonly string[]): string | undefined {
  if (path.length > LIMITS.pathItems) return `expected at most ${LIMITS.pathItems} items, got ${path.length}`
  return firstProblem(path, (item) => textProblem(item, 1, LIMITS.pathItemBytes))
}

/** Accepts names only: `name` or `name.parameter`, so that no bound value can be written. The encoder checks order and duplicates. */
export function caveatContextProblem(names: readonly string[]): string | undefined {
  if (names.length > LIMITS.caveatNames)
    return `expected at most ${LIMITS.caveatNames} names, got ${names.length}`
  return firstProblem(names, (name) =>
    CAVEAT.test(name) ? undefined : 'expected name or name.parameter, names only: a value is never recorded',
  )
}

function firstProblem(
  items: readonly string[],
  check: (item: string) => string | undefined,
): string | undefined {
  let number = 0
  for (const item of items) {
    const problem = check(item)
    number += 1
    if (problem !== undefined) return `item ${number}: ${problem}`
  }
  return undefined
}
