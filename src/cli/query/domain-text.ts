import { wireTime } from '../../base/wire-time.js'
import type { DomainRecord } from '../../ports/domains.js'
import { registeredName } from '../../query/choose-domain.js'
import type { Cell, Heading } from '../output/table.js'

/** A Domain as `audit domain list` prints it. */
interface DomainJson {
  readonly domain_id: string
  readonly name: string
  readonly mirror_url?: string
  readonly created_at: string
  /** The count that the chain head holds; absent when the head is gone. */
  readonly rows?: number
}

function domainJson({ domainId, name, mirrorUrl, createdAt, rows }: DomainRecord): DomainJson {
  return {
    domain_id: domainId,
    name,
    ...(mirrorUrl !== undefined && { mirror_url: mirrorUrl }),
    created_at: wireTime(createdAt),
    ...(rows !== undefined && { rows }),
  }
}

/** Returns whether a Domain has a name in the registry that no row of a chain confirms. */
function isDoubted(domain: DomainRecord): boolean {
  return domain.name !== '' && registeredName(domain).doubt !== undefined
}

/** How `domain list` prints its records. */
export const DOMAIN_LIST = {
  toJson: domainJson,
  head: [
    'domain_id',
    'name',
    'rows',
    { title: 'created_at', short: 'time', drop: 2 },
    { title: 'mirror_url', drop: 1 },
  ] satisfies Heading[],
  toRow: (domain: DomainRecord): Cell[] => {
    const { domain_id, name, rows, created_at, mirror_url } = domainJson(domain)
    const shown = isDoubted(domain) ? `${name} (not confirmed)` : name
    return [domain_id, shown, rows, created_at, mirror_url]
  },
}
