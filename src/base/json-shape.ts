/** What can be counted in a JSON text without building its value. */
export interface JsonShape {
  /** Levels of nested arrays and objects; 0 for a bare string or number. */
  readonly depth: number
  /** Number of keys in all objects, with each repeated key counted. Exact for valid JSON only. */
  readonly keys: number
}

/** Deeper input is refused before it is parsed, because JSON.stringify and jsonb recurse. Real events have up to 11 levels, a manifest has 4. */
export const MAX_JSON_DEPTH = 64

const QUOTE = 0x22
const BACKSLASH = 0x5c

/** Reads a text, valid JSON or not, in one pass. Outside strings, valid JSON has one colon for each key. */
export function jsonShape(text: string): JsonShape {
  let depth = 0
  let open = 0
  let keys = 0
  for (let i = 0; i < text.length; i += 1) {
    const c = text.charCodeAt(i)
    if (c === QUOTE) i = endOfString(text, i)
    else if (c === 0x3a) keys += 1
    else if (c === 0x7b || c === 0x5b) {
      open += 1
      if (open > depth) depth = open
    } else if (c === 0x7d || c === 0x5d) open -= 1
  }
  return { depth, keys }
}

/** Returns where the string that opens at `start` closes, or the end of the text if it does not close. */
export function endOfString(text: string, start: number): number {
  let end = text.indexOf('"', start + 1)
  while (end >= 0 && isEscaped(text, end)) end = text.indexOf('"', end + 1)
  return end < 0 ? text.length : end
}

/** Returns whether an odd number of backslashes comes before a quote. */
function isEscaped(text: string, quote: number): boolean {
  let first = quote
  while (text.charCodeAt(first - 1) === BACKSLASH) first -= 1
  return (quote - first) % 2 === 1
}

/** Counts the keys in all objects of a parsed JSON value: fewer than {@link JsonShape.keys} where the text repeats a key. */
export function keyCount(value: unknown): number {
  if (typeof value !== 'object' || value === null) return 0
  let count = 0
  if (Array.isArray(value)) for (const item of value) count += keyCount(item)
  else for (const key in value) count += 1 + keyCount((value as Record<string, unknown>)[key])
  return count
}
