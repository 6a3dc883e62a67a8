import { endOfString } from './json-shape.js'

/** The step of a path for an item of a list. */
export const ITEM = '[]'

interface Level {
  /** The keys so far, undefined for a list. */
  readonly keys: Set<string> | undefined
  /** The step to the value that is read now. */
  step: string
}

/**
 * Returns whether an object in a text has a key twice, apart from those for which `isAllowed` returns true. The path leads from
 * the outermost value to the repeated key, with {@link ITEM} for an item of a list. The text must be valid JSON.
 */
export function repeatsKey(text: string, isAllowed: (path: readonly string[]) => boolean): boolean {
  const levels: Level[] = []
  for (let i = 0; i < text.length; i += 1) {
    const c = text[i]
    if (c === '{') levels.push({ keys: new Set(), step: '' })
    else if (c === '[') levels.push({ keys: undefined, step: ITEM })
    else if (c === '}' || c === ']') levels.pop()
    else if (c === '"') {
      const end = endOfString(text, i)
      const isRepeat = isKey(text, end) && takesAgain(levels.at(-1), text.slice(i, end + 1))
      if (isRepeat && !isAllowed(levels.map(({ step }) => step))) return true
      i = end
    }
  }
  return false
}

/** Makes a key the current step of its level. Returns whether the level had the key before. */
function takesAgain(level: Level | undefined, quoted: string): boolean {
  if (level?.keys === undefined) return false
  level.step = JSON.parse(quoted) as string
  const isRepeat = level.keys.has(level.step)
  level.keys.add(level.step)
  return isRepeat
}

/** Returns whether a colon follows the string that closes at `end`. */
function isKey(text: string, end: number): boolean {
  let i = end + 1
  while (i < text.length && /\s/.test(text[i] ?? '')) i += 1
  return text[i] === ':'
}
