import type { Advice } from '../base/advice.js'
import { checkedDomainId } from '../base/domain-id.js'
import { AuditError } from '../base/errors.js'
import { domainOfObject } from '../chain/self-audit.js'
import { PLATFORM_ANCHOR } from '../chain/uuid.js'
import type { DomainResolver } from '../ports/append.js'
import type { InputEntry } from './input/input-line.js'

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

/** The chains of entries that name no chain. They are checked when the first such entry comes. */
export class DefaultChains {
  readonly #defaults: Chains
  #checked: readonly string[] | undefined

  constructor(defaults: Chains = {}) {
    this.#defaults = defaults
  }

  get chains(): readonly string[] | undefined {
    this.#checked ??= chainsOf(this.#defaults)
    return this.#checked
  }
}

/**
 * Returns the chains that an entry names, otherwise the defaults, at least one, sorted and without duplicates; undefined
 * where there are none of them. Throws `residency_unknown` where they contradict each other or the object, and
 * `invalid_domain_id`. The store checks that a named Domain exists.
 */
export function chainsGiven(
  entry: Chains & Pick<InputEntry, 'object'>,
  defaults: DefaultChains,
): readonly string[] | undefined {
  const chains = chainsOf(entry) ?? defaults.chains
  if (chains !== undefined) refuseContradiction(entry.object, chains)
  return chains
}

/** Returns the chains of an entry without {@link chainsGiven} by the resolver, at least one, sorted and without duplicates. */
export async function chainsResolved(
  { subjectId, object }: Pick<InputEntry, 'subjectId' | 'object'>,
  resolver: DomainResolver,
): Promise<readonly string[]> {
  const chains = sortedSet(await resolver.resolve(subjectId, object))
  refuseContradiction(object, chains)
  return chains
}

const NAME_CHAIN = { code: 'name_chain' } as const

function chainsOf({ domainIds, platform }: Chains): readonly string[] | undefined {
  const domains =
    domainIds === undefined || domainIds.length === 0 ? undefined : sortedSet(domainIds.map(domainOf))
  if (platform !== true) return domains
  if (domains !== undefined) throw unknown('expected Domains or the platform chain, got both')
  return [PLATFORM_ANCHOR]
}

function sortedSet(chains: readonly string[]): readonly string[] {
  return chains.length === 1 ? chains : [...new Set(chains)].sort()
}

function domainOf(text: string): string {
  const domainId = checkedDomainId(text)
  if (domainId === PLATFORM_ANCHOR) {
    throw unknown('the platform chain is not a Domain', { code: 'choose_platform_chain' })
  }
  return domainId
}

function refuseContradiction(object: string, chains: readonly string[]): void {
  const type = typeOf(object)
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
  const type = object.includes(':') ? typeOf(object) : ''
  if (type === 'cloud' || type === 'platform' || type === 'label') return PLATFORM_ANCHOR
  return type === 'domain' ? domainOfObject(object.toLowerCase()) : undefined
}

/** Returns the text before the first colon, or all of it. */
function typeOf(object: string): string {
  const colon = object.indexOf(':')
  return colon < 0 ? object : object.slice(0, colon)
}

function unknown(message: string, advice?: Advice): AuditError {
  return new AuditError('residency_unknown', message, { advice })
}
