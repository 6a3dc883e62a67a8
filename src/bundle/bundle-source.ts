import { AuditError } from '../base/errors.js'
import type { ByteRow } from '../chain/fast-path.js'
import type { Finding } from '../chain/finding.js'
import type { StoredRow } from '../chain/fold.js'
import type { Hasher } from '../chain/hash.js'
import { judgeHead } from '../chain/head.js'
import type { EntrySource, Scan, ScanProgress, ScanRequest } from '../ports/verify.js'
import { BundleJudge } from './bundle-judge.js'
import type { ReadMember } from './bundle-members.js'
import { BundleWalk, type OpenSegment } from './bundle-walk.js'
import { LineReader, type LineTaker } from './line-reader.js'
import type { ReadManifest } from './manifest.js'

/** The chain of one bundle, whose manifest has been read: everything after it, once. */
export class BundleSource implements EntrySource {
  readonly name = 'bundle'
  readonly keepsHead: boolean
  readonly #manifest: ReadManifest
  readonly #members: AsyncIterable<ReadMember>
  readonly #hasher: Hasher

  constructor(manifest: ReadManifest, members: AsyncIterable<ReadMember>, hasher: Hasher) {
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
    const isHeadless = this.keepsHead && head === undefined && last === undefined
    const fold = judge.finish()
    return {
      // What a bundle does not hold of its chain says nothing of the chain.
      known: false,
      head: this.keepsHead ? head : undefined,
      last,
      end: selection.to_seq,
      fold: isHeadless ? { ...fold, findings: [...fold.findings, ...headless()] } : fold,
    }
  }
}

/** Where neither the rows nor the head are there that the bundle was to have. */
function headless(): Finding[] {
  const finding = judgeHead(undefined, undefined)
  return finding === undefined ? [] : [finding]
}

/** One pass over the segments: rows to the judge, and what was counted against what there is. */
class Reading implements LineTaker {
  readonly #manifest: ReadManifest
  readonly #judge: BundleJudge
  readonly #lines = new LineReader(this)
  #rows = 0
  #seq: number
  /** Of the segment that is being read. */
  #first: number | undefined

  constructor(manifest: ReadManifest, judge: BundleJudge) {
    this.#manifest = manifest
    this.#judge = judge
    this.#seq = manifest.selection.from_seq - 1
  }

  async run(
    members: AsyncIterable<ReadMember>,
    progress: (p: ScanProgress) => void,
    signal: AbortSignal,
  ): Promise<void> {
    const total = this.#manifest.rows
    try {
      for await (const met of new BundleWalk(this.#manifest).meet(members)) {
        signal.throwIfAborted()
        if ('finding' in met) this.#judge.findings.add(met.finding)
        else this.#read(met)
        progress({ rows: this.#rows, total })
      }
    } catch (error) {
      this.#breakOff(error)
    }
  }

  #read({ segment: said, content, sha256 }: OpenSegment): void {
    const before = this.#rows
    this.#first = undefined
    this.#lines.read(content)
    const rows = this.#rows - before
    const isCount =
      said.rows === rows && said.first_seq === (this.#first ?? this.#seq + 1) && said.last_seq === this.#seq
    if (isCount && said.bytes === content.length && said.sha256 === sha256) return
    this.#malformed(said.first_seq, said.last_seq, `${said.name} is not the one that was counted`)
  }

  add(row: ByteRow): void {
    this.#meet(row.seq)
    this.#judge.add(row)
  }

  addStored(row: StoredRow): void {
    this.#meet(row.seq)
    this.#judge.addStored(row)
  }

  addNone(): void {
    this.#meet(this.#seq + 1)
    this.#malformed(this.#seq, this.#seq, 'a line that is no row')
  }

  #meet(seq: number): void {
    this.#rows += 1
    this.#seq = seq
    this.#first ??= seq
  }

  #malformed(seqFrom: number, seqTo: number, detail: string): void {
    this.#judge.findings.add({ code: 'object_malformed', seqFrom, seqTo, detail })
  }

  /** A file that cannot be read on could not be checked; but what was found in it by then was found. */
  #breakOff(error: unknown): void {
    const isDamage = error instanceof AuditError && error.code === 'bundle_malformed'
    if (!isDamage || this.#judge.isIntact) throw error
    this.#malformed(this.#seq + 1, this.#seq + 1, `from here on: ${error.message}`)
  }
}
