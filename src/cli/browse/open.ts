import { AuditError } from '../../base/errors.js'
import type { ChainHead } from '../../chain/entry.js'
import { PLATFORM_ANCHOR } from '../../chain/uuid.js'
import type { Context } from '../../compose/context.js'
import { chainsKnownTo, noChainKnownTo } from '../../compose/known-chains.js'
import { defaultMirrorUrl } from '../../compose/mirror.js'
import { openHeads } from '../../compose/read/heads.js'
import { type OpenRows, openRows } from '../../compose/read/rows.js'
import { openSource } from '../../compose/verify.js'
import type { CopyName } from '../../ports/verify.js'
import type { ReadProblem } from '../../query/read-problem.js'
import type { Verdict } from '../../verify/verdict.js'
import { verifyChain } from '../../verify/verify-chain.js'
import type { ChainNames } from '../flags/chain-names.js'
import { serverOf } from '../flags/database-url.js'
import { shownName } from '../output/chain-text.js'
import { hideCredentials, safe } from '../output/safe-text.js'
import { note } from '../output/streams.js'
import { subjectFilter } from '../query/flags.js'
import { machineClock } from '../verify/machine-clock.js'
import type { Memory } from '../verify/remember/memory.js'
import type { BrowseData, ReadableCopy } from './data.js'
import { LeftOut } from './left-out.js'
import type { Chain } from './model/state.js'
import { problemOf } from './work.js'

/** What the browser shows beside the rows, and what it remembers. */
interface Asked {
  readonly chainNames: ChainNames
  readonly memory?: Memory | undefined
}

/** Opens the copies of an installation for the browser. Opens no database for a mirror. */
export function openInstallation(context: Context, source: CopyName, asked: Asked): BrowseData {
  const { memory } = asked
  const leftOut = new LeftOut()
  const postgres = copyOf('postgres', (domainId) => openRows(context, { source: 'postgres', domainId }))
  const mirror = copyOf('mirror', (domainId) => {
    const onProblem = (problem: ReadProblem) => leftOut.add(domainId, problem)
    return openRows(context, { source: 'mirror', domainId }, { onProblem })
  })
  const copies = { postgres: [postgres], mirror: [mirror], both: [postgres, mirror] } as const
  return {
    source,
    place: placeOf(context, source),
    copies: copies[source],
    leftOut,
    chains: (signal) => chainsOf(context, source, asked, signal),
    pseudonymOf: (domainId, subjectId) => pseudonymIn(context, copies[source][0], domainId, subjectId),
    verify: async (domainId, progress, signal) => {
      const read = await openSource(context, source, domainId, { signal })
      const signed = await (await openHeads(context, source, domainId, signal)).of(domainId, signal)
      const pins = memory?.headsIn(domainId, WHOLE) ?? []
      const request = { domainId, fromSeq: 1, pins, now: machineClock(), signed }
      const verdict = await verifyChain(read, request, progress, signal)
      await remember(memory, verdict, pins)
      return { kind: 'verdict', verdict, doubts: verdict.doubts.map(problemOf) }
    },
  }
}

/** Opens an evidence file for the browser. Opens no database. */
export function openBundle(
  context: Context,
  { path, domainId }: { readonly path: string; readonly domainId: string | undefined },
  { chainNames, memory }: Asked,
): BrowseData {
  const leftOut = new LeftOut()
  let opened: Promise<OpenRows> | undefined
  const open = () => {
    const onProblem = async (problem: ReadProblem) => leftOut.add((await open()).domainId, problem)
    opened ??= openRows(context, { source: 'bundle', path, domainId }, { onProblem })
    return opened
  }
  const copy: ReadableCopy = { copy: 'bundle', reader: async () => (await open()).reader }
  return {
    source: 'bundle',
    place: path,
    copies: [copy],
    leftOut,
    chains: async () => {
      const { domainId: held } = await open()
      const names = await chainNames.shown([held])
      return { chains: [{ domainId: held, name: shownName(held, names) }], doubts: [] }
    },
    pseudonymOf: (chain, subjectId) => pseudonymIn(context, copy, chain, subjectId),
    verify: async (_domainId, progress, signal) => {
      const [{ verifyBundle }, { nodeHasher }] = await Promise.all([
        import('../../bundle/verify-bundle.js'),
        import('../../base/node-hasher.js'),
      ])
      const rememberedOf = (chain: string) => memory?.headsIn(chain, WHOLE) ?? []
      const request = { path, pinsOf: () => [], rememberedOf, allowFiltered: false, now: machineClock() }
      const verdict = await verifyBundle(request, nodeHasher, progress, signal)
      // An intact selection is no whole chain: it cannot show that no row is missing.
      if (verdict.shortfall !== undefined) throw verdict.shortfall
      if (verdict.complete) await remember(memory, verdict, verdict.pins)
      return { kind: 'verdict', verdict, doubts: verdict.doubts.map(problemOf) }
    },
  }
}

const WHOLE = { fromSeq: 1 }

/** Remembers the head of a chain as `verify --remember` does. The verdict stays where the head cannot be written. */
async function remember(
  memory: Memory | undefined,
  { ok, doubts, domainId, head }: Verdict,
  checked: readonly ChainHead[],
): Promise<void> {
  if (memory === undefined || !ok || doubts.length > 0) return
  memory.see(domainId, head, checked)
  await memory.save().catch((error: unknown) => {
    if (!(error instanceof AuditError)) throw error
    note(safe`the head was not remembered: ${error.message}`)
  })
}

function copyOf(copy: ReadableCopy['copy'], open: (domainId: string) => Promise<OpenRows>): ReadableCopy {
  const opened = new Map<string, Promise<OpenRows>>()
  return {
    copy,
    reader: async (domainId) => {
      const rows = opened.get(domainId) ?? open(domainId)
      opened.set(domainId, rows)
      return (await rows).reader
    },
  }
}

async function pseudonymIn(
  context: Context,
  copy: ReadableCopy,
  domainId: string,
  subjectId: string,
): Promise<string> {
  const reader = await copy.reader(domainId)
  return (await subjectFilter(context, { reader, domainId }, subjectId)).subjectPseudonym ?? ''
}

/** Says where the rows come from. Never a password: of a database only the server and the name. */
function placeOf(context: Context, source: CopyName): string {
  const mirror = hideCredentials(defaultMirrorUrl(context) ?? 'the mirrors of the map')
  if (source === 'mirror') return mirror
  const { databaseUrl } = context.settings
  const database = databaseUrl === undefined ? context.home : serverOf(databaseUrl)
  return source === 'both' ? `${database}  ${mirror}` : database
}

/** The platform chain comes first. */
async function chainsOf(
  context: Context,
  source: CopyName,
  { chainNames, memory }: Asked,
  signal: AbortSignal,
) {
  const { domainIds: known, elsewhere = [], doubts = [] } = await chainsKnownTo(context, source, signal)
  const others = new Set(elsewhere.map(({ domainId }) => domainId))
  const remembered = (memory?.domainIds ?? []).filter((id) => !others.has(id))
  const domainIds = [...new Set([...known, ...remembered])]
  if (domainIds.length === 0) throw doubts[0] ?? (await noChainKnownTo(context, source, signal))
  const names = await chainNames.shown('all')
  const chains = domainIds
    .map((domainId): Chain => ({ domainId, name: shownName(domainId, names) }))
    .sort((a, b) => Number(b.domainId === PLATFORM_ANCHOR) - Number(a.domainId === PLATFORM_ANCHOR))
  return { chains, doubts: doubts.map(problemOf) }
}
