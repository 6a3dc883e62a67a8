import { checkedDomainId } from '../base/domain-id.js'
import { AuditError } from '../base/errors.js'
import { genesisPseudonym } from '../base/genesis-pepper.js'
import { pseudonym } from '../chain/hash.js'
import { chainObject } from '../chain/self-audit.js'
import { PLATFORM_ANCHOR } from '../chain/uuid.js'
import type { AppendItem, EntryStore, Placed } from '../ports/append.js'
import type { Pepper } from '../ports/pepper.js'
import { chainCreateRow, genesisRow } from './genesis.js'
import { mirrorPath } from './mirror-step.js'

export interface NewDomain {
  readonly domainId: string
  readonly name: string
  /** The Domain's own mirror, a URL that the caller has checked. It goes onto the chain, so it holds no credentials. */
  readonly mirrorUrl?: string | undefined
  /** The subject_id of the creator. */
  readonly actor: string
}

/**
 * Registers a Domain and begins its chain: `audit.chain-create` on the new chain and on the platform chain, in one
 * transaction. Where the Domain has a mirror of its own, the relation_path of both rows is the one step `mirror:<url>`;
 * otherwise it is empty. Returns where the genesis row was appended. Rejects with `domain_exists`, with
 * `invalid_domain_id` for the nil UUID and the platform anchor, or with `usage` for a mirror URL of more than 505 bytes.
 */
export async function createDomain(domain: NewDomain, store: EntryStore, pepper: Pepper): Promise<Placed> {
  const domainId = newDomainId(domain.domainId)
  const [appended] = await store.append([await creation(domainId, domain, pepper)], 'stop')
  if (appended instanceof AuditError) throw appended
  const genesis = appended?.find((placed) => placed.domainId === domainId)
  if (genesis === undefined) throw new AuditError('internal', 'the genesis row was not placed')
  return genesis
}

function newDomainId(text: string): string {
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
  const path = mirrorPath(mirrorUrl)
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
