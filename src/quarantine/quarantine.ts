import { AuditError } from '../base/errors.js'
import { itemsOf } from '../base/paging.js'
import type { Finding } from '../chain/finding.js'
import type { QuarantineFilter, QuarantineRecord, QuarantineStore } from '../ports/quarantine.js'
import type { SourceName } from '../ports/verify.js'

/** The outcome of recording findings: `written` are the new records. */
export type Recorded = { readonly written: number; readonly total: number } | 'not_permitted'

/**
 * Writes findings to the quarantine, each once, however often it is found. Returns `not_permitted` if the role may not
 * write or the server is read-only: the verdict is valid without a record.
 */
export async function recordFindings(
  store: QuarantineStore,
  domainId: string,
  source: SourceName,
  findings: readonly Finding[],
): Promise<Recorded> {
  if (findings.length === 0) return { written: 0, total: 0 }
  try {
    return { written: await store.record(domainId, source, findings), total: findings.length }
  } catch (error) {
    const codes = ['database_permission_denied', 'database_read_only']
    if (error instanceof AuditError && codes.includes(error.code)) return 'not_permitted'
    throw error
  }
}

/** Yields every record that the filter selects, ordered by id. */
export function streamQuarantine(
  store: QuarantineStore,
  filter: QuarantineFilter,
): AsyncGenerator<QuarantineRecord> {
  return itemsOf({ page: (range) => store.page(filter, range), start: 0, keyOf: ({ id }) => id })
}

/** Returns the quarantine record of one finding. Rejects with `quarantine_not_found`. */
export async function findQuarantineRecord(store: QuarantineStore, id: number): Promise<QuarantineRecord> {
  const record = await store.find(id)
  if (record !== undefined) return record
  throw new AuditError('quarantine_not_found', `no quarantine record has id ${id}`, {
    advice: { code: 'list_quarantine' },
  })
}
