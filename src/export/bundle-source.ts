import type { StoredRow } from '../chain/fold.js'
import type { Hasher } from '../chain/hash.js'
import { AuditError } from '../errors.js'
import type { EntrySource, Scan, ScanProgress, ScanRequest } from '../ports.js'
import { BundleJudge } from './bundle-judge.js'
import type { ReadMember } from './bundle-members.js'
import { BundleWalk, type FoundSegment, isCounted } from './bundle-walk.js'
import type { Manifest } from './manifest.js'
import { LineReader } from './row-line.js'

/** The chain of one bundle, whose manifest has been read: everything after it, once. */
export class BundleSource implements EntrySource {
  readonly name = 'bundle'
  readonly keepsHead: boolean
  readonly #manifest: Manifest
  readonly #members: AsyncIterable<ReadMember>
  readonly #hasher: Hasher

  constructor(manifest: Manifest, members: AsyncIterable<ReadMember>, hasher: Hasher) {
    const { to_end, kind } = manifest.selection
    this.keepsHead = to_end && kind !== 'filtered'
    this.#manifest = manifest
    this.#members = members
    this.#hasher = hasher
  }

  async scan({ pins }: ScanRequest, progress: (p: ScanProgress) => void, signal: AbortSignal): Promise<Scan> {
    const { domain_id: domainId, selection, predecessor, head } = this.#manifest
    const judge = new BundleJudge({ domainId, selection, pins, hasher: this.#hasher })
    if (predecessor !== undefined) judge.addPredecessor({ seq: predecessor.seq, entryHash: predecessor.hash })
    const reading = new Reading(this.#manifest, judge)
    await reading.run(this.#members, progress, signal)
    const { last } = judge
    return {
      known: true,
      head: this.keepsHead ? head : undefined,
      last,
      end: selection.to_seq,
      fold: judge.finish(),
    }
  }
}

/** One pass over the segments: rows to the judge, and what was counted against what there is. */
class Reading {
  readonly #manifest: Manifest
  readonly #judge: BundleJudge
  readonly #lines = new LineReader()
  #rows = 0
  #first: number | undefined
  #seq = 0

  constructor(manifest: Manifest, judge: BundleJudge) {
    this.#manifest = manifest
    this.#judge = judge
    this.#seq = manifest.selection.from_seq - 1
  }

  async run(
    members: AsyncIterable<ReadMember>,
    progress: (p: ScanProgress) => void,
    signal: AbortSignal,
  ): Promise<void> {
    const walk = new BundleWalk(this.#manifest, this.#judge.findings)
    try {
      for await (const found of walk.segments(members)) {
        signal.throwIfAborted()
        this.#read(found)
        progress({ rows: this.#rows, total: this.#manifest.rows })
      }
    } catch (error) {
      this.#breakOff(error)
      return
    }
    const { rows, first_seq, last_seq } = this.#manifest
    const isCount = rows === this.#rows && first_seq === (this.#first ?? 0) && last_seq === this.#seq
    if (!isCount) this.#object(first_seq, last_seq, 'the manifest counts other rows than there are')
  }

  #read({ segment, content }: FoundSegment): void {
    const before = this.#rows
    const first = this.#seq + 1
    let opened: number | undefined
    this.#lines.read(content.toString('latin1'), (row) => {
      this.#rows += 1
      if (row === undefined) this.#malformed()
      else this.#add(row)
      opened ??= this.#seq
    })
    const isSaid =
      segment.rows === this.#rows - before &&
      segment.first_seq === (opened ?? first) &&
      segment.last_seq === this.#seq
    if (isSaid && isCounted(segment, content)) return
    this.#object(
      segment.first_seq,
      segment.last_seq,
      `${segment.name} is not the one that the manifest counts`,
    )
  }

  #add(row: StoredRow): void {
    this.#seq = row.seq
    this.#first ??= row.seq
    this.#judge.add(row)
  }

  #malformed(): void {
    this.#seq += 1
    this.#first ??= this.#seq
    this.#object(this.#seq, this.#seq, 'a line that is no row')
  }

  #object(seqFrom: number, seqTo: number, detail: string): void {
    this.#judge.findings.add({ code: 'object_malformed', seqFrom, seqTo: Math.max(seqFrom, seqTo), detail })
  }

  /** A file that cannot be read on could not be checked; but what was found in it by then was found. */
  #breakOff(error: unknown): void {
    const isDamage = error instanceof AuditError && error.code === 'bundle_malformed'
    if (!isDamage || this.#judge.isIntact) throw error
    this.#object(this.#seq + 1, this.#seq + 1, `from here on: ${error.message}`)
  }
}
