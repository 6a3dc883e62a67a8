import type { Finding, FindingCode } from '../finding.js'
import type { StoredRow } from '../fold.js'
import type { Hasher } from '../hash.js'
import { uuidBytes } from '../uuid-bytes.js'
import { changedFields } from './changed-fields.js'
import type { ContextRow, FieldChange, FindingEvidence } from './finding-evidence.js'
import { NEIGHBOURS } from './neighbours.js'
import { type PreviousRow, storedCheck, TWICE } from './row-check.js'
import { rowFields } from './row-fields.js'
import { SeqCount } from './seq-count.js'

/** Rows of one finding that are shown. */
const ROWS_SHOWN = 5
/** Rows that one log keeps, and their bytes. Findings beyond these limits have no evidence but the number of rows. */
const MAX_ROWS = 20_000
const MAX_BYTES = 32 * 1024 * 1024

/** A copy of a chain that rows are read from. */
export type SeenCopy = 'postgres' | 'mirror' | 'bundle'

/** What the copies hold at one seq. A copy that was not read, or has no row there, is absent. */
export interface SeenRows {
  readonly seq: number
  /** Canonical bytes are read only while {@link EvidenceLog.see} or {@link EvidenceLog.end} runs. */
  readonly rows: Readonly<Partial<Record<SeenCopy, StoredRow | undefined>>>
  /** The row before in each copy, as far as the scan shows it. */
  readonly before: Readonly<Partial<Record<SeenCopy, PreviousRow | undefined>>>
  /** Whether both copies were read, and differ at this row. */
  readonly differs?: boolean | undefined
}

/** A copy that a finding can be about, and that may hold the original. */
type Copy = 'postgres' | 'mirror'

/** A kept row of one copy, or of both where they are equal. */
type KeptRow = Readonly<Partial<Record<SeenCopy, ContextRow>>>

/** Codes of findings that no row shows. */
const OF_NO_ROW: readonly FindingCode[] = ['chain_missing', 'chain_unknown']

/**
 * Keeps what the copies hold around findings while a chain is read: the first rows of each finding, and the rows before and
 * after it. Rows are added in ascending order; rows without a finding need not be added unless `isFollowing`. The memory is
 * bounded, however many rows differ.
 */
export class EvidenceLog {
  readonly #hasher: Hasher
  readonly #domain: Uint8Array | undefined
  readonly #differing = new SeqCount()
  readonly #changes = new Map<number, readonly FieldChange[]>()
  readonly #rows = new Map<number, KeptRow>()
  /** Rows with findings that were kept since the last finding began. */
  #run = 0
  /** Rows to keep after the last row with a finding. */
  #trail = 0
  #bytes = 0

  constructor(domainId: string | undefined, hasher: Hasher) {
    this.#hasher = hasher
    this.#domain = domainId === undefined ? undefined : uuidBytes(domainId)
  }

  /** Whether the next row is to be added, also without a finding: it comes right after one. */
  get isFollowing(): boolean {
    return this.#trail > 0
  }

