import type { Advice } from '../base/advice.js'
import { checkedDomainId } from '../base/domain-id.js'
import { AuditError } from '../base/errors.js'
import { domainOfObject } from '../chain/self-audit.js'
import { PLATFORM_ANCHOR } from '../chain/uuid.js'
import type { DomainResolver } from '../ports/append.js'

/** The chains that an entry or the defaults name: Domains, the platform chain, or none. */
export interface Chains {
  readonly domainIds?: readonly string[] | undefined
  readonly platform?: boolean | undefined
}

/** Returns a request for one chain. The platform chain is given by its anchor. */
export function onlyChain(
  domainId: string,
): { readonly platform: true } | { readonly domainIds: readonly string[] } {
  return domainId === PLATFORM_ANCHOR ? { platform: true } : { domainIds: [domainId] }
}

/** The input of {@link chainsOfEntry}. The chains that the entry names take precedence over the defaults. */
export interface ChainsRequest {
  readonly named: Chains
  readonly defaults: Chains
  readonly subjectId: string
  readonly object: string
}

/**
 * Returns a resolver that decides by the object alone: `domain:<uuid>` belongs to that Domain if it is known; `cloud:…`,
 * `platform:…` and `label:…` belong to the platform chain. For a label of a Domain, the entry or the defaults must name
 * the Domain, because the object does not.
 */
export function createResolver(isKnownDomain: (domainId: string) => Promise<boolean>): DomainResolver {
  return {
    async resolve(_subjectId, object) {
      const home = homeOf(object)
      if (home === undefined) throw unknown('the object does not say which chain owns it', NAME_CHAIN)
      if (home !== PLATFORM_ANCHOR && !(await isKnownDomain(home))) throw unknown(`no Domain ${home}`)
      return [home]
    },
  }
}

/**
 * Returns the chains of one entry, at least one, sorted and without duplicates: those that the entry names, otherwise the
 * defaults, otherwise those of the resolver. Rejects with `residency_unknown` where they contradict each other
 * or the object, and with `invalid_domain_id`. The store checks that a named Domain exists.
 */
export async function chainsOfEntry(request: ChainsRequest, resolver: DomainResolver): Promise<string[]> {
  const { named, defaults, subjectId, object } = request
  const chains = chainsOf(named) ?? chainsOf(defaults) ?? (await resolver.resolve(subjectId, object))
  refuseContradiction(object, chains)
  return [...new Set(chains)].sort()
}

const NAME_CHAIN = { code: 'name_chain' } as const

function chainsOf({ domainIds, platform }: Chains): readonly string[] | undefined {
  const domains = domainIds === undefined || domainIds.length === 0 ? undefined : domainIds.map(domainOf)
  if (platform !== true) return domains
  if (domains !== undefined) throw unknown('expected Domains or the platform chain, got both')
  return [PLATFORM_ANCHOR]
}

function domainOf(text: string): string {
  const domainId = checkedDomainId(text)
  if (domainId === PLATFORM_ANCHOR) {
    throw unknown('the platform chain is not a Domain', { code: 'choose_platform_chain' })
  }
  return domainId
}

function refuseContradiction(object: string, chains: readonly string[]): void {
  const [type] = object.split(':', 1)
  // A label may also belong to a Domain. Every other object with a chain of its own belongs only there.
  if (type !== 'domain' && type !== 'cloud' && type !== 'platform') return
  const home = homeOf(object)
  if (home === undefined) throw unknown("object: expected a Domain's UUID after domain:")
  if (!chains.includes(home))
    throw unknown(`an object of type ${type} does not belong on the chain it is sent to`)
  if (type !== 'domain' && chains.some((chain) => chain !== home)) {
    throw unknown(`an object of type ${type} belongs only on the platform chain`)
  }
}

/** Returns the one chain that an object names by itself. */
function homeOf(object: string): string | undefined {
  const colon = object.indexOf(':')
  const type = object.slice(0, Math.max(0, colon))
  if (type === 'cloud' || type === 'platform' || type === 'label') return PLATFORM_ANCHOR
  return type === 'domain' ? domainOfObject(object.toLowerCase()) : undefined
}

function unknown(message: string, advice?: Advice): AuditError {
  return new AuditError('residency_unknown', message, { advice })
}
