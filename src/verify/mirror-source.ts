import { setTimeout as sleep } from 'node:timers/promises'
import { Findings } from '../chain/finding.js'
import { ChainFold } from '../chain/fold.js'
import type { Hasher } from '../chain/hash.js'
import type { EntrySource, MirrorCodec, MirrorStore, Scan, ScanProgress, ScanRequest } from '../ports.js'
import { streamObjects } from './object-stream.js'
import { strayFinding } from './stray.js'

/** How often a mirror that is being filled is read again, and milliseconds before each time. */
const LOOKS = 5
const LOOK_AGAIN = 1_000

/** Of the missing objects, so many are looked for again: an upload under way leaves a few gaps, not thousands. */
const MAX_LOOKED_FOR = 64

/** A chain as its mirror holds it: needs no database, so a copy of the bucket is enough. */
export class MirrorSource implements EntrySource {
  readonly name = 'mirror'
  /** A mirror holds rows alone. That its newest objects were removed shows against a pin, or against Postgres. */
  readonly keepsHead = false

  /** `isExpected`: something else says that the chain must be in this mirror. */
  constructor(
    readonly store: MirrorStore,
    readonly codec: MirrorCodec,
    readonly hasher: Hasher,
    readonly isExpected = false,
  ) {}

  /**
   * An archiver uploads many rows at once, so in the listing of a live mirror a row may still be missing that is there a
   * moment later. What was missing is looked for again, up to the last key of the first listing, before it is a gap.
   */
  async scan(request: ScanRequest, progress: (p: ScanProgress) => void, signal: AbortSignal): Promise<Scan> {
    let pass = await this.#pass(request, request.toSeq, progress, signal)
    const { end } = pass
    for (
      let again = 0;
      again < LOOKS && (await this.#isFilling(pass.scan, request.domainId, signal));
      again += 1
    ) {
      pass = await this.#pass(request, Math.min(request.toSeq ?? end, end), progress, signal)
    }
    return pass.scan
  }

  async #pass(
    request: ScanRequest,
    toSeq: number | undefined,
    progress: (p: ScanProgress) => void,
    signal: AbortSignal,
  ): Promise<{ scan: Scan; end: number }> {
    const { domainId, fromSeq, pins } = request
    const fold = new ChainFold({ domainId, fromSeq, pins, hasher: this.hasher })
    const strays = new Findings()
    let end = 0
    let rows = 0
    const onKey = (seq: number) => {
      end = Math.max(end, seq)
    }
    const range = { domainId, fromSeq: fromSeq - 1, toSeq, onKey }
    for await (const object of streamObjects(this.store, this.codec, range, signal)) {
      if (object.kind === 'stray') strays.add(strayFinding(object))
      if (object.kind !== 'row') continue
      fold.add(object.row)
      rows += 1
      progress({ rows })
    }
    // As far as the keys go: an object that went while it was read is missing, the last one too.
    const last = Math.min(toSeq ?? end, end)
    const result = fold.finish(last)
    const scan = {
      known: this.isExpected,
      last: last === 0 ? undefined : { seq: last, hashes: [] },
      fold: { ...result, findings: [...result.findings, ...strays.sorted()] },
    }
    return { scan, end }
  }

  /** Whether an object that was missing is there now. */
  async #isFilling({ fold }: Scan, domainId: string, signal: AbortSignal): Promise<boolean> {
    const gaps = fold.findings.filter(({ code }) => code === 'seq_gap')
    if (gaps.length === 0) return false
    await sleep(LOOK_AGAIN, undefined, { signal })
    const seqs = gaps.flatMap(({ seqFrom, seqTo }) => [seqFrom, seqTo]).slice(0, MAX_LOOKED_FOR)
    const found = await Promise.all(
      seqs.map((seq) => this.store.get(this.codec.key(domainId, seq), 0, signal)),
    )
    return found.some((object) => object !== undefined)
  }
}
