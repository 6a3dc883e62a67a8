import { wireTime } from '../base/wire-time.js'
import type { DomainRecord, DomainRegistry } from '../ports/domains.js'

/** One Domain as `audit domain list` prints it. `rows` is what the chain head counts, absent where the head is gone. */
export interface DomainJson {
  readonly domain_id: string
  readonly name: string
  readonly mirror_url?: string
  readonly created_at: string
  readonly rows?: number
}

export function domainJson({ domainId, name, mirrorUrl, createdAt, rows }: DomainRecord): DomainJson {
  return {
    domain_id: domainId,
    name,
    ...(mirrorUrl !== undefined && { mirror_url: mirrorUrl }),
    created_at: wireTime(createdAt),
    ...(rows !== undefined && { rows }),
  }
}

const PAGE = 500

/** Every registered Domain by its id, in pages. */
export async function* streamDomains(registry: DomainRegistry): AsyncGenerator<DomainRecord> {
  let after: string | undefined
  for (;;) {
    const domains = await registry.page({ after, limit: PAGE })
    yield* domains
    after = domains.at(-1)?.domainId
    if (domains.length < PAGE) return
  }
}
