import { type ReadTime, wireTime } from '../../../base/wire-time.js'

/** Returns a time as UTC to the second, without zone: `2026-11-29 15:57:51`. */
export function timeText(time: ReadTime | undefined): string {
  return time === undefined ? '' : wireTime(time).slice(0, 19).replace('T', ' ')
}

/** Returns a number with a comma between thousands. */
export function countText(count: number): string {
  return count.toLocaleString('en-US')
}
