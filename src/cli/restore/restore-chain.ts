import { GENESIS_SUBJECT } from '../../append/genesis.js'
import { nodeHasher } from '../../base/node-hasher.js'
import type { ChainHead } from '../../chain/entry.js'
import { pseudonym } from '../../chain/hash.js'
import type { Context } from '../../compose/context.js'
import { sourceOf } from '../../compose/verify.js'
import type { IndexedMirror, MirrorCodec } from '../../ports/mirror.js'
import type { RestoreTarget } from '../../ports/restore.js'
import { intactEnd, type MirrorRow, type Restored, restoreChain } from '../../restore/restore.js'
import { streamObjects } from '../../verify/object-stream.js'
import type { Verdict } from '../../verify/verdict.js'
import { verifyChain } from '../../verify/verify-chain.js'
import { startProgress } from '../output/progress.js'
import { EXIT, type ExitCode } from '../shell/exit-codes.js'

/** One chain to be restored. */
export interface ChainToRestore {
  readonly domainId: string
  readonly pins: readonly ChainHead[]
  /** Where its rows come from; absent: the mirror that was given. */
  readonly mirrorUrl?: string | undefined
  /** Something says that the mirror must have it. */
  readonly isExpected?: boolean
}

/** What became of one chain, and what the verifiers said: of the mirror before, of both copies after. */
export type RestoreOutcome =
  | ({ readonly kind: 'restored'; readonly mirror: Verdict; readonly both: Verdict } & Measured)
  /** The mirror is not intact, and nothing was restored. */
  | { readonly kind: 'broken'; readonly mirror: Verdict }
  /** The chain is there, whole, and has everything that the mirror has. */
  | { readonly kind: 'present'; readonly both: Verdict }

/** What was put back, and how far behind the mirror was. */
export interface Measured {
  readonly restored: Restored
  /** When the last row's object was put into the mirror, by the clock of the store; milliseconds since 1970. */
  readonly storedAt: number | undefined
}

export function exitOf(outcome: RestoreOutcome): ExitCode {
  const isWhole =
    outcome.kind === 'present' || (outcome.kind === 'restored' && outcome.mirror.ok && outcome.both.ok)
  return isWhole ? EXIT.done : EXIT.finding
}

/** Restores chains, one at a time. */
export class Restorer {
  constructor(
    readonly allowBrokenTail: boolean,
    readonly context: Context,
    readonly target: RestoreTarget,
    readonly signal: AbortSignal,
  ) {}

  async restore(chain: ChainToRestore): Promise<RestoreOutcome> {
    const { domainId } = chain
    // Before anything is read: without the old pepper the chain could never be appended to again.
    const pepper = await (await this.context.pepper({ mint: false })).pepperOf(domainId)
    const { mirror, measured } = await this.target.restoring(domainId, async () => {
      const verdict = await this.verify('mirror', chain, chain.pins)
      return { mirror: verdict, measured: await this.#rebuild(verdict, chain, pepper) }
    })
    if (measured === undefined) return { kind: 'broken', mirror }
    const both = await this.verify('both', chain, [])
    return { kind: 'restored', mirror, both, ...measured }
  }

  /** Against the mirror that it is restored from, which may be a copy of the Domain's own. */
  async verify(
    source: 'mirror' | 'both',
    { domainId, mirrorUrl, isExpected }: ChainToRestore,
    pins: readonly ChainHead[],
  ): Promise<Verdict> {
    const progress = startProgress(`verify ${source}`)
    try {
      const options = { isExpected, mirror: { url: mirrorUrl } }
      const copy = await sourceOf(this.context, source, domainId, options)
      return await verifyChain(copy, { domainId, fromSeq: 1, pins }, (at) => progress.update(at), this.signal)
    } finally {
      await progress.stop()
    }
  }

  /** Undefined where the mirror is broken and that was not allowed for. */
  async #rebuild(
    verdict: Verdict,
    { domainId, pins, mirrorUrl }: ChainToRestore,
    pepper: Uint8Array,
  ): Promise<Measured | undefined> {
    const toSeq = intactEnd(verdict.findings, verdict.segmentTo)
    if (toSeq < 1 || !(verdict.ok || this.allowBrokenTail)) return undefined
    const known = verdict.ok ? [verdict.head] : pins.filter(({ seq }) => seq <= toSeq)
    const request = { domainId, toSeq, pins: known, genesisPseudonym: pseudonym(pepper, GENESIS_SUBJECT) }
    const [store, codec] = [await this.context.mirrorOf(mirrorUrl), await this.context.codec()]
    const progress = startProgress('restore')
    try {
      const rows = this.#objects(store, codec, domainId)
      const parts = { target: this.target, rows, hasher: nodeHasher, mirrorUrl: store.url }
      const restored = await restoreChain(request, parts, (at) => progress.update(at), this.signal)
      const key = codec.key(domainId, restored.head.seq)
      return { restored, storedAt: await store.storedAt(key, this.signal) }
    } finally {
      await progress.stop()
    }
  }

  #objects(
    store: IndexedMirror,
    codec: MirrorCodec,
    domainId: string,
  ): (toSeq: number) => AsyncIterable<MirrorRow> {
    const { signal } = this
    return async function* rows(toSeq) {
      for await (const object of streamObjects(store, codec, { domainId, fromSeq: 1, toSeq }, signal)) {
        if (object.kind === 'row') yield object
      }
    }
  }
}
