import { nodeHasher } from '../../base/node-hasher.js'
import type { NamedDomain } from '../../query/choose-domain.js'
import type { Context } from '../context.js'
import { mirrorCodec } from '../mirror.js'
import { openDomainRegistry } from '../query.js'
import { chosenMirror } from '../verify.js'

/** Returns the Domains of the registry with their names. */
export async function namesOfRegistry(context: Context): Promise<NamedDomain[]> {
  const [{ streamDomains }, { registeredName }] = await Promise.all([
    import('../../query/domains.js'),
    import('../../query/choose-domain.js'),
  ])
  const domains: NamedDomain[] = []
  for await (const domain of streamDomains(await openDomainRegistry(context), () => undefined))
    domains.push(registeredName(domain))
  return domains
}

/** Returns the names that the platform chain in the default mirror gives. Opens no database. */
export async function namesOfMirror(context: Context): Promise<NamedDomain[]> {
  const { mirrorNames } = await import('../../query/mirror-names.js')
  return mirrorNames(await chosenMirror(context), await mirrorCodec(), nodeHasher, context.signal)
}
