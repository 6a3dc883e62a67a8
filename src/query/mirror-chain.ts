import { reasonOrdinal } from '../chain/reason.js'
import {
  type DecodedObject,
  MAX_OBJECT_BYTES,
  type MirrorCodec,
  type MirrorStore,
  type RowId,
} from '../ports/mirror.js'
import type { ReadEntry } from '../ports/query.js'
import { claimedEntry } from './claimed-entry.js'

/** The objects of one chain in a mirror. Calls reject as a MirrorStore does. */
export class MirrorChain {
  constructor(
    readonly store: MirrorStore,
    readonly codec: MirrorCodec,
    readonly domainId: string,
    readonly signal: AbortSignal,
  ) {}

  /** Returns the row under the key of `seq`; undefined where there is no object. Untrusted bytes give a row with a `problem`. */
  async read(seq: number): Promise<ReadEntry | undefined> {
    const { store, codec, domainId, signal } = this
    const object = await store.get(codec.key(domainId, seq), MAX_OBJECT_BYTES, signal)
    if (object === undefined) return undefined
    const row = { domainId, seq }
    return readEntry(await codec.decode(object.bytes, row), row)
  }

  /** Yields the seqs above `after` that the listing has, ascending. */
  async *seqsAfter(after: number): AsyncGenerator<number> {
    const { store, codec, domainId, signal } = this
    const behind = after === 0 ? undefined : codec.key(domainId, after)
    for await (const { key } of store.list(codec.prefix(domainId), signal, behind)) {
      const row = codec.parseKey(key)
      if (row?.domainId === domainId) yield row.seq
    }
  }

  /** Returns the seqs up to `upTo` that the listing has, as ranges. */
  async seqRanges(upTo: number): Promise<SeqRanges> {
    const ranges = new SeqRanges()
    for await (const seq of this.seqsAfter(0)) {
      if (seq > upTo) break
      ranges.add(seq)
    }
    return ranges
  }

  /** Returns whether the mirror has a name with the form of a row's key for this chain. */
  async exists(): Promise<boolean> {
    const { store, codec, domainId, signal } = this
    for await (const { key } of store.list(codec.prefix(domainId), signal))
      if (codec.hasRowForm(key)) return true
    return false
  }
}

/** A set of seqs that are added ascending. A chain without gaps takes two numbers. */
export class SeqRanges {
  readonly #firsts: number[] = []
  readonly #lasts: number[] = []

  add(seq: number): void {
    const at = this.#lasts.length - 1
    if (at >= 0 && this.#lasts[at] === seq - 1) this.#lasts[at] = seq
    else {
      this.#firsts.push(seq)
      this.#lasts.push(seq)
    }
  }

  /** Returns the highest seq of the set below `seq`; 0 where there is none. Drops the seqs above it from the set. */
  popBelow(seq: number): number {
    for (let at = this.#firsts.length - 1; at >= 0; at -= 1) {
      if ((this.#firsts[at] ?? 0) < seq) return Math.min(this.#lasts[at] ?? 0, seq - 1)
      this.#firsts.pop()
      this.#lasts.pop()
    }
    return 0
  }
}

function readEntry(decoded: DecodedObject, row: RowId): ReadEntry {
  if (!('problem' in decoded)) {
    const { entry, canonical } = decoded
    return { ...entry, reason: reasonOrdinal(entry.reason), canonical }
  }
  const { problem, fields, unchecked, own } = decoded
  if (unchecked === undefined) {
    const what = `has no canonical bytes: the object is malformed: ${problem}`
    return { ...row, problem: what, claimed: claimedEntry(fields), own }
  }
  const { unknownGeneration: generation, prevHash, entryHash } = unchecked
  return { ...row, generation, prevHash, entryHash }
}