  /**
   * Adds the next row. `found`: a finding is about this row. `isFirst`: a finding begins with it. `load` returns the last rows,
   * oldest first, with this one at the end.
   */
  see(
    { seq, differs = false }: Pick<SeenRows, 'seq' | 'differs'>,
    { found, isFirst }: { readonly found: boolean; readonly isFirst: boolean },
    load: () => readonly SeenRows[],
  ): void {
    const isShown = found || differs
    if (differs) this.#differing.add(seq)
    if (isFirst && !this.#isFull) this.end(load().slice(0, -1))
    if (isFirst || !isShown) this.#run = 0
    if (isShown) {
      if (this.#run < ROWS_SHOWN) this.#keepLast(load)
      this.#run += 1
      this.#trail = NEIGHBOURS
    } else if (this.#trail > 0) {
      this.#keepLast(load)
      this.#trail -= 1
    }
  }

  /** Keeps the last rows: a finding may begin after them. */
  end(recent: readonly SeenRows[]): void {
    for (const seen of recent.slice(-NEIGHBOURS)) this.#keep(seen)
  }

  /** Returns the last rows, which {@link end} kept. */
  last(recent: readonly SeenRows[]): ContextRow[] {
    return recent.slice(-NEIGHBOURS).flatMap(({ seq }) => this.#contextRow(seq))
  }

  /** Returns what was kept around a finding. Call it when every row was added, and after {@link end}. */
  of({ code, seqFrom, seqTo }: Finding, original?: Copy): FindingEvidence {
    if (OF_NO_ROW.includes(code)) return {}
    // A link is broken by the row before it or by the row itself.
    const from = code === 'broken_link' ? seqFrom - 1 : seqFrom
    const rowsChanged = this.#differing.between(from, seqTo)
    const shown = this.#seqs(from, seqTo).filter((seq) => this.#changes.has(seq))
    const changes = shown.slice(0, ROWS_SHOWN).flatMap((seq) => this.#changes.get(seq) ?? [])
    const context = this.#around(seqFrom, seqTo).flatMap((seq) => this.#contextRow(seq, original))
    return {
      ...((rowsChanged > 0 || changes.length > 0) && { changes }),
      ...(rowsChanged > 0 && { rowsChanged }),
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
    const row = kept?.[original] ?? kept?.postgres ?? kept?.mirror ?? kept?.bundle
    return row === undefined ? [] : [row]
  }

  get #isFull(): boolean {
    return this.#rows.size >= MAX_ROWS || this.#bytes > MAX_BYTES
  }

  #keepLast(load: () => readonly SeenRows[]): void {
    const seen = this.#isFull ? undefined : load().at(-1)
    if (seen !== undefined) this.#keep(seen)
  }

  #keep(seen: SeenRows): void {
    const { seq, rows, differs } = seen
    const kept = this.#rows.get(seq)
    if (kept !== undefined) {
      if (isTwice(seen)) this.#rows.set(seq, damaged(kept))
      return
    }
    const { postgres, mirror, bundle } = rows
    this.#bytes += sizeOf(postgres) + sizeOf(mirror) + sizeOf(bundle)
    if (this.#isFull) return
    const shownMirror = differs === true || postgres === undefined ? mirror : undefined
    this.#rows.set(seq, {
      ...this.#row('postgres', postgres, seen),
      ...this.#row('mirror', shownMirror, seen),
      ...this.#row('bundle', bundle, seen),
    })
    const changes = differs === true ? changesOf(seen) : ownChanges(seq, mirror)
    if (differs === true || changes.length > 0) this.#changes.set(seq, changes)
  }

  #row(copy: SeenCopy, row: StoredRow | undefined, { before }: SeenRows): KeptRow {
    if (row === undefined) return {}
    const check = storedCheck(row, before[copy], this.#domain, this.#hasher)
    const place = { seq: row.seq, ...(copy !== 'bundle' && { copy }) }
    return { [copy]: { ...place, check, fields: rowFields(row) } }
  }
}

/** Returns whether a copy holds another row with the same seq. */
function isTwice({ seq, before }: SeenRows): boolean {
  return Object.values(before).some((previous) => previous?.seq === seq)
}

function damaged(kept: KeptRow): KeptRow {
  const rows = Object.entries(kept).map(([copy, row]) => [copy, { ...row, check: TWICE.check }])
  return Object.fromEntries(rows)
}

function changesOf({ seq, rows: { postgres, mirror } }: SeenRows): FieldChange[] {
  return changedFields(
    seq,
    postgres === undefined ? undefined : rowFields(postgres),
    mirror === undefined ? undefined : rowFields(mirror),
  )
}

/** Returns the fields in which a malformed object differs from its own canonical bytes. */
function ownChanges(seq: number, mirror: StoredRow | undefined): FieldChange[] {
  const { own, fields = {} } = mirror ?? {}
  if (own === undefined) return []
  // The bytes recompute with these hashes.
  const [prevHash, entryHash] = [String(fields.prev_hash), String(fields.entry_hash)]
  return changedFields(seq, rowFields({ seq, canonical: own, prevHash, entryHash }), fields).map(
    ({ postgres: canonical, ...change }) => ({ ...change, ...(canonical !== undefined && { canonical }) }),
  )
}

/** Returns about as many bytes as the fields of a row take. */
function sizeOf(row: StoredRow | undefined): number {
  if (row === undefined) return 0
  return 500 + (row.canonical?.length ?? JSON.stringify(row.fields ?? {}).length)
}
