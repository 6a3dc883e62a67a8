import { type Finding, Findings } from '../chain/finding.js'
import { ChainFold, type StoredRow } from '../chain/fold.js'
import type { Hasher } from '../chain/hash.js'
import type {
  EntrySource,
  MirrorCodec,
  MirrorStore,
  RowSnapshot,
  Scan,
  ScanProgress,
  ScanRequest,
  SnapshotSource,
} from '../ports.js'
import { streamObjects } from './object-stream.js'
import { type Pair, pairUp } from './pair-up.js'
import { strayFinding } from './stray.js'

/**
 * Both copies of a chain, side by side. Postgres is looked at first, in one snapshot, and the mirror after it: what the
 * snapshot calls archived was uploaded before, so its object must be there. What was appended since is in neither
 * copy's account; an object of it is only an orphan if Postgres, asked again, still has no row.
 */
export class BothSource implements EntrySource {
  readonly name = 'both'
  readonly keepsHead = true

  constructor(
    readonly postgres: SnapshotSource,
    readonly store: MirrorStore,
    readonly codec: MirrorCodec,
    readonly hasher: Hasher,
  ) {}

  async scan(request: ScanRequest, progress: (p: ScanProgress) => void, signal: AbortSignal): Promise<Scan> {
    const snapshot = await this.postgres.snapshot(request, signal)
    try {
      const range = { ...request, fromSeq: request.fromSeq - 1 }
      const objects = streamObjects(this.store, this.codec, range, signal)
      const sides = new TwoCopies(request, snapshot, this.hasher)
      for await (const pair of pairUp(snapshot.rows(), objects)) {
        sides.add(pair)
        progress({ rows: sides.rows, total: snapshot.last?.seq })
      }
      const fresh = sides.fresh.map(({ seq }) => seq)
      const present =
        fresh.length === 0 ? new Set<number>() : await this.postgres.present(request.domainId, fresh)
      sides.judgeFresh(present)
      return sides.finish()
    } finally {
      await snapshot.close()
    }
  }
}

/** Judges pairs of copies: against each other, and each by its own links. */
class TwoCopies {
  rows = 0
  /** Objects beyond the snapshot's last row. */
  readonly fresh: StoredRow[] = []
  readonly #request: ScanRequest
  readonly #snapshot: RowSnapshot
  readonly #postgres: ChainFold
  readonly #mirror: ChainFold
  readonly #findings = new Findings()
  readonly #unstamped: Ranges
  #next: number
  #unarchived = 0

  constructor(request: ScanRequest, snapshot: RowSnapshot, hasher: Hasher) {
    this.#request = request
    this.#snapshot = snapshot
    this.#postgres = new ChainFold({ ...request, toSeq: undefined, hasher })
    this.#mirror = new ChainFold({ fromSeq: request.fromSeq, domainId: request.domainId, hasher })
    this.#unstamped = new Ranges(snapshot.unstamped)
    this.#next = request.fromSeq
  }

