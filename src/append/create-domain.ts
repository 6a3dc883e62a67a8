import { checkedDomainId } from '../base/domain-id.js'
import { AuditError } from '../base/errors.js'
import { genesisPseudonym } from '../base/genesis-pepper.js'
import { pseudonym } from '../chain/hash.js'
import { chainObject } from '../chain/self-audit.js'
import { PLATFORM_ANCHOR } from '../chain/uuid.js'
import type { AppendItem, EntryStore, Placed } from '../ports/append.js'
import type { Pepper } from '../ports/pepper.js'
import { domainPath } from './domain-path.js'
import { chainCreateRow, genesisRow } from './genesis.js'

export interface NewDomain {
  readonly domainId: string
  /** For people; on the chain for ever. Empty: the Domain gets no name. */
  readonly name: string
  /** The Domain's own mirror, a URL that the caller has checked. It goes onto the chain, so it holds no credentials. */
  readonly mirrorUrl?: string | undefined
  /** The subject_id of the creator. */
  readonly actor: string
}

/**
 * Registers a Domain and begins its chain: `audit.chain-create` on the new chain and on the platform chain, in one
 * transaction. The relation_path of both rows records the mirror of its own and the name, where the Domain has them.
 * Returns where the genesis row was appended. Rejects with `domain_exists`, with `invalid_domain_id` for the nil UUID and
 * the platform anchor, with `usage` for a mirror URL of more than 505 bytes or a name of more than 507, or with
 * `personal_data_in_chain` for a name that holds personal data.
 */
export async function createDomain(domain: NewDomain, store: EntryStore, pepper: Pepper): Promise<Placed> {
  const domainId = newDomainId(domain.domainId)
  const [appended] = await store.append([await creation(domainId, domain, pepper)], 'stop')
  if (appended instanceof AuditError) throw appended
  const genesis = appended?.find((placed) => placed.domainId === domainId)
  if (genesis === undefined) throw new AuditError('internal', 'the genesis row was not placed')
  return genesis
}

/** Returns the id of a new Domain in lower case. Throws `invalid_domain_id`. */
export function newDomainId(text: string): string {
  const domainId = checkedDomainId(text)
  if (domainId !== PLATFORM_ANCHOR) return domainId
  throw new AuditError('invalid_domain_id', 'the platform anchor is not a Domain', {
    advice: { code: 'platform_chain_begins_by_itself' },
  })
}

async function creation(domainId: string, domain: NewDomain, pepper: Pepper): Promise<AppendItem> {
  const [own, platform] = await Promise.all([pepper.pepperOf(domainId), pepper.pepperOf(PLATFORM_ANCHOR)])
  const platformGenesis = genesisPseudonym(platform)
  const { name, mirrorUrl } = domain
  const path = domainPath({ mirrorUrl, name: name === '' ? undefined : name, actor: domain.actor })
  const actor = pseudonym(platform, domain.actor)
  const genesis = genesisRow(domainId, genesisPseudonym(own), path)
  return {
    rows: [chainCreateRow(PLATFORM_ANCHOR, actor, chainObject(domainId), path)],
    genesisPseudonyms: new Map([[PLATFORM_ANCHOR, platformGenesis]]),
    starts: new Map([
      [PLATFORM_ANCHOR, { genesis: genesisRow(PLATFORM_ANCHOR, platformGenesis) }],
      [domainId, { genesis, registration: { name, mirrorUrl } }],
    ]),
  }
}
