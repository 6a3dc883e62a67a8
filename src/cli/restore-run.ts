import { intactEnd, type MirrorRow, type Restored, restoreChain } from '../archiver/restore.js'
import type { ChainHead } from '../chain/entry.js'
import { pseudonym } from '../chain/hash.js'
import { nodeHasher } from '../node-hasher.js'
import { wireTime } from '../query/wire.js'
import { GENESIS_SUBJECT } from '../sink/genesis.js'
import { streamObjects } from '../verify/object-stream.js'
import { type Verdict, verifyChain } from '../verify/verify-chain.js'
import type { Context } from './context.js'
import { EXIT, type ExitCode } from './exit-codes.js'
import type { Output } from './output.js'
import { startProgress } from './progress.js'
import { note } from './streams.js'
import { verdictText } from './verify-text.js'

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
  const { domainId } = options
  // Before anything is read: without the old pepper the chain could never be appended to again.
  const pepper = await (await context.pepper({ mint: false })).pepperOf(domainId)
  const mirror = await verify('mirror', options, context, signal)
  const toSeq = intactEnd(mirror.findings, mirror.result.segment_to)
  if (!mirror.result.ok && (!options.allowBrokenTail || toSeq < 1)) {
    await tellBroken(mirror, options, out)
    return EXIT.finding
  }
  const request = { domainId, toSeq, genesisPseudonym: pseudonym(pepper, GENESIS_SUBJECT) }
  const restored = await restore(request, context, signal)
  const both = await verify('both', { ...options, pins: [] }, context, signal)
  await tellRestored(restored, mirror, both, options, out)
  return both.result.ok ? EXIT.done : EXIT.finding
}

async function verify(
  source: 'mirror' | 'both',
  { domainId, pins }: RestoreOptions,
  context: Context,
  signal: AbortSignal,
): Promise<Verdict> {
  const progress = startProgress(`verify ${source}`)
  try {
    const copy = await context.source(source, domainId)
    return await verifyChain(copy, { domainId, fromSeq: 1, pins }, (at) => progress.update(at), signal)
  } finally {
    await progress.stop()
  }
}

async function restore(
  request: { domainId: string; toSeq: number; genesisPseudonym: string },
  context: Context,
  signal: AbortSignal,
): Promise<Restored> {
  const [target, store, codec] = [
    await context.restoreTarget(),
    await context.mirror(),
    await context.codec(),
  ]
  async function* rows(toSeq: number): AsyncGenerator<MirrorRow> {
    const range = { domainId: request.domainId, fromSeq: 1, toSeq }
    for await (const object of streamObjects(store, codec, range, signal)) {
      if (object.kind === 'row') yield object
    }
  }
  const progress = startProgress('restore')
  try {
    const parts = { target, rows, hasher: nodeHasher }
    return await restoreChain(request, parts, (at) => progress.update(at), signal)
  } finally {
    await progress.stop()
  }
}

async function tellBroken(mirror: Verdict, { json }: RestoreOptions, out: Output): Promise<void> {
  if (json) await out.json(mirror.result)
  else await out.line(verdictText(mirror.result))
  note('nothing was restored; --allow-broken-tail restores what is intact before the first finding')
}

async function tellRestored(
  { head, rows, lastRecordedAt }: Restored,
  mirror: Verdict,
  both: Verdict,
  { domainId, json }: RestoreOptions,
  out: Output,
): Promise<void> {
  const lag = Math.max(0, Math.round(Date.now() / 1000 - Number(lastRecordedAt / 1_000_000n)))
  const last = wireTime(lastRecordedAt)
  if (json) {
    const broken = mirror.result.findings
    const facts = { domain_id: domainId, rows, head, last_recorded_at: last, mirror_lag_seconds: lag }
    await out.json({ ...facts, complete: mirror.result.ok, broken, verify: both.result })
  } else {
    await out.line(`restored  ${domainId}  ${rows} rows, the last recorded at ${last}`)
    await out.line(verdictText(both.result))
  }
  if (!mirror.result.ok) note(`the mirror is broken after row ${rows}; nothing from there on was restored`)
  note(
    `the mirror was ${lag} s behind at the most: rows acknowledged after ${last} are lost, and their seqs are used anew`,
  )
  note('personal data and contexts are not in the mirror and did not come back')
}
