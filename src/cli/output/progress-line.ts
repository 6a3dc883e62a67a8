import type { ScanProgress } from '../../ports/verify.js'

/** How far a piece of work is. */
export interface WorkProgress extends ScanProgress {
  /** The share of the work that is done, 0 to 1, where the number of rows is not known and the size of the input is. */
  readonly share?: number | undefined
}

/** What a signal stopped: work that reads and answers, or work that writes. */
export type StoppedWork = 'answer' | 'writing'

/** Returns the note about work that a signal stopped. An answer that lacks rows is no verdict. */
export function interruptedText(label: string, { rows, total }: WorkProgress, kind: StoppedWork): string {
  const of = total === undefined ? '' : ` of ${count(total)}`
  const verdict = kind === 'answer' ? ': this is no verdict' : ''
  return `${label}: interrupted after ${count(rows)}${of} rows${verdict}`
}

const BAR = 20

/**
 * Returns one line: a bar, the share and the time left where the end is known, the rate since the start, the rows, and the
 * label. A terminal that is too narrow cuts the label.
 */
export function progressLine(label: string, at: WorkProgress, seconds: number, unicode: boolean): string {
  const { rows, total } = at
  const rate = seconds > 0 ? rows / seconds : 0
  const share = shareOf(at)
  const counted = `${count(rows)}${total === undefined ? '' : ` of ${count(total)}`} rows`
  return [
    ...(share === undefined ? [] : [bar(share, unicode), percent(share), leftText(share, seconds)]),
    `${count(rate)} rows/s`,
    counted,
    label,
  ]
    .filter((part) => part !== '')
    .join('  ')
}

function shareOf({ rows, total, share }: WorkProgress): number | undefined {
  if (share !== undefined) return Math.min(1, share)
  return total === undefined || total <= 0 ? undefined : Math.min(1, rows / total)
}

function bar(share: number, unicode: boolean): string {
  const [done, open] = unicode ? ['█', '░'] : ['#', '-']
  const full = Math.floor(BAR * share)
  return done.repeat(full) + open.repeat(BAR - full)
}

function percent(share: number): string {
  return `${Math.floor(100 * share)}%`.padStart(4)
}

function leftText(share: number, seconds: number): string {
  return share === 0 || seconds === 0 ? '' : `${duration((seconds / share) * (1 - share))} left`
}

function count(value: number): string {
  return Math.round(value).toLocaleString('en-US')
}

function duration(seconds: number): string {
  const whole = Math.max(0, Math.ceil(seconds))
  if (whole < 60) return `${whole} s`
  const [minutes, rest] = [Math.floor(whole / 60), whole % 60]
  return minutes < 60 ? `${minutes} min ${rest} s` : `${Math.floor(minutes / 60)} h ${minutes % 60} min`
}
