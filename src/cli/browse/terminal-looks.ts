import { AuditError } from '../../base/errors.js'
import { canRedraw, screenOf } from '../output/screen.js'

/** Throws `usage` where there is no terminal to draw on and to read keys from. */
export function assertTerminal(json: boolean): void {
  if (json) throw new AuditError('usage', 'browse draws a screen and prints no JSON', { hint: LIST })
  if (process.stdin.isTTY === true && canRedraw(process.stdout)) return
  throw new AuditError('usage', 'browse needs a terminal that can be drawn on', { hint: LIST })
}

const LIST = 'to read rows without one, run: audit list'

/** Returns what the terminal can show. */
export function terminalLooks(): { color: boolean; unicode: boolean } {
  const { color, unicode } = screenOf(process.stdout)
  return { color, unicode }
}
