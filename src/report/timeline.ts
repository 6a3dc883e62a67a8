/** The rows recorded in one span of time. */
export interface Bar {
  /** The begin of the span, in seconds since 1970-01-01T00:00:00Z. */
  readonly from: number
  readonly rows: number
  readonly denied: number
}

/** Rows by the time of recording. */
export interface TimelineBars {
  /** The length of every span, in seconds. */
  readonly width: number
  /** Ascending and without gaps: a span without rows has a bar with 0 rows. */
  readonly bars: readonly Bar[]
}

interface Tally {
  rows: number
  denied: number
}

/** Widths in seconds, each a multiple of the one before: a minute to a week, and then ten times as much each. */
const WIDTHS = [60, 300, 900, 3_600, 10_800, 21_600, 86_400, 604_800]

/** Spans that are kept while rows are counted. Bounds the memory, whatever the times are. */
const MAX_SPANS = 4_096

/** Counts rows by time. Spans begin with a minute and become wider when there are too many. */
export class Timeline {
  #spans = new Map<number, Tally>()
  #step = 0

  /** Adds a row that was recorded at this time, in seconds since 1970-01-01T00:00:00Z. */
  add(seconds: number, isDenied: boolean): void {
    const key = Math.floor(seconds / widthOf(this.#step))
    const span = this.#spans.get(key)
    if (span !== undefined) {
      span.rows += 1
      if (isDenied) span.denied += 1
      return
    }
    this.#spans.set(key, { rows: 1, denied: isDenied ? 1 : 0 })
    while (this.#spans.size > MAX_SPANS) this.#widen()
  }

  /** Returns at most `limit` bars. */
  bars(limit: number): TimelineBars {
    while (this.#length() > limit) this.#widen()
    const width = widthOf(this.#step)
    const first = Math.min(...this.#spans.keys())
    const bars = Array.from({ length: this.#length() }, (_, i) => {
      const { rows, denied } = this.#spans.get(first + i) ?? { rows: 0, denied: 0 }
      return { from: (first + i) * width, rows, denied }
    })
    return { width, bars }
  }

  /** The number of spans from the first to the last one that has rows. */
  #length(): number {
    if (this.#spans.size === 0) return 0
    const keys = [...this.#spans.keys()]
    return Math.max(...keys) - Math.min(...keys) + 1
  }

  #widen(): void {
    const factor = widthOf(this.#step + 1) / widthOf(this.#step)
    this.#step += 1
    const wider = new Map<number, Tally>()
    for (const [key, { rows, denied }] of this.#spans) {
      const to = Math.floor(key / factor)
      const sum = wider.get(to) ?? { rows: 0, denied: 0 }
      wider.set(to, { rows: sum.rows + rows, denied: sum.denied + denied })
    }
    this.#spans = wider
  }
}

function widthOf(step: number): number {
  const last = WIDTHS.length - 1
  const width = WIDTHS[Math.min(step, last)] ?? 0
  return step <= last ? width : width * 10 ** (step - last)
}
