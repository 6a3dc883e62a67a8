import type { Sink } from '../append/sink.js'
import type { Context } from './context.js'
import { openPepper } from './pepper.js'
import type { SinkSettings } from './sink-options.js'

export async function openSink(context: Context, settings?: SinkSettings): Promise<Sink> {
  const [{ Sink }, { sinkOptions }] = await Promise.all([
    import('../append/sink.js'),
    import('./sink-options.js'),
  ])
  return new Sink(sinkOptions(await context.database(), await openPepper(context), settings))
}

/** Creates a Domain. Rejects with `usage` for a mirror URL that is not valid. */
export async function createDomainOn(
  context: Context,
  domain: { domainId: string; name: string; mirrorUrl?: string | undefined },
) {
  if (domain.mirrorUrl !== undefined) {
    const { parseMirrorUrl } = await import('../mirror/mirror-url.js')
    parseMirrorUrl(domain.mirrorUrl)
  }
  const [{ createDomain }, { PostgresEntryStore }] = await Promise.all([
    import('../append/create-domain.js'),
    import('../repo/append/append.js'),
  ])
  const store = new PostgresEntryStore(await context.database())
  return createDomain({ ...domain, actor: context.actor }, store, await openPepper(context))
}

/** Names a Domain, in the registry and on the platform chain. */
export async function nameDomainOn(context: Context, domain: { domainId: string; name: string }) {
  const [{ nameDomain }, { postgresDomainNames }] = await Promise.all([
    import('../append/name-domain.js'),
    import('../repo/append/name-domain.js'),
  ])
  const names = postgresDomainNames(await context.database())
  const placed = await nameDomain({ ...domain, actor: context.actor }, names, await openPepper(context))
  return { ...placed, domainId: domain.domainId.toLowerCase() }
}
