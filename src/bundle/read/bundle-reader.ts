import type { FileHandle } from 'node:fs/promises'
import { AuditError } from '../../base/errors.js'
import { matches } from '../../base/row-filter.js'
import type { ChainHead } from '../../chain/entry.js'
import { LIMITS } from '../../chain/limits.js'
import type {
  EntryFilter,
  EntryReader,
  PageRange,
  ReadEntry,
  RowsAhead,
  SeqRange,
  TimeOrder,
} from '../../ports/query.js'
import { hiddenRow, type ReadProblem } from '../../query/read-problem.js'
import type { ReadMember } from '../bundle-members.js'
import { BundleWalk, type OpenSegment } from '../bundle-walk.js'
import type { ReadManifest, Segment } from '../manifest.js'
import type { Selection } from '../selection.js'
import { BundleRows } from './bundle-rows.js'
import { type OpenBundle, openBundle } from './open-bundle.js'

/** Rows of one page of a descending stream. Each page reads the file once more. */
const DOWN_PAGE = 10_000

/**
 * Reads rows from an evidence bundle, each time from the beginning of the file. Holds a few segments in memory. A line that
 * cannot be decoded is a row with nothing but seq and hashes. `onProblem` receives what else is wrong with the file in
 * the range that is read. Rejects with `file_unreadable`, and with `bundle_malformed` where the file is cut.
 */
export class BundleReader implements EntryReader {
  readonly copy: EntryReader['copy']
  readonly #path: string
  readonly #manifest: ReadManifest
  readonly #onProblem: (problem: ReadProblem) => void
  /** The file whose manifest was read: the first pass goes on with it, so that a pipe can be read. */
  #opened: OpenBundle | undefined

  private constructor(path: string, opened: OpenBundle, onProblem: (problem: ReadProblem) => void) {
    this.copy = { name: 'bundle', where: `the bundle ${path}` }
    this.#path = path
    this.#opened = opened
    this.#manifest = opened.manifest
    this.#onProblem = onProblem
  }

  /** Opens a bundle and reads its manifest. Rejects with `nothing_to_verify` for a bundle without rows. */
  static async open(path: string, onProblem: (problem: ReadProblem) => void): Promise<BundleReader> {
    const opened = await openBundle(path)
    const { rows, segments } = opened.manifest
    if (rows > 0 && segments.length > 0) return new BundleReader(path, opened, onProblem)
    await opened.file.close()
    throw new AuditError('nothing_to_verify', `the bundle ${path} has no rows`)
  }

  /** The chain that the bundle holds. */
  get domainId(): string {
    return this.#manifest.domain_id
  }

  get selection(): Selection {
    return this.#manifest.selection
  }

  /** The chain head that the manifest names, at the time of the export. */
  get head(): ChainHead | undefined {
    return this.#manifest.head
  }

  async page(domainId: string, filter: EntryFilter, range: PageRange): Promise<readonly ReadEntry[]> {
    const { limit, order } = range
    const rows: ReadEntry[] = []
    for await (const row of this.#matching(domainId, filter, range)) {
      rows.push(row)
      if (order !== 'descending' && rows.length >= limit) break
      if (rows.length >= 2 * limit) rows.splice(0, rows.length - limit)
    }
    return order === 'descending' ? rows.slice(-limit).reverse() : rows
  }

  async *stream(
    domainId: string,
    filter: EntryFilter,
    range: SeqRange,
    signal?: AbortSignal,
  ): AsyncGenerator<ReadEntry> {
    const rows =
      range.order === 'descending'
        ? this.#down(domainId, filter, range)
        : this.#matching(domainId, filter, range)
    for await (const row of rows) {
      signal?.throwIfAborted()
      yield row
    }
  }

  async rowsAt(domainId: string, seq: number): Promise<readonly ReadEntry[]> {
    return this.page(domainId, {}, { after: seq - 1, upTo: seq, limit: 2 })
  }

  async countAhead(): Promise<RowsAhead> {
    return { rows: 0, after: 0n }
  }

  /** Every row is read and compared, so that the order of the times decides nothing. */
  async timeOrder(): Promise<TimeOrder> {
    return 'unverified'
  }

  async hasEventTimes(): Promise<boolean> {
    return false
  }

  async knows(domainId: string): Promise<boolean> {
    return domainId === this.domainId
  }

  async close(): Promise<void> {
    const opened = this.#opened
    this.#opened = undefined
    await opened?.file.close()
  }

  async *#down(domainId: string, filter: EntryFilter, range: SeqRange): AsyncGenerator<ReadEntry> {
    for (let { upTo = LIMITS.maxSeq } = range; ; ) {
      const rows = await this.page(domainId, filter, { ...range, upTo, limit: DOWN_PAGE })
      yield* rows
      const last = rows.at(-1)
      if (last === undefined || rows.length < DOWN_PAGE) return
      upTo = last.seq - 1
    }
  }

  async *#matching(domainId: string, filter: EntryFilter, range: SeqRange): AsyncGenerator<ReadEntry> {
    if (domainId !== this.domainId) return
    for await (const rows of this.#segments(range)) {
      for (const row of rows) {
        if (matches(filter, row)) yield row
        else this.#hide(row)
      }
    }
  }

  async *#segments(range: SeqRange): AsyncGenerator<readonly ReadEntry[]> {
    const opened = this.#opened ?? (await openBundle(this.#path))
    this.#opened = undefined
    const file: FileHandle = opened.file
    try {
      yield* this.#rows(opened.members, range)
    } finally {
      await file.close()
    }
  }

  async *#rows(members: AsyncIterable<ReadMember>, range: SeqRange): AsyncGenerator<readonly ReadEntry[]> {
    const rows = new BundleRows(this.#manifest, range, this.#onProblem)
    for await (const step of new BundleWalk(this.#manifest).steps(members)) {
      if ('finding' in step) {
        const { seqFrom: seq, seqTo, detail } = step.finding
        if (overlaps({ first_seq: seq, last_seq: seqTo }, range)) this.#onProblem({ seq, problem: detail })
        continue
      }
      this.#compare(step, range)
      yield rows.read(step.content)
      if (rows.isPast) return
    }
    yield rows.rest()
  }

  #compare({ segment, content, sha256 }: OpenSegment, range: SeqRange): void {
    if (segment.bytes === content.length && segment.sha256 === sha256) return
    const problem = `${segment.name} differs from its entry in the manifest`
    if (overlaps(segment, range)) this.#onProblem({ seq: segment.first_seq, problem })
  }

  #hide(row: ReadEntry): void {
    const hidden = hiddenRow(row)
    if (hidden !== undefined) this.#onProblem(hidden)
  }
}

/** A member that belongs to no row has the seqs 0. */
function overlaps(
  { first_seq, last_seq }: Pick<Segment, 'first_seq' | 'last_seq'>,
  { after, upTo = LIMITS.maxSeq }: SeqRange,
): boolean {
  return last_seq === 0 || (last_seq > after && first_seq <= upTo)
}
