import { randomBytes } from 'node:crypto'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { AuditError } from '../../src/base/errors.js'
import { postgresEntryReader } from '../../src/repo/query/entry-reader.js'
import { schemaStatus } from '../../src/repo/schema/migrate.js'
import { pinSchema } from '../../src/repo/schema/schema-status.js'
import { Database } from '../../src/repo/session/database.js'
import { ScanClient } from '../../src/repo/session/scan-client.js'
import { chainState } from '../../src/repo/verify/chain-state.js'
import { insertDomain } from '../support/chain-rows.js'
import { asSuperuser, rowsOf, type TestDatabase, testDatabase } from '../support/postgres.js'

const DOMAIN = '0190a8b8-a0c0-7a0a-8a0a-a0a0a0a0a0a1'
let database: TestDatabase

beforeEach(async () => {
  database = await testDatabase()
  await insertDomain(database.url, DOMAIN, [{}, {}, {}])
})
afterEach(() => database.drop())

/** Returns the last seq that a verify sees with this search_path, or the code of the error. */
async function lastSeqBy(path: string): Promise<number | string | undefined> {
  const options = encodeURIComponent(`-c search_path=${path}`)
  const connected = new Database(`${database.url}&options=${options}`)
  try {
    await pinSchema(connected)
    // Connections of the pool and dedicated ones must see the same tables.
    const pooled = await connected.read((client) => chainState(client, DOMAIN))
    const scan = await ScanClient.open(connected, new AbortController().signal)
    const own = await chainState(scan.client, DOMAIN).finally(() => scan.close())
    expect(own.last?.seq).toBe(pooled.last?.seq)
    return own.last?.seq
  } catch (error) {
    return error instanceof AuditError ? error.code : String(error)
  } finally {
    await connected.close()
  }
}

const VIEW = 'CREATE VIEW evil.audit_log_entry AS SELECT * FROM public.audit_log_entry WHERE seq < 3'
const TABLE = 'CREATE TABLE evil.audit_log_chain_head (LIKE public.audit_log_chain_head)'
const STAMPS = 'CREATE VIEW evil.audit_archive_stamp AS SELECT * FROM public.audit_archive_stamp WHERE false'
const WHOLE =
  'CREATE TABLE evil.audit_log_entry (LIKE public.audit_log_entry); CREATE TABLE evil.audit_schema_migration AS TABLE public.audit_schema_migration'
/** An operator that calls no two texts equal. A search_path with this schema before pg_catalog finds it first. */
const OPERATOR = `CREATE FUNCTION evil.never(text, text) RETURNS boolean LANGUAGE sql RETURN false;
  CREATE OPERATOR evil.= (LEFTARG = text, RIGHTARG = text, FUNCTION = evil.never)`

describe('pinSchema', () => {
  it.each([
    ['public', '', 3],
    ['nowhere,public', '', 3],
    ['public,evil', VIEW, 3],
    ['public,evil', TABLE, 3],
    ['evil,public', VIEW, 'schema_shadowed'],
    ['evil,public', TABLE, 'schema_shadowed'],
    ['evil,public', STAMPS, 'schema_shadowed'],
    ['public,evil', STAMPS, 3],
    ['evil,public', WHOLE, 'schema_shadowed'],
    ['public,evil', WHOLE, 'schema_shadowed'],
    ['evil,pg_catalog,public', OPERATOR, 3],
    ['nowhere', '', 'schema_missing'],
    ['evil', VIEW, 'schema_missing'],
  ])('resolves search_path %s with %j to %s', async (path, sql, expected) => {
    await rowsOf(database.url, 'CREATE SCHEMA evil')
    if (sql !== '') await rowsOf(database.url, sql)
    expect(await lastSeqBy(path)).toBe(expected)
  })

  it.each(['audit_domain', 'audit_archive_stamp', 'audit_archive_watermark'])(
    'rejects a view in place of the table %s',
    async (table) => {
      await asSuperuser(
        database.url,
        `ALTER TABLE ${table} RENAME TO hidden; CREATE VIEW ${table} AS SELECT * FROM hidden`,
      )
      expect(await lastSeqBy('public')).toBe('schema_shadowed')
    },
  )

  it('reports the schema, and the other audit logs of the database', async () => {
    expect((await schemaStatus(database.url)).location).toEqual({ schema: 'public', elsewhere: [] })
    await rowsOf(database.url, `CREATE SCHEMA evil; ${WHOLE}`)
    expect((await schemaStatus(database.url)).location).toEqual({ schema: 'public', elsewhere: ['evil'] })
  })
})

it('rejects every read when a policy hides rows', async () => {
  const role = `login_${randomBytes(4).toString('hex')}`
  await rowsOf(
    database.url,
    `CREATE ROLE ${role} LOGIN; GRANT audit_reader TO ${role}; ALTER TABLE audit_log_entry ENABLE ROW LEVEL SECURITY;
     CREATE POLICY few ON audit_log_entry FOR SELECT USING (seq <> 2)`,
  )
  const connected = new Database(database.url.replace('postgres@', `${role}@`))
  try {
    await pinSchema(connected)
    const { page, rowsAt } = postgresEntryReader(connected)
    const range = { after: 0, limit: 10 }
    const reads = [
      () => page(DOMAIN, {}, range),
      () => page(DOMAIN, { reasons: ['granted'] }, range),
      () => rowsAt(DOMAIN, 2),
    ]
    for (const read of reads)
      await expect(read()).rejects.toMatchObject({ code: 'database_permission_denied' })
  } finally {
    await connected.close()
    await rowsOf(database.url, `DROP OWNED BY ${role}; DROP ROLE ${role}`)
  }
})
