import Grid from 'cli-table3'
import { StandIns } from './stand-in.js'
import type { Style, Tone } from './style.js'

/** A column with the safe texts of its cells. */
export interface DrawnColumn {
  readonly title: string
  readonly texts: readonly string[]
  readonly tones: readonly (Tone | undefined)[]
  /** Whether its cells are on the right. */
  readonly isRight: boolean
}

const GAP = 2

const NO_BORDERS = Object.fromEntries(
  ['top', 'bottom', 'left', 'right', 'mid', 'middle']
    .flatMap((side) => [
      side,
      `${side}-left`,
      `${side}-mid`,
      `${side}-right`,
      `mid-${side}`,
      `${side}-mid-mid`,
    ])
    .map((name) => [name, '']),
)

/**
 * cli-table3 cuts each cell to 10 columns for a debug message, one character at a time. With a cut of 10 columns there is
 * nothing to do, and long texts stay fast. No cell is cut here, so that nobody sees it.
 */
const CUT = '.'.repeat(10)

/** Draws columns two spaces apart, with coloured cells and without borders. A line feed in a cell begins its next line. */
export function drawn(columns: readonly DrawnColumn[], style: Style): string {
  const standIns = new StandIns()
  const grid = new Grid({
    head: columns.map(({ title }) => style.paint('head', standIns.put(title))),
    chars: NO_BORDERS,
    colAligns: columns.map(({ isRight }) => (isRight ? 'right' : 'left')),
    truncate: CUT,
    style: { head: [], border: [], compact: true, 'padding-left': 0, 'padding-right': GAP },
  })
  const cellsOf = (row: number) =>
    columns.map(({ texts, tones }) => style.paint(tones[row], standIns.put(texts[row] ?? '')))
  const rows = columns[0]?.texts.length ?? 0
  grid.push(...Array.from({ length: rows }, (_, row) => cellsOf(row)))
  return standIns
    .restore(grid.toString())
    .split('\n')
    .map((line) => line.trimEnd())
    .join('\n')
}
