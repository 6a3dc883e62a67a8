import { Findings } from '../chain/finding.js'
import { ChainFold } from '../chain/fold.js'
import type { Hasher } from '../chain/hash.js'
import type { EntrySource, MirrorCodec, MirrorStore, Scan, ScanProgress, ScanRequest } from '../ports.js'
import { streamObjects } from './object-stream.js'
import { strayFinding } from './stray.js'

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

  async scan(request: ScanRequest, progress: (p: ScanProgress) => void, signal: AbortSignal): Promise<Scan> {
    const { domainId, fromSeq, toSeq, pins } = request
    const fold = new ChainFold({ domainId, fromSeq, pins, hasher: this.hasher })
    const strays = new Findings()
    let last = 0
    let rows = 0
    const onKey = (seq: number) => {
      last = Math.max(last, seq)
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
    const result = fold.finish(Math.min(toSeq ?? last, last))
    return {
      known: this.isExpected,
      last: last === 0 ? undefined : { seq: last, hashes: [] },
      fold: { ...result, findings: [...result.findings, ...strays.sorted()] },
    }
  }
}
