/** A value inside another one. An item of a list has the name of the list; the outermost value has the name ''. */
export interface Node {
  readonly name: string
  readonly value: unknown
}

/** Text that holds JSON may hold text that holds JSON, and so on. The file itself may have 64 levels. */
const MAX_LEVELS = 64

/** Yields a value and all values inside it, except lists. Text that holds JSON is also read as JSON. */
export function* nodesIn(value: unknown, name = '', level = 0): Generator<Node> {
  const read = typeof value === 'string' ? jsonOf(value) : value
  if (!Array.isArray(read)) yield { name, value: read }
  if (typeof read !== 'object' || read === null || level >= MAX_LEVELS) return
  for (const [key, child] of Object.entries(read)) {
    yield* nodesIn(child, Array.isArray(read) ? name : key, level + 1)
  }
}

function jsonOf(text: string): unknown {
  if (!/^\s*[[{"]/.test(text)) return text
  try {
    return JSON.parse(text)
  } catch {
    return text
  }
}
