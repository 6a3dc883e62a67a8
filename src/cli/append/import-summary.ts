import type { Candidate, Skipped } from '../../append/input/candidates.js'
import { AuditError } from '../../base/errors.js'
import { FormatError } from '../../chain/format-error.js'
import { parseTimestamp } from '../../chain/timestamp.js'

const DAY_MICROS = 86_400_000_000n

/** Names that a line of the summary lists; the rest is a number. */
const MAX_NAMES = 10

/** The settings of idempotency keys, for a run that derives them from the events. */
export interface KeyWindow {
  readonly days: number
  /** In microseconds since 1970. */
  readonly now: bigint
}

/** Counts what an operator must know about the events of an import, beside its rows. */
export class ImportSummary {
  readonly #window: KeyWindow | undefined
  /** Appended events by an error code that is on no list. */
  readonly #unreviewed = new Map<string, number>()
  readonly #skipped: Skipped[] = []
  /** The files with events before the window of the keys, each with the time of its oldest event. */
  readonly #old = new Map<string, string>()
  #withoutKey = 0

  constructor(window?: KeyWindow) {
    this.#window = window
  }

  get skipped(): number {
    return this.#skipped.length
  }

  addSkipped(skipped: Skipped): void {
    this.#skipped.push(skipped)
  }

  /** Counts an appended event. */
  add({ entry, file = '' }: Candidate): void {
    if (entry instanceof AuditError) return
    if (entry.reason === 'out_of_scope') {
      const code = entry.relationPath[0]?.replace(/^error:/, '') ?? ''
      this.#unreviewed.set(code, (this.#unreviewed.get(code) ?? 0) + 1)
    }
    if (this.#window === undefined) return
    if (entry.idempotencyKey === undefined) this.#withoutKey += 1
    this.#addTime(String(entry.context?.metadata?.event_time ?? ''), file, this.#window)
  }

  /** Returns the lines of the summary, none if there is nothing to say. */
  lines(): string[] {
    return [...this.#unreviewedLines(), ...this.#skippedLines(), ...this.#windowLines()]
  }

  #addTime(eventTime: string, file: string, { days, now }: KeyWindow): void {
    const time = microsOf(eventTime)
    if (time === undefined || time >= now - BigInt(days) * DAY_MICROS) return
    const oldest = this.#old.get(file)
    if (oldest === undefined || time < (microsOf(oldest) ?? time)) this.#old.set(file, eventTime)
  }

  #unreviewedLines(): string[] {
    const codes = [...this.#unreviewed].sort(([, a], [, b]) => b - a)
    if (codes.length === 0) return []
    const count = codes.reduce((sum, [, events]) => sum + events, 0)
    const names = named(codes.map(([code, events]) => `${code} (${events})`))
    const what = count === 1 ? '1 event has an outcome' : `${count} events have outcomes`
    return [`${what} of unknown meaning, appended as out_of_scope: ${names}`]
  }

  #skippedLines(): string[] {
    if (this.#skipped.length === 0) return []
    const names = named(this.#skipped.map(({ where, setAside }) => `${setAside} (${where})`))
    return [
      `not appended: files that an earlier run set aside whole: ${names}; append them by name once they are mended`,
    ]
  }

  #windowLines(): string[] {
    const lines: string[] = []
    if (this.#withoutKey > 0) {
      lines.push(`events without an eventID, which --idempotent cannot recognise: ${this.#withoutKey}`)
    }
    if (this.#old.size > 0 && this.#window !== undefined) {
      const files = named([...this.#old].map(([file, time]) => `${file} (oldest event ${time})`))
      lines.push(
        `older than the ${this.#window.days} days for which a key is known (--idempotency-days): ${files}; if a file was imported before these days, its events are in the chain twice now`,
      )
    }
    return lines
  }
}

function named(names: readonly string[]): string {
  const rest = names.length - MAX_NAMES
  return names.slice(0, MAX_NAMES).join(', ') + (rest > 0 ? ` and ${rest} more` : '')
}

/** Returns a time of an event in microseconds, or undefined if it is not a time. */
function microsOf(eventTime: string): bigint | undefined {
  try {
    return parseTimestamp(eventTime)
  } catch (error) {
    if (error instanceof FormatError) return undefined
    throw error
  }
}
