import { wireTime } from '../../../base/wire-time.js'
import { reasonOrdinal } from '../../../chain/reason.js'
import type { ReportRow } from '../../../report/collector.js'
import { safeText } from '../../output/safe-text.js'
import { scriptJson } from './html.js'

/** Limits of the table of rows. A page of this size opens in a browser within a second or two. */
const ROW_LIMITS = {
  /** Rows of all chains together. */
  rows: 20_000,
  /** Bytes of the rows as JSON. A member of a bundle may have 16 MiB. */
  bytes: 11 * 1024 * 1024,
  /** Rows in one data block. */
  block: 1_000,
  /** Rows that the page shows without JavaScript. */
  static: 100,
} as const

/** A row of the table with every text made visible. assets/report.js reads this array by position. */
export type RowJson = readonly [
  chain: number,
  seq: number,
  /** RFC 3339, UTC; empty for a damaged row. */
  recordedAt: string,
  /** 1 to 4, or 0 for a damaged row. */
  reason: number,
  relation: string,
  object: string,
  subject: string,
  correlationId: string,
  relationPath: readonly string[],
  caveatContext: readonly string[],
  zedtoken: string,
  /** 0 where it is the entry_hash of the row before in the list. */
  prevHash: string | 0,
  entryHash: string,
  problem: string,
]

/** Collects the rows of the table as JSON until it is full. The memory is limited by {@link ROW_LIMITS}. */
export class RowList {
  readonly #rows: string[] = []
  readonly #first: RowJson[] = []
  readonly #limits: { readonly rows: number; readonly bytes: number }
  #bytes = 0
  #hash = ''

  constructor(limits: { readonly rows: number; readonly bytes: number } = ROW_LIMITS) {
    this.#limits = limits
  }

  /** Adds a row of the chain with this index in the report. Returns false where the list is full. */
  add(chain: number, row: ReportRow): boolean {
    if (this.#rows.length >= this.#limits.rows) return false
    const json = rowJson(chain, row, this.#hash)
    const text = scriptJson(json)
    const bytes = Buffer.byteLength(text)
    if (this.#bytes + bytes > this.#limits.bytes) return false
    this.#bytes += bytes
    this.#hash = json[12]
    this.#rows.push(text)
    if (this.#first.length < ROW_LIMITS.static) this.#first.push(json)
    return true
  }

  /** Removes every row after the first `length` ones. */
  cut(length: number): void {
    for (const text of this.#rows.splice(length)) this.#bytes -= Buffer.byteLength(text)
    this.#first.splice(length)
    // The next row names its own prev_hash.
    this.#hash = ''
  }

  get length(): number {
    return this.#rows.length
  }

  /** The rows that the page shows without JavaScript. */
  get first(): readonly RowJson[] {
    return this.#first
  }

  /** Yields JSON arrays of rows, each for a data block of its own. */
  *blocks(): Generator<string> {
    for (let at = 0; at < this.#rows.length; at += ROW_LIMITS.block)
      yield `[${this.#rows.slice(at, at + ROW_LIMITS.block).join(',\n')}]`
  }
}

function rowJson(chain: number, { seq, entry, problem, ...hashes }: ReportRow, before: string): RowJson {
  const prevHash = safeText(hashes.prevHash ?? '')
  return [
    chain,
    seq,
    entry === undefined ? '' : wireTime(entry.recordedAt),
    entry === undefined ? 0 : reasonOrdinal(entry.reason),
    safeText(entry?.relation ?? ''),
    safeText(entry?.object ?? ''),
    entry?.subjectPseudonym ?? '',
    safeText(entry?.correlationId ?? ''),
    (entry?.relationPath ?? []).map(safeText),
    (entry?.caveatContext ?? []).map(safeText),
    safeText(entry?.zedtoken ?? ''),
    prevHash !== '' && prevHash === before ? 0 : prevHash,
    safeText(hashes.entryHash ?? ''),
    safeText(problem ?? ''),
  ]
}
