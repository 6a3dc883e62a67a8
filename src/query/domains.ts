import type { DomainRecord, DomainRegistry } from '../ports/domains.js'

const PAGE = 500

/** Yields every registered Domain by its id. Reads in pages. */
export async function* streamDomains(registry: DomainRegistry): AsyncGenerator<DomainRecord> {
  let after: string | undefined
  for (;;) {
    const domains = await registry.page({ after, limit: PAGE })
    yield* domains
    after = domains.at(-1)?.domainId
    if (domains.length < PAGE) return
  }
}
