import type { QuarantineFilter, QuarantineRecord, QuarantineStore } from '../../ports/quarantine.js'
import type { Client, Database } from '../session/database.js'
import { equals, keysetPage } from '../session/keyset-page.js'
import { written } from '../session/written.js'
import { acknowledge } from './acknowledge.js'
import { insertFindings, type Recorded, recordsOf } from './insert-findings.js'
import { QUARANTINE_COLUMNS, type QuarantineRow, readRecord } from './quarantine-row.js'

/** Keeps findings in PostgreSQL. Implements QuarantineStore. */
export function postgresQuarantine(database: Database): QuarantineStore {
  return {
    record: async (domainId, source, findings) => {
      const records = await database.write(
        (client) => insertFindings(client, domainId, source, findings),
        written((added: readonly Recorded[]) => recordsOf(domainId, added)),
      )
      return records.length
    },
    page: (filter, range) => database.read((client) => page(client, filter, range)),
    find: async (id) => (await database.read((client) => findAll(client, [id]))).at(0),
    findAll: (ids) => database.read((client) => findAll(client, ids)),
    acknowledge: (ids, reason, audits, isDamaged) => acknowledge(database, ids, reason, audits, isDamaged),
  }
}

async function page(
  client: Client,
  filter: QuarantineFilter,
  range: { after: number; limit: number },
): Promise<QuarantineRecord[]> {
  const rows = await keysetPage<QuarantineRow>(client, {
    select: `SELECT ${QUARANTINE_COLUMNS} FROM audit_tamper_quarantine`,
    where: (bind) => [
      `id > ${bind(range.after)}`,
      ...equals('domain_id', filter.domainId, bind),
      ...(filter.unacknowledgedOnly ? ['acknowledged_at IS NULL'] : []),
    ],
    key: 'id',
    limit: range.limit,
  })
  return rows.map(readRecord)
}

async function findAll(client: Client, ids: readonly number[]): Promise<QuarantineRecord[]> {
  const { rows } = await client.query<QuarantineRow>(
    `SELECT ${QUARANTINE_COLUMNS} FROM audit_tamper_quarantine WHERE id = ANY ($1::bigint[]) ORDER BY id`,
    [ids],
  )
  return rows.map(readRecord)
}
