import { AuditError } from '../base/errors.js'
import { genesisPseudonym } from '../base/genesis-pepper.js'
import type { ChainHead } from '../chain/entry.js'
import { PLATFORM_ANCHOR } from '../chain/uuid.js'
import type { IndexedMirror, MirrorCodec } from '../ports/mirror.js'
import type { EntrySource } from '../ports/verify.js'
import { BothSource } from '../verify/both-source.js'
import { MirrorSource } from '../verify/mirror-source.js'
import { streamObjects } from '../verify/object-stream.js'
import { withOwnRows } from '../verify/signed/own-rows.js'
import { StatementObserver } from '../verify/signed/statement-observer.js'
import type { Verdict } from '../verify/verdict.js'
import { verifyChain } from '../verify/verify-chain.js'
import { intactEnd } from './intact-end.js'
import { type MirrorRow, type Rebuilt, rebuildChain } from './rebuild-chain.js'
import type { RestoreDeps } from './restore-deps.js'

/** One chain to restore. */
export interface ChainToRestore {
  readonly domainId: string
  readonly pins: readonly ChainHead[]
  /** The mirror that the rows come from. */
  readonly mirrorUrl: string
  /** Whether something says that the mirror must have this chain. */
  readonly isExpected?: boolean
  /** Whether to restore the intact beginning of a mirror that is not intact. */
  readonly allowBrokenTail: boolean
}

/** A chain that was restored, and the verdicts on the mirror before and on both copies after. */
export interface RestoredChain extends Rebuilt {
  readonly kind: 'restored'
  readonly domainId: string
  /** When the last row's object was stored, by the clock of the store; microseconds since 1970. */
  readonly storedAt: bigint | undefined
  readonly mirror: Verdict
  readonly both: Verdict
  /** Why the archiver will refuse this mirror. */
  readonly marker?: AuditError | undefined
}

/** The outcome of the restore of one chain. */
export type RestoreOutcome =
  | RestoredChain
  /** The mirror is not intact, and nothing was restored. */
  | { readonly kind: 'broken'; readonly domainId: string; readonly mirror: Verdict }
  /** The chain exists, is intact, and has every row that the mirror has. */
  | { readonly kind: 'present'; readonly domainId: string; readonly both: Verdict }

/** Returns whether the chain is in the database, and intact in both copies. */
export function isWhole(outcome: RestoreOutcome): boolean {
  return outcome.kind === 'present' || (outcome.kind === 'restored' && outcome.mirror.ok && outcome.both.ok)
}

/** Verifies the mirror, rebuilds the chain from it, and verifies both copies. */
export async function restoreChain(
  chain: ChainToRestore,
  deps: RestoreDeps,
  signal: AbortSignal,
): Promise<RestoreOutcome> {
  const { domainId } = chain
  // Before anything is read: without the pepper that it began with, nothing could ever be appended to the chain.
  const pepper = await deps.pepperOf(domainId)
  const { mirror, rebuilt } = await deps.target.restoring(domainId, async () => {
    const verdict = await verifyMirror(chain, deps, signal)
    return { mirror: verdict, rebuilt: await rebuild(verdict, chain, pepper, deps, signal) }
  })
  if (rebuilt === undefined) return { kind: 'broken', domainId, mirror }
  // Dying before this line leaves a database without the id. The archiver adopts the mirror, which holds the newest row.
  const marker = await deps.takeOver(await deps.mirrorAt(chain.mirrorUrl), signal)
  const both = await verifyBoth({ ...chain, pins: [] }, deps, signal)
  return { kind: 'restored', domainId, mirror, both, marker, ...rebuilt }
}

async function verifyMirror(chain: ChainToRestore, deps: RestoreDeps, signal: AbortSignal): Promise<Verdict> {
  const { codec, hasher } = deps
  const { mirrorUrl, isExpected = false } = chain
  const source = new MirrorSource(await deps.mirrorAt(mirrorUrl), codec, hasher, { isExpected })
  const verify = (heads: RestoreDeps['heads']) => verifyWith(source, chain, { ...deps, heads }, signal)
  try {
    return chain.domainId === PLATFORM_ANCHOR
      ? await verifyPlatform(source, chain, deps, signal)
      : await verify(deps.heads)
  } catch (error) {
    if (!(error instanceof AuditError) || error.code !== 'copy_incomplete') throw error
    if (!chain.allowBrokenTail) {
      const advice = { code: 'restore_whole_copy' } as const
      throw new AuditError('copy_incomplete', `${error.message}; nothing was restored`, { advice })
    }
    return { ...(await verify(NO_HEADS)), doubts: [error] }
  }
}