  add({ seq, rows, object }: Pair): void {
    if (object?.kind === 'stray') {
      this.#findings.add(strayFinding(object))
      return
    }
    const copy = object?.kind === 'row' ? object.row : undefined
    if (rows.length === 0 && copy !== undefined && seq > (this.#snapshot.last?.seq ?? 0)) {
      this.fresh.push(copy)
      return
    }
    this.rows += 1
    for (const row of rows) this.#postgres.add(row)
    if (copy !== undefined) this.#mirror.add(copy)
    if (seq >= this.#request.fromSeq && (rows.length > 0 || copy !== undefined))
      this.#compare(seq, rows, copy)
  }

  /** Objects that came after the snapshot: their rows were appended meanwhile, or Postgres has lost them. */
  judgeFresh(present: ReadonlySet<number>): void {
    for (const copy of this.fresh) {
      if (present.has(copy.seq)) continue
      this.#mirror.add(copy)
      this.#compare(copy.seq, [], copy)
    }
  }

  finish(): Scan {
    const [postgres, mirror] = [this.#postgres.finish(), this.#mirror.finish()]
    const own = this.#findings.sorted()
    const both = mergeCopies(postgres.findings.filter(isOfOneCopy), mirror.findings.filter(isOfOneCopy))
    return {
      known: this.#snapshot.known,
      head: this.#snapshot.head,
      last: this.#snapshot.last,
      unarchived: this.#unarchived,
      fold: { ...postgres, rows: postgres.rows, findings: [...own, ...both] },
    }
  }

  #compare(seq: number, rows: readonly StoredRow[], copy: StoredRow | undefined): void {
    this.#step(seq, rows[0] ?? copy)
    if (copy === undefined) this.#withoutObject(seq, rows)
    else if (rows.length === 0) {
      const detail = 'the mirror has it, Postgres does not'
      this.#findings.add({ code: 'row_missing', seqFrom: seq, seqTo: seq, expected: copy.entryHash, detail })
    } else if (copy.problem === undefined && !rows.some((row) => isSame(row, copy))) {
      this.#findings.add({
        code: 'copies_differ',
        seqFrom: seq,
        seqTo: seq,
        ...differingHashes(rows[0]?.entryHash, copy.entryHash),
        detail: 'Postgres (expected) and the mirror (observed) hold different rows',
      })
    }
  }

  #withoutObject(seq: number, rows: readonly StoredRow[]): void {
    if (this.#unstamped.has(seq)) {
      this.#unarchived += 1
      return
    }
    const detail = 'archived, and the object is gone'
    this.#findings.add({
      code: 'object_missing',
      seqFrom: seq,
      seqTo: seq,
      expected: rows[0]?.entryHash,
      detail,
    })
  }

  /** Only what neither copy has is a gap; what one of them has is told by its own code. */
  #step(seq: number, next: StoredRow | undefined): void {
    if (seq > this.#next) {
      const [seqFrom, seqTo] = [this.#next, seq - 1]
      const detail = `${seqTo - seqFrom + 1} missing before row ${seq} in both copies`
      this.#findings.add({ code: 'seq_gap', seqFrom, seqTo, expected: next?.prevHash, detail })
    }
    this.#next = Math.max(this.#next, seq + 1)
  }
}

/** Where a field was edited and the hash left alone, both copies store one hash, which then tells nothing. */
function differingHashes(postgres: string | undefined, mirror: string | undefined) {
  return postgres === mirror ? {} : { expected: postgres, observed: mirror }
}

function isSame(row: StoredRow, copy: StoredRow): boolean {
  const { canonical } = row
  return (
    row.entryHash === copy.entryHash &&
    row.prevHash === copy.prevHash &&
    canonical !== undefined &&
    copy.canonical !== undefined &&
    Buffer.compare(canonical, copy.canonical) === 0
  )
}

function isOfOneCopy({ code }: Finding): boolean {
  return code !== 'seq_gap'
}

/** What both copies show alike is one finding; what one shows alone says which. */
function mergeCopies(postgres: readonly Finding[], mirror: readonly Finding[]): Finding[] {
  const keyOf = (f: Finding) => [f.code, f.seqFrom, f.seqTo, f.expected, f.observed].join()
  const inMirror = new Set(mirror.map(keyOf))
  const inPostgres = new Set(postgres.map(keyOf))
  const label = (finding: Finding, copy: string): Finding => ({
    ...finding,
    detail: `${copy}: ${finding.detail}`,
  })
  return [
    ...postgres.map((finding) => label(finding, inMirror.has(keyOf(finding)) ? 'both copies' : 'Postgres')),
    ...mirror.filter((finding) => !inPostgres.has(keyOf(finding))).map((finding) => label(finding, 'mirror')),
  ]
}

/** Ascending ranges, asked in ascending order. */
class Ranges {
  #at = 0

  constructor(readonly ranges: readonly (readonly [number, number])[]) {}

  has(seq: number): boolean {
    while ((this.ranges[this.#at]?.[1] ?? Number.POSITIVE_INFINITY) < seq) this.#at += 1
    return (this.ranges[this.#at]?.[0] ?? Number.POSITIVE_INFINITY) <= seq
  }
}
