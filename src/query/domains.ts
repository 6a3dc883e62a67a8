import { itemsOf } from '../base/paging.js'
import type { DomainRecord, DomainRegistry } from '../ports/domains.js'

/** Yields every registered Domain by its id. Reads in pages. */
export function streamDomains(registry: DomainRegistry): AsyncGenerator<DomainRecord> {
  return itemsOf<DomainRecord, string | undefined>({
    page: (range) => registry.page(range),
    start: undefined,
    keyOf: ({ domainId }) => domainId,
  })
}
