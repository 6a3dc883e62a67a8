import type { Output } from './output.js'
import { safeText } from './safe-text.js'

export type Cell = string | number | bigint | undefined

const NONE = Object.fromEntries(
  ['top', 'bottom', 'left', 'right', 'mid']
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

/** Returns rows in columns with every cell escaped: borders on a terminal, two spaces in a pipe. Never coloured. */
export async function table(
  head: readonly string[],
  rows: readonly (readonly Cell[])[],
  out: Pick<Output, 'isTTY'>,
): Promise<string> {
  // Imported here because --help and --json do not use it.
  const { default: Table } = await import('cli-table3')
  const style = { head: [], border: [], compact: true }
  const grid = new Table(
    out.isTTY
      ? { head: [...head], style }
      : {
          head: [...head],
          style: { ...style, 'padding-left': 0, 'padding-right': 2 },
          chars: { ...NONE, middle: '' },
        },
  )
  for (const row of rows) grid.push(row.map(cellText))
  return grid
    .toString()
    .split('\n')
    .map((line) => line.trimEnd())
    .join('\n')
}

/** Returns one field on each line, values escaped and aligned. Leaves out a field without a value. */
export function keyValues(fields: readonly (readonly [string, Cell])[]): string {
  const width = Math.max(...fields.map(([name]) => name.length)) + 2
  return fields
    .filter(([, value]) => value !== undefined)
    .map(([name, value]) => `${name.padEnd(width)}${cellText(value)}`)
    .join('\n')
}

function cellText(value: Cell): string {
  return value === undefined ? '' : safeText(String(value))
}
