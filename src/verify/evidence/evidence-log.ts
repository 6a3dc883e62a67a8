import type { ContextRow, FieldChange, FindingEvidence } from '../../chain/evidence/finding-evidence.js'
import { rowFields } from '../../chain/evidence/row-fields.js'
import type { Finding, FindingCode } from '../../chain/finding.js'
import type { StoredRow } from '../../chain/fold.js'
import { type Hasher, ZERO_HASH } from '../../chain/hash.js'
import { uuidBytes } from '../../chain/uuid-bytes.js'
import { changedFields } from './changed-fields.js'
import { rowCheck } from './row-check.js'
import { SeqCount } from './seq-count.js'

/** Rows of one finding that are shown. */
export const ROWS_SHOWN = 5
/** Rows that are shown before and after a finding. */
export const NEIGHBOURS = 2
/** Rows that one log keeps, and their bytes. Findings beyond these limits have no evidence but the number of rows. */
const MAX_ROWS = 20_000
const MAX_BYTES = 32 * 1024 * 1024

/** What the copies hold at one seq. A copy that was not read, or has no row there, is absent. */
export interface SeenRows {
  readonly seq: number
  readonly postgres?: StoredRow | undefined
  readonly mirror?: StoredRow | undefined
  /** Whether both copies were read, and differ at this row. */
  readonly differs?: boolean
}

type Copy = 'postgres' | 'mirror'

/** A kept row of one copy, or of both where they are equal. */
type KeptRow = Readonly<Partial<Record<Copy, ContextRow>>>

/** Codes of findings that no row shows. */
const OF_NO_ROW: readonly FindingCode[] = ['chain_missing', 'chain_unknown']

/**
 * Keeps what the copies hold around findings while a chain is read: the first rows of each finding, and the rows before and
 * after it. Rows are added in ascending order. The memory is bounded, however many rows differ.
 */
export class EvidenceLog {
  readonly #hasher: Hasher
  readonly #domain: Uint8Array
  readonly #differing = new SeqCount()
  readonly #changes = new Map<number, readonly FieldChange[]>()
  readonly #rows = new Map<number, KeptRow>()
  /** The last rows that were seen: the neighbours of a finding, and the row that the first of them links to. */
  #seen: SeenRows[] = []
  /** Rows with findings that were kept since the last finding began. */
  #run = 0
  /** Rows to keep after the last row with a finding. */
  #trail = 0
  #bytes = 0

  constructor(domainId: string, hasher: Hasher) {
    this.#hasher = hasher
    this.#domain = uuidBytes(domainId)
  }

  /** Adds the next row. `found`: a finding is about this row. `isFirst`: a finding begins with it. */
  see(rows: SeenRows, { found, isFirst }: { readonly found: boolean; readonly isFirst: boolean }): void {
    const isShown = found || rows.differs === true
    if (rows.differs === true) this.#differing.add(rows.seq)
    if (isFirst) this.#keepSeen()
    if (isFirst || !isShown) this.#run = 0
    this.#seen = [...this.#seen.slice(-NEIGHBOURS), rows]
    if (isShown) {
      if (this.#run < ROWS_SHOWN) this.#keep(this.#seen.length - 1)
      this.#run += 1
      this.#trail = NEIGHBOURS
    } else if (this.#trail > 0) {
      this.#keep(this.#seen.length - 1)
      this.#trail -= 1
    }
  }

  /** Returns what was kept around a finding. Call it when every row was added. */
  of({ code, seqFrom, seqTo }: Finding, original?: Copy): FindingEvidence {
    if (OF_NO_ROW.includes(code)) return {}
    this.#keepSeen()
    // A link is broken by the row before it or by the row itself.
    const from = code === 'broken_link' ? seqFrom - 1 : seqFrom
    const rowsChanged = this.#differing.between(from, seqTo)
    const shown = this.#seqs(from, seqTo).filter((seq) => this.#changes.has(seq))
    const changes = shown.slice(0, ROWS_SHOWN).flatMap((seq) => this.#changes.get(seq) ?? [])
    const context = this.#around(seqFrom, seqTo).flatMap((seq) => this.#contextRow(seq, original))
    return {
      ...(rowsChanged > 0 && { changes, rowsChanged }),
      ...(original !== undefined && rowsChanged > 0 && { original }),
      ...(context.length > 0 && { context }),
    }
  }

  #around(seqFrom: number, seqTo: number): number[] {
    return [
      ...this.#seqs(seqFrom - NEIGHBOURS, seqFrom - 1),
      ...this.#seqs(seqFrom, seqTo).slice(0, ROWS_SHOWN),
      ...this.#seqs(seqTo + 1, seqTo + NEIGHBOURS),
    ]
  }

  /** Returns the first kept seqs of a range: the rows at the start of a long finding were kept. */
  #seqs(from: number, to: number): number[] {
    // Counts steps, not seqs: beyond 2^53 a number does not grow by adding 1, and a finding may reach up to there.
    const steps = Math.max(Math.min(to - from, ROWS_SHOWN) + 1, 0)
    return Array.from({ length: steps }, (_, step) => from + step).filter((seq) => this.#rows.has(seq))
  }

  #contextRow(seq: number, original: Copy = 'postgres'): ContextRow[] {
    const kept = this.#rows.get(seq)
    const row = kept?.[original] ?? kept?.postgres ?? kept?.mirror
    return row === undefined ? [] : [row]
  }

  #keepSeen(): void {
    const from = Math.max(this.#seen.length - NEIGHBOURS, 0)
    for (let at = from; at < this.#seen.length; at += 1) this.#keep(at)
  }

  #keep(at: number): void {
    const rows = this.#seen[at]
    if (rows === undefined || this.#rows.has(rows.seq)) return
    const { seq, postgres, mirror, differs } = rows
    this.#bytes += sizeOf(postgres) + sizeOf(mirror)
    if (this.#rows.size >= MAX_ROWS || this.#bytes > MAX_BYTES) return
    const before = this.#seen[at - 1]
    const shownMirror = differs === true || postgres === undefined ? mirror : undefined
    this.#rows.set(seq, {
      ...(postgres !== undefined && { postgres: this.#row('postgres', postgres, before) }),
      ...(shownMirror !== undefined && { mirror: this.#row('mirror', shownMirror, before) }),
    })
    if (differs === true) this.#changes.set(seq, changesOf(rows))
  }

  #row(copy: Copy, row: StoredRow, before: SeenRows | undefined): ContextRow {
    const isNext = before?.seq === row.seq - 1
    const hash = isNext ? before?.[copy]?.entryHash : row.seq === 1 ? ZERO_HASH : undefined
    const check = rowCheck(row, hash, this.#domain, this.#hasher)
    return { seq: row.seq, copy, check, fields: rowFields(row) }
  }
}

function changesOf({ seq, postgres, mirror }: SeenRows): FieldChange[] {
  return changedFields(
    seq,
    postgres === undefined ? undefined : rowFields(postgres),
    mirror === undefined ? undefined : rowFields(mirror),
  )
}

/** Returns about as many bytes as the fields of a row take. */
function sizeOf(row: StoredRow | undefined): number {
  if (row === undefined) return 0
  return 500 + (row.canonical?.length ?? JSON.stringify(row.fields ?? {}).length)
}
