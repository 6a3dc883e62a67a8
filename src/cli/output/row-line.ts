import { safeText } from './safe-text.js'
import type { Screen } from './screen.js'
import { shortened } from './short-text.js'
import type { Cell, Heading } from './table.js'

/**
 * Returns a row as one line that does not wait for other rows: safe texts two spaces apart, with `-` for an empty one. On a
 * terminal digests and long texts are short.
 */
export function rowLine(
  head: readonly Heading[],
  cells: readonly Cell[],
  { isTerminal, unicode }: Screen,
): string {
  const texts = cells.map((cell, index) => {
    const text = cell === undefined || cell === '' ? '-' : safeText(String(cell))
    const heading = head[index]
    const form = typeof heading === 'object' && isTerminal ? heading.short : undefined
    const isCut = form === 'digest' || form === 'excerpt' || form === 'name'
    return isCut ? shortened([text], form, unicode ? '…' : '..') : text
  })
  return texts.join('  ')
}
