import { wireTime } from '../../base/wire-time.js'
import type { Placed } from '../../ports/append.js'
import type { Screen } from '../output/screen.js'

/** Returns an appended row as one line. On a terminal that is too narrow the hash and then the id are short. */
export function placedLine(
  { domainId, seq, entryHash, recordedAt }: Placed,
  { columns = Number.POSITIVE_INFINITY, unicode }: Pick<Screen, 'columns' | 'unicode'>,
): string {
  const time = wireTime(recordedAt)
  const row = String(seq).padStart(9)
  const whole = `${domainId}  ${row}  ${entryHash}  ${time}`
  if (whole.length <= columns) return whole
  const cut = unicode ? '…' : '.'
  const short = `${row}  ${entryHash.slice(0, 8)}${cut}  ${time.replace(/\.\d+Z$/, 'Z')}`
  const line = `${domainId}  ${short}`
  return line.length <= columns ? line : `${domainId.slice(0, 8)}${cut}  ${short}`
}

/** Returns an appended row as one line of JSON. A UUID, hex digits and a time have no character that JSON escapes. */
export function placedJson({ domainId, seq, entryHash, recordedAt }: Placed): string {
  return `{"domain_id":"${domainId}","seq":${seq},"entry_hash":"${entryHash}","recorded_at":"${wireTime(recordedAt)}"}`
}
