import type { Mirror, Mirrors } from '../archive/mirrors.js'
import type { HeldChains } from '../marker/held-chains.js'
import type { MarkedMirror, MarkerDeps, MarkerState } from '../marker/judge-marker.js'
import type { MarkerReport, MirrorGuard, MirrorGuardOptions } from '../marker/mirror-guard.js'
import type { ArchivedChain } from '../ports/marker.js'
import type { MirrorStore } from '../ports/mirror.js'
import type { JudgeMirror } from '../verify/marker-doubt.js'
import type { Context } from './context.js'
import { mirrorLocations } from './location.js'
import { mirrorCodec, openMirror } from './mirror.js'

export async function openMarkers(context: Context): Promise<MarkerDeps> {
  const [{ postgresMarkerRegistry }, { mirrorMarkers }] = await Promise.all([
    import('../repo/archive/mirror-marker.js'),
    import('../mirror/object/marker.js'),
  ])
  const deps = {
    registry: postgresMarkerRegistry(await context.database()),
    markers: mirrorMarkers,
    codec: await mirrorCodec(),
  }
  return { ...deps, near: (mirror, signal) => mirrorBeside(context, mirror, deps, signal) }
}

/** Returns the URL of a mirror of this database where the URL that was given is too deep or too high. */
async function mirrorBeside(
  context: Context,
  mirror: MarkedMirror,
  deps: MarkerDeps,
  signal: AbortSignal,
): Promise<string | undefined> {
  const [{ mirrorNear }, { judgeMarker }] = await Promise.all([
    import('../verify/mirror/find-mirror.js'),
    import('../marker/judge-marker.js'),
  ])
  const url = await mirrorNear(await openMirror(context, mirror.url), deps.codec, signal)
  if (url === undefined) return undefined
  try {
    const { kind } = await judgeMarker(
      { ...mirror, url, store: await openMirror(context, url) },
      deps,
      signal,
    )
    return kind === 'ours' || kind === 'adoptable' ? url : undefined
  } catch {
    // The search only improves a hint.
    signal.throwIfAborted()
    return undefined
  }
}

export interface GuardSettings extends Pick<MirrorGuardOptions, 'init' | 'dryRun'> {
  readonly report: MarkerReport
}

/** Returns what decides whether a place is the mirror, for the commands that upload. */
export async function openMirrorGuard(
  context: Context,
  { init, dryRun, report }: GuardSettings,
): Promise<MirrorGuard> {
  const [{ MirrorGuard }, { makeRoot }, markers] = await Promise.all([
    import('../marker/mirror-guard.js'),
    import('../mirror/make-root.js'),
    openMarkers(context),
  ])
  return new MirrorGuard({ ...markers, makeRoot, report }, { init, isHome: context.embedded, dryRun })
}

/** Returns a mirror of a run with the chains that belong there: `only` one, or those that the settings put there. */
export function guarded(
  { url, store }: Pick<MarkedMirror, 'url' | 'store'>,
  mirrors: Mirrors,
  only?: string,
): MarkedMirror {
  const serves = (chain: ArchivedChain) =>
    only === undefined ? mirrors.serves(chain, url) : chain.domainId === only
  const given = only === undefined ? mirrors.given : { url, domainId: only }
  return { url, store, serves, given }
}

/** Returns what decides whether a mirror holds a chain, and what reads the chains that have rows. */
export async function openHeldChains(
  context: Context,
): Promise<{ held: HeldChains; chains: () => Promise<readonly ArchivedChain[]> }> {
  const [{ HeldChains }, { registry, codec }] = await Promise.all([
    import('../marker/held-chains.js'),
    openMarkers(context),
  ])
  return { held: new HeldChains({ registry, codec }), chains: registry.chains }
}

/** Returns what judges the markers of the mirrors of a run. Writes nothing. */
export async function openMarkerJudge(
  context: Context,
  mirrors: Mirrors,
): Promise<(mirror: Mirror, signal: AbortSignal) => Promise<MarkerState>> {
  const [{ judgeMarker }, deps] = await Promise.all([
    import('../marker/judge-marker.js'),
    openMarkers(context),
  ])
  return (mirror, signal) => judgeMarker(guarded(mirror, mirrors), deps, signal)
}

/** Returns what decides whether a place is the mirror, for a comparison. Writes nothing. */
export function mirrorJudge(
  context: Context,
  store: MirrorStore,
  url: string,
  domainId: string,
): JudgeMirror {
  return async (signal) => {
    const [{ judgeMarker }, { markerError }, { namesOwnMirror }, locations, deps] = await Promise.all([
      import('../marker/judge-marker.js'),
      import('../marker/marker-error.js'),
      import('../base/domain-claims.js'),
      mirrorLocations(context),
      openMarkers(context),
    ])
    const belongs = ({ domainId: id, claims }: ArchivedChain) =>
      locations.of({ domainId: id, namesOwn: namesOwnMirror(claims) }) === url
    const chain = (await deps.registry.chains()).find(({ domainId: id }) => id === domainId)
    // A Domain that is only compared with this mirror is not sent there together with others.
    const given = chain === undefined || belongs(chain) ? locations.given : { url, domainId }
    const serves = (one: ArchivedChain) => one.domainId === domainId || belongs(one)
    return markerError(store.url, await judgeMarker({ url, store, serves, given }, deps, signal))
  }
}
