import { setTimeout as sleep } from 'node:timers/promises'
import { Findings } from '../chain/finding.js'
import { ChainFold } from '../chain/fold.js'
import type { Hasher } from '../chain/hash.js'
import type { EntrySource, MirrorCodec, MirrorStore, Scan, ScanProgress, ScanRequest } from '../ports.js'
import { LateObjects, PATIENCE } from './late-objects.js'
import { fetchRow, type ListedRow, streamObjects } from './object-stream.js'
import { strayFinding } from './stray.js'

export interface MirrorSourceOptions {
  /** Something else says that the chain must be in this mirror. */
  readonly isExpected?: boolean
  /** Milliseconds that uploads under way are waited for where something is missing. */
  readonly patience?: number
}

/** A chain as its mirror holds it: needs no database, so a copy of the bucket is enough. */
export class MirrorSource implements EntrySource {
  readonly name = 'mirror'
  /** A mirror holds rows alone. That its newest objects were removed shows against a pin, or against Postgres. */
  readonly keepsHead = false

  constructor(
    readonly store: MirrorStore,
    readonly codec: MirrorCodec,
    readonly hasher: Hasher,
    readonly options: MirrorSourceOptions = {},
  ) {}

  async scan(request: ScanRequest, progress: (p: ScanProgress) => void, signal: AbortSignal): Promise<Scan> {
    const { isExpected = false, patience = PATIENCE } = this.options
    const scan = await this.#scan(request, progress, signal)
    if (scan.last !== undefined || !isExpected) return scan
    // A Domain that was just created: its own first row may come to the mirror after the one on the platform chain.
    await sleep(patience, undefined, { signal })
    return this.#scan(request, progress, signal)
  }

  async #scan(request: ScanRequest, progress: (p: ScanProgress) => void, signal: AbortSignal): Promise<Scan> {
    const { domainId, fromSeq, toSeq, pins } = request
    const fold = new ChainFold({ domainId, fromSeq, pins, hasher: this.hasher })
    const strays = new Findings()
    let last = 0
    let rows = 0
    const onKey = (seq: number) => {
      last = Math.max(last, seq)
    }
    // As far as the keys go: an object that went while it was read is missing, the last one too.
    const endOf = () => Math.min(toSeq ?? last, last)
    for await (const object of this.#objects(request, onKey, endOf, signal)) {
      if (object.kind === 'stray') strays.add(strayFinding(object))
      if (object.kind !== 'row') continue
      fold.add(object.row)
      rows += 1
      progress({ rows })
    }
    const result = fold.finish(endOf())
    return {
      known: this.options.isExpected ?? false,
      last: last === 0 ? undefined : { seq: last, hashes: [] },
      fold: { ...result, findings: [...result.findings, ...strays.sorted()] },
    }
  }

  #objects(
    { domainId, fromSeq, toSeq }: ScanRequest,
    onKey: (seq: number) => void,
    endOf: () => number,
    signal: AbortSignal,
  ): AsyncIterable<ListedRow> {
    const range = { domainId, fromSeq: fromSeq - 1, toSeq, onKey }
    const listed = streamObjects(this.store, this.codec, range, signal)
    const fetch = (seq: number) => fetchRow(this.store, this.codec, { domainId, seq }, signal)
    return new LateObjects(fetch, signal, this.options.patience).fill(listed, fromSeq, endOf)
  }
}
