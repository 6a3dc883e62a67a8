import { intactEnd, type MirrorRow, type Restored, restoreChain } from '../archiver/restore.js'
import type { ChainHead } from '../chain/entry.js'
import { pseudonym } from '../chain/hash.js'
import { nodeHasher } from '../node-hasher.js'
import type { RestoreTarget } from '../ports.js'
import { GENESIS_SUBJECT } from '../sink/genesis.js'
import { streamObjects } from '../verify/object-stream.js'
import { type Verdict, verifyChain } from '../verify/verify-chain.js'
import { restoreTargetOf } from './compose/archive.js'
import { sourceOf } from './compose/verify.js'
import type { Context } from './context.js'
import { EXIT, type ExitCode } from './exit-codes.js'
import type { Output } from './output.js'
import { startProgress } from './progress.js'
import { tellBroken, tellRestored } from './restore-text.js'

/** What `archive restore` was asked to do. */
export interface RestoreOptions {
  readonly domainId: string
  readonly pins: readonly ChainHead[]
  readonly allowBrokenTail: boolean
  readonly json: boolean
}

/** Verifies the mirror, rebuilds the chain from it, and verifies both copies. 1 where the mirror is broken. */
export async function runRestore(
  options: RestoreOptions,
  context: Context,
  out: Output,
  signal: AbortSignal,
): Promise<ExitCode> {
  return new RestoreRun(options, context, out, signal).run()
}

class RestoreRun {
  constructor(
    readonly options: RestoreOptions,
    readonly context: Context,
    readonly out: Output,
    readonly signal: AbortSignal,
  ) {}

  async run(): Promise<ExitCode> {
    const { domainId, json } = this.options
    // Before anything is read: without the old pepper the chain could never be appended to again.
    const pepper = await (await this.context.pepper({ mint: false })).pepperOf(domainId)
    const target = await restoreTargetOf(this.context)
    const { mirror, restored } = await target.restoring(domainId, async () => {
      const verdict = await this.#verify('mirror', this.options.pins)
      return { mirror: verdict, restored: await this.#restore(verdict, target, pepper) }
    })
    if (restored === undefined) {
      await tellBroken(mirror.result, json, this.out)
      return EXIT.finding
    }
    const both = await this.#verify('both', [])
    await tellRestored({ restored, mirror: mirror.result, both: both.result }, json, this.out)
    return mirror.result.ok && both.result.ok ? EXIT.done : EXIT.finding
  }

  /** Undefined where the mirror is broken and that was not allowed for. */
  async #restore(
    { result, findings }: Verdict,
    target: RestoreTarget,
    pepper: Uint8Array,
  ): Promise<Restored | undefined> {
    const { domainId, pins, allowBrokenTail } = this.options
    const toSeq = intactEnd(findings, result.segment_to)
    if (toSeq < 1 || !(result.ok || allowBrokenTail)) return undefined
    const known = result.ok ? [result.head] : pins.filter(({ seq }) => seq <= toSeq)
    const request = { domainId, toSeq, pins: known, genesisPseudonym: pseudonym(pepper, GENESIS_SUBJECT) }
    const progress = startProgress('restore')
    try {
      const parts = { target, rows: await this.#objects(), hasher: nodeHasher }
      return await restoreChain(request, parts, (at) => progress.update(at), this.signal)
    } finally {
      await progress.stop()
    }
  }

  async #objects(): Promise<(toSeq: number) => AsyncIterable<MirrorRow>> {
    const [store, codec] = [await this.context.mirror(), await this.context.codec()]
    const { domainId } = this.options
    const { signal } = this
    return async function* rows(toSeq) {
      for await (const object of streamObjects(store, codec, { domainId, fromSeq: 1, toSeq }, signal)) {
        if (object.kind === 'row') yield object
      }
    }
  }

  async #verify(source: 'mirror' | 'both', pins: readonly ChainHead[]): Promise<Verdict> {
    const { domainId } = this.options
    const progress = startProgress(`verify ${source}`)
    try {
      // Against the mirror that it was restored from, which may be a copy of the Domain's own.
      const copy = await sourceOf(this.context, source, domainId, { isGivenMirror: true })
      return await verifyChain(copy, { domainId, fromSeq: 1, pins }, (at) => progress.update(at), this.signal)
    } finally {
      await progress.stop()
    }
  }
}
