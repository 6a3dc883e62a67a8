import { wireTime } from '../../base/wire-time.js'
import type { Placed } from '../../ports/append.js'
import type { Screen } from '../output/screen.js'

/** Returns an appended row as one line. On a terminal that is too narrow the hash and then the id are short. */
export function placedLine(
  { domainId, seq, entryHash, recordedAt }: Placed,
  { columns = Number.POSITIVE_INFINITY, unicode }: Pick<Screen, 'columns' | 'unicode'>,
): string {
  const time = wireTime(recordedAt)
  const cut = unicode ? '…' : '.'
  const row = String(seq).padStart(9)
  const short = [row, `${entryHash.slice(0, 8)}${cut}`, time.replace(/\.\d+Z$/, 'Z')]
  const forms = [
    [domainId, row, entryHash, time],
    [domainId, ...short],
    [`${domainId.slice(0, 8)}${cut}`, ...short],
  ]
  const lines = forms.map((texts) => texts.join('  '))
  return lines.find((line) => line.length <= columns) ?? lines.at(-1) ?? ''
}
