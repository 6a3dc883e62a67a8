import { fileURLToPath } from 'node:url'

/** A path, or what is wrong with the URL that should name it. */
export type FilePlace = { readonly path: string } | { readonly problem: string }

/**
 * Returns the path that `file:///path` names, strictly. The problem does not repeat the text, which may be the secret itself.
 * `expected`: the problem of a text that is no such URL.
 */
export function filePlaceOf(text: string, expected: string): FilePlace {
  // new URL also accepts file:key and file://key, and reads another path from them.
  if (!/^file:\/\/\//i.test(text)) return { problem: expected }
  if (/[?#]/.test(text))
    return { problem: 'expected file:///path without ? or #, written %3F and %23 in a path' }
  const path = decoded(text)
  if (path === undefined) return { problem: 'expected file:///path with well-formed percent escapes' }
  if (path.includes('\0') || path.endsWith('/')) return { problem: 'expected file:///path of a file' }
  return { path }
}

function decoded(text: string): string | undefined {
  try {
    return fileURLToPath(text)
  } catch {
    return undefined
  }
}
