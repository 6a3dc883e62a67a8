import { AuditError } from '../../base/errors.js'
import { PLATFORM_ANCHOR } from '../../chain/uuid.js'
import type { Context } from '../../compose/context.js'
import { chainsKnownTo } from '../../compose/known-chains.js'
import { defaultMirrorUrl } from '../../compose/mirror.js'
import { type OpenRows, openRows } from '../../compose/read/rows.js'
import { openSource } from '../../compose/verify.js'
import type { CopyName } from '../../ports/verify.js'
import { verifyChain } from '../../verify/verify-chain.js'
import type { ChainNames } from '../flags/chain-names.js'
import { serverOf } from '../flags/database-url.js'
import { hideCredentials } from '../output/safe-text.js'
import { subjectFilter } from '../query/flags.js'
import { machineClock } from '../verify/machine-clock.js'
import type { BrowseData, ReadableCopy } from './data.js'
import type { Chain } from './model/state.js'
import { problemOf } from './work.js'

/** Opens the copies of an installation for the browser. Opens no database for a mirror. */
export function openInstallation(context: Context, source: CopyName, chainNames: ChainNames): BrowseData {
  const postgres = copyOf('postgres', (domainId) => openRows(context, { source: 'postgres', domainId }))
  const mirror = copyOf('mirror', (domainId) => openRows(context, { source: 'mirror', domainId }))
  const copies = { postgres: [postgres], mirror: [mirror], both: [postgres, mirror] } as const
  return {
    source,
    place: placeOf(context, source),
    copies: copies[source],
    chains: (signal) => chainsOf(context, { source, chainNames }, signal),
    pseudonymOf: (domainId, subjectId) => pseudonymIn(context, copies[source][0], domainId, subjectId),
    verify: async (domainId, progress, signal) => {
      const read = await openSource(context, source, domainId, { signal })
      const request = { domainId, fromSeq: 1, pins: [], now: machineClock() }
      const verdict = await verifyChain(read, request, progress, signal)
      return { kind: 'verdict', verdict, doubts: verdict.doubts.map(problemOf) }
    },
  }
}

/** Opens an evidence file for the browser. Opens no database. */
export function openBundle(
  context: Context,
  { path, domainId }: { readonly path: string; readonly domainId: string | undefined },
  chainNames: ChainNames,
): BrowseData {
  let opened: Promise<OpenRows> | undefined
  const open = () => {
    opened ??= openRows(context, { source: 'bundle', path, domainId })
    return opened
  }
  const copy: ReadableCopy = { copy: 'bundle', reader: async () => (await open()).reader }
  return {
    source: 'bundle',
    place: path,
    copies: [copy],
    chains: async () => {
      const { domainId: held } = await open()
      const names = await chainNames.shown([held])
      return { chains: [{ domainId: held, name: names.get(held) }], doubts: [] }
    },
    pseudonymOf: (chain, subjectId) => pseudonymIn(context, copy, chain, subjectId),
    verify: async (_domainId, progress, signal) => {
      const [{ verifyBundle }, { nodeHasher }] = await Promise.all([
        import('../../bundle/verify-bundle.js'),
        import('../../base/node-hasher.js'),
      ])
      const request = { path, pinsOf: () => [], allowFiltered: false, now: machineClock() }
      const verdict = await verifyBundle(request, nodeHasher, progress, signal)
      // An intact selection is no whole chain: it cannot show that no row is missing.
      if (verdict.shortfall !== undefined) throw verdict.shortfall
      return { kind: 'verdict', verdict, doubts: verdict.doubts.map(problemOf) }
    },
  }
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
  { source, chainNames }: { readonly source: CopyName; readonly chainNames: ChainNames },
  signal: AbortSignal,
) {
  const { domainIds, doubts = [] } = await chainsKnownTo(context, source, signal)
  if (domainIds.length === 0) throw doubts[0] ?? (await noChain(context, source, signal))
  const names = await chainNames.shown('all')
  const chains = domainIds
    .map((domainId): Chain => ({ domainId, name: names.get(domainId) }))
    .sort((a, b) => Number(b.domainId === PLATFORM_ANCHOR) - Number(a.domainId === PLATFORM_ANCHOR))
  return { chains, doubts: doubts.map(problemOf) }
}

async function noChain(context: Context, source: CopyName, signal: AbortSignal): Promise<AuditError> {
  if (source !== 'mirror')
    return new AuditError('nothing_to_verify', 'there is no chain', { advice: { code: 'create_domain' } })
  const [{ noChainIn }, { mirrorCodec }, { chosenMirror }] = await Promise.all([
    import('../../verify/mirror/find-mirror.js'),
    import('../../compose/mirror.js'),
    import('../../compose/verify.js'),
  ])
  return noChainIn(await chosenMirror(context), await mirrorCodec(), signal)
}
