import { findingsOf, type Size, type State, type View } from './state.js'

/** The smallest terminal that the browser works on. */
export const MIN_SIZE: Size = { columns: 60, rows: 14 }

/** The lines above and below the content: title and chain; status and keys. */
const FRAME = 4
/** The lines of the timeline. */
const TIMELINE_LINES = 3

export function isTooSmall({ columns, rows }: Size): boolean {
  return columns < MIN_SIZE.columns || rows < MIN_SIZE.rows
}

/** Returns the lines of the content. */
export function contentHeight({ rows }: Size): number {
  return Math.max(1, rows - FRAME)
}

/** Returns how many items of the list of a view are on the screen. For a text: its lines. */
export function listHeight(state: Pick<State, 'size' | 'checked'>, view: View): number {
  const height = contentHeight(state.size)
  // The head of the table takes one line more.
  if (view.kind === 'rows') return Math.max(1, height - TIMELINE_LINES - 1)
  if (view.kind === 'chains') return Math.max(1, height - 1)
  if (view.kind === 'findings') {
    const count = findingsOf(state, view.domainId).length
    return Math.max(1, Math.min(count, Math.floor(height / 3)))
  }
  return height
}
