import type { AuditError } from '../base/errors.js'
import { itemsOf } from '../base/paging.js'
import type { DomainRecord, DomainRegistry } from '../ports/domains.js'
import { domainConflicts } from '../verify/domain-conflicts.js'

/**
 * Yields every registered Domain by its id. Reads in pages. Calls `onConflicts` before a Domain whose registry entry and
 * rows disagree.
 */
export async function* streamDomains(
  registry: DomainRegistry,
  onConflicts: (conflicts: readonly AuditError[]) => void,
): AsyncGenerator<DomainRecord> {
  const domains = itemsOf<DomainRecord, string | undefined>({
    page: (range) => registry.page(range),
    start: undefined,
    keyOf: ({ domainId }) => domainId,
  })
  for await (const domain of domains) {
    const conflicts = domainConflicts(domain.domainId, domain.claims)
    if (conflicts.length > 0) onConflicts(conflicts)
    yield domain
  }
}
