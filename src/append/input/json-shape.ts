/** What can be told of a JSON text without building its value. */
export interface JsonShape {
  /** Levels of arrays and objects inside each other; 0 for a bare string or number. */
  readonly depth: number
  /** Keys in all its objects, a repeated key counted each time. Exact for valid JSON only. */
  readonly keys: number
}

/** Deeper input is refused before it is parsed: JSON.stringify and jsonb both recurse. Real events measured: 11. */
export const MAX_JSON_DEPTH = 64

const QUOTE = 0x22
const BACKSLASH = 0x5c

/** Reads any text, valid JSON or not, in one pass. Outside of strings, valid JSON has one colon for each key. */
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

/** Where the string that opens at `start` closes; the end of the text if it does not. */
function endOfString(text: string, start: number): number {
  let i = start + 1
  while (i < text.length) {
    const c = text.charCodeAt(i)
    if (c === QUOTE) return i
    i += c === BACKSLASH ? 2 : 1
  }
  return i
}

/** Keys in all objects of a parsed value: fewer than {@link JsonShape.keys} where the text repeated one. */
export function keyCount(value: unknown): number {
  if (typeof value !== 'object' || value === null) return 0
  const children: unknown[] = Object.values(value)
  const own = Array.isArray(value) ? 0 : children.length
  return children.reduce<number>((sum, child) => sum + keyCount(child), own)
}
