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

/** The chain of one bundle whose manifest has been read. Reads the members after the manifest, once. */
export class BundleSource implements EntrySource {
  readonly name = 'bundle'
  readonly keepsHead: boolean
  readonly #manifest: ReadManifest
  readonly #members: AsyncIterable<ReadMember>
  readonly #hasher: Hasher

  constructor(manifest: ReadManifest, members: AsyncIterable<ReadMember>, hasher: Hasher) {
    const { toEnd, kind } = manifest.selection
    this.keepsHead = toEnd && kind !== 'filtered'
    this.#manifest = manifest
    this.#members = members
    this.#hasher = hasher
  }

  async scan(
    { pins, heads, now, observer }: ScanRequest,
    progress: (p: ScanProgress) => void,
    signal: AbortSignal,
  ): Promise<Scan> {
    const { domain_id: domainId, selection, predecessor, head } = this.#manifest
    const recent = () => reading.recent
    const judge = new BundleJudge({ domainId, selection, pins, heads, now, hasher: this.#hasher, recent })
    if (predecessor !== undefined) judge.addPredecessor({ seq: predecessor.seq, entryHash: predecessor.hash })
    const reading = new Reading(this.#manifest, judge, observer)
    const broken = await reading.run(this.#members, progress, signal)
    if (broken !== undefined) return { known: false, isCut: true, doubts: [broken], fold: judge.soFar() }
    const { last } = judge
    const isHeadless = this.keepsHead && head === undefined && last === undefined
    const fold = judge.finish()
    return {
      // A bundle has no registry: what it lacks proves nothing about the chain.
      known: false,
      head: this.keepsHead ? head : undefined,
      last,
      end: selection.toSeq,
      fold: isHeadless ? { ...fold, findings: [...fold.findings, ...headless()] } : fold,
    }
  }
}

/** The finding of a bundle that lacks both the rows and the head that it should have. */
function headless(): Finding[] {
  const finding = judgeHead(undefined, undefined)
  return finding === undefined ? [] : [finding]
}

/** One pass over the segments: passes rows to the judge, and compares the manifest's counts with the content. */
class Reading implements LineTaker {
  readonly #manifest: ReadManifest
  readonly #judge: BundleJudge
  readonly #observer: ScanRequest['observer']
  readonly #lines = new LineReader(this)
  #rows = 0
  #seq: number
  /** The first seq of the current segment. */
  #first: number | undefined

  constructor(manifest: ReadManifest, judge: BundleJudge, observer: ScanRequest['observer']) {
    this.#manifest = manifest
    this.#judge = judge
    this.#observer = observer
    this.#seq = manifest.selection.fromSeq - 1
  }

  /** The last rows that were passed to the judge. */
  get recent(): readonly StoredRow[] {
    return this.#lines.recent()
  }

  /** Resolves with an error where the rest of the file could not be read and something was found before. */
  async run(
    members: AsyncIterable<ReadMember>,
    progress: (p: ScanProgress) => void,
    signal: AbortSignal,
  ): Promise<AuditError | undefined> {
    const total = this.#manifest.rows
    try {
      for await (const step of new BundleWalk(this.#manifest).steps(members)) {
        signal.throwIfAborted()
        if ('finding' in step) this.#judge.findings.add(step.finding)
        else this.#read(step)
        progress({ rows: this.#rows, total })
      }
      return undefined
    } catch (error) {
      return this.#breakOff(error)
    }
  }

  #read({ segment, content, sha256 }: OpenSegment): void {
    const before = this.#rows
    this.#first = undefined
    this.#lines.read(content)
    const rows = this.#rows - before
    const isCount =
      segment.rows === rows &&
      segment.first_seq === (this.#first ?? this.#seq + 1) &&
      segment.last_seq === this.#seq
    if (isCount && segment.bytes === content.length && segment.sha256 === sha256) return
    this.#malformed(
      segment.first_seq,
      segment.last_seq,
      `${segment.name} differs from its entry in the manifest`,
    )
  }

  add(row: ByteRow): void {
    this.#advance(row.seq)
    this.#observer?.add(row)
    this.#judge.add(row)
  }

  addStored(row: StoredRow): void {
    this.#advance(row.seq)
    this.#observer?.addStored(row)
    this.#judge.addStored(row)
  }

  addMalformed(): void {
    this.#advance(this.#seq + 1)
    this.#malformed(this.#seq, this.#seq, 'a line is not a row')
  }

  #advance(seq: number): void {
    this.#rows += 1
    this.#seq = seq
    this.#first ??= seq
  }

  #malformed(seqFrom: number, seqTo: number, detail: string): void {
    this.#judge.findings.add({ code: 'object_malformed', seqFrom, seqTo, detail })
  }

  /** Records where a cut file ends, or returns the failure of the disk. Throws `error` where nothing was found before it. */
  #breakOff(error: unknown): AuditError | undefined {
    if (!(error instanceof AuditError) || this.#judge.soFar().findings.length === 0) throw error
    if (error.code === 'file_unreadable') return error
    if (error.code !== 'bundle_malformed') throw error
    this.#malformed(this.#seq + 1, this.#seq + 1, `from here on: ${error.message}`)
    return undefined
  }
}