/** Verifies the platform chain of the mirror by its own signed rows too, and keeps these rows for the chains after it. */
async function verifyPlatform(
  source: MirrorSource,
  chain: ChainToRestore,
  deps: RestoreDeps,
  signal: AbortSignal,
): Promise<Verdict> {
  const statements = new StatementObserver()
  const verdict = await verifyWith(source, chain, deps, signal, statements).finally(() =>
    deps.heads.add(statements.rows),
  )
  const stated = await deps.heads.of(chain.domainId, signal)
  return withOwnRows(verdict, stated, () => verifyWith(source, chain, deps, signal))
}

/** A restore that takes what is there compares the rows with no signed head: the ones that are there hold. */
const NO_HEADS: RestoreDeps['heads'] = {
  of: async () => ({
    heads: [],
    unknownKeys: () => new Map(),
    foreignRows: () => new Map(),
    signersOf: () => undefined,
    signedOver: () => undefined,
  }),
  add: () => undefined,
}

/** Verifies both copies, with the mirror that the chain is restored from: it may be a copy of the Domain's own mirror. */
export async function verifyBoth(
  chain: ChainToRestore,
  deps: RestoreDeps,
  signal: AbortSignal,
): Promise<Verdict> {
  const { codec, hasher, snapshots } = deps
  const source = new BothSource(snapshots, await deps.mirrorAt(chain.mirrorUrl), codec, hasher)
  return verifyWith(source, chain, deps, signal)
}

async function verifyWith(
  source: EntrySource & { readonly name: 'mirror' | 'both' },
  { domainId, pins }: ChainToRestore,
  { runStep, heads }: RestoreDeps,
  signal: AbortSignal,
  observer?: StatementObserver,
): Promise<Verdict> {
  const signed = await heads.of(domainId, signal)
  return runStep(`verify ${source.name}`, (onProgress) =>
    verifyChain(source, { domainId, fromSeq: 1, pins, signed, observer }, onProgress, signal),
  )
}

/** Resolves with undefined where the mirror is broken and a broken tail is not allowed, or no row of it is intact. */
async function rebuild(
  mirror: Verdict,
  { domainId, pins, mirrorUrl, allowBrokenTail }: ChainToRestore,
  pepper: Uint8Array,
  restoring: RestoreDeps,
  signal: AbortSignal,
): Promise<(Rebuilt & Pick<RestoredChain, 'storedAt'>) | undefined> {
  const { target, mirrorAt, codec, hasher, platformActor, runStep } = restoring
  const toSeq = intactEnd(mirror.findings, mirror.segmentTo)
  if (toSeq < 1 || !(mirror.ok || allowBrokenTail)) return undefined
  const known = mirror.ok ? [mirror.head] : pins.filter(({ seq }) => seq <= toSeq)
  const request = { domainId, toSeq, pins: known, genesisPseudonym: genesisPseudonym(pepper) }
  const store = await mirrorAt(mirrorUrl)
  const rows = rowsOf(store, codec, domainId, signal)
  return runStep('rebuild', async (onProgress) => {
    const isForeign = await restoring.isForeign(store, signal)
    const deps = { target, rows, hasher, mirrorUrl: store.url, isForeign, platformActor }
    const rebuilt = await rebuildChain(request, deps, onProgress, signal)
    const stored = await store.storedAt(codec.key(domainId, rebuilt.head.seq), signal)
    return { ...rebuilt, storedAt: stored === undefined ? undefined : BigInt(stored) * 1_000n }
  })
}

function rowsOf(
  store: IndexedMirror,
  codec: MirrorCodec,
  domainId: string,
  signal: AbortSignal,
): (toSeq: number) => AsyncIterable<MirrorRow> {
  return async function* rows(toSeq) {
    for await (const object of streamObjects(store, codec, { domainId, fromSeq: 1, toSeq }, signal)) {
      if (object.kind === 'row') yield object
    }
  }
}
