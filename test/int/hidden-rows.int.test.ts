import { afterAll, beforeAll, expect, it } from 'vitest'
import { PostgresSource } from '../../src/repo/verify/postgres-source.js'
import { verifyChain } from '../../src/verify/verify-chain.js'
import { entryFor, Writer } from '../support/append-chains.js'
import { asSuperuser, type TestDatabase, testDatabase } from '../support/postgres.js'

let database: TestDatabase
let writer: Writer

beforeAll(async () => {
  database = await testDatabase()
  writer = new Writer(database.url)
})

afterAll(async () => {
  await writer.close()
  await database.drop()
})

/**
 * Writes rows 8 to 12 again while the index that orders a chain is not updated. A second, smaller index holds all rows,
 * and is only used by a query for the last row.
 */
const hidden = (domainId: string) => `
  SET allow_system_table_mods = on;
  CREATE TEMP TABLE forged AS SELECT * FROM audit_log_entry WHERE domain_id = '${domainId}' AND seq >= 8;
  UPDATE forged SET relation = 'forged.row' WHERE seq < 12;
  DELETE FROM audit_log_entry WHERE domain_id = '${domainId}' AND seq >= 8;
  ALTER TABLE audit_log_entry DROP CONSTRAINT audit_log_entry_pkey, ALTER seq DROP NOT NULL;
  CREATE UNIQUE INDEX ordered ON audit_log_entry (domain_id, seq) WITH (fillfactor = 10);
  UPDATE pg_index SET indisready = false WHERE indexrelid = 'ordered'::regclass;
  INSERT INTO audit_log_entry SELECT * FROM forged;
  CREATE INDEX small ON audit_log_entry (domain_id, seq) WHERE seq IS NOT NULL;
  UPDATE pg_index SET indisready = true WHERE indexrelid = 'ordered'::regclass;
  ANALYZE audit_log_entry`

it('does not report a chain as intact if an index hides its last rows', async () => {
  const [domainId, other] = [await writer.create(), await writer.create()]
  const group = (id: string, rows: number) => Array.from({ length: rows }, () => entryFor(id))
  await writer.sink.recordGroup([...group(domainId, 11), ...group(other, 3000)], 'stop')
  await asSuperuser(database.url, hidden(domainId))
  const request = { domainId, fromSeq: 1, pins: [] }
  const signal = new AbortController().signal
  const source = new PostgresSource(writer.database)
  const verdict = await verifyChain(source, request, () => undefined, signal)
  expect(verdict).toMatchObject({ rows: 7, findings: [{ code: 'seq_gap', seqFrom: 8, seqTo: 12 }] })
})
