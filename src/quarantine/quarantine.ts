import { AuditError } from '../base/errors.js'
import type { Finding } from '../chain/finding.js'
import type { QuarantineFilter, QuarantineRecord, QuarantineStore } from '../ports/quarantine.js'
import type { SourceName } from '../ports/verify.js'

/** What became of findings that were to be written down. */
export type Recorded = { readonly written: number; readonly total: number } | 'not_permitted'

/**
 * Writes findings to the quarantine, each once however often they are found. `not_permitted` where the role may not
 * write or the server is read-only: the verdict stands without it, with a note.
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

const PAGE = 500

/** Every record that the filter lets through, by id, in pages. */
export async function* streamQuarantine(
  store: QuarantineStore,
  filter: QuarantineFilter,
): AsyncGenerator<QuarantineRecord> {
  let after = 0
  for (;;) {
    const records = await store.page(filter, { after, limit: PAGE })
    yield* records
    const last = records.at(-1)
    if (records.length < PAGE || last === undefined) return
    after = last.id
  }
}

/** Rejects with `quarantine_not_found`. */
export async function showQuarantine(store: QuarantineStore, id: number): Promise<QuarantineRecord> {
  const record = await store.find(id)
  if (record !== undefined) return record
  throw new AuditError('quarantine_not_found', `no quarantine record has id ${id}`, {
    advice: { code: 'list_quarantine' },
  })
}
