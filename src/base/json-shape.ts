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
  let i = start + 1
  while (i < text.length) {
    const c = text.charCodeAt(i)
    if (c === QUOTE) return i
    i += c === BACKSLASH ? 2 : 1
  }
  return i
}

/** Counts the keys in all objects of a parsed value: fewer than {@link JsonShape.keys} where the text repeats a key. */
export function keyCount(value: unknown): number {
  if (typeof value !== 'object' || value === null) return 0
  const children: unknown[] = Object.values(value)
  const own = Array.isArray(value) ? 0 : children.length
  return children.reduce<number>((sum, child) => sum + keyCount(child), own)
}
