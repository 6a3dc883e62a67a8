import { randomBytes } from 'node:crypto'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { AuditError } from '../../src/base/errors.js'
import { postgresEntryReader } from '../../src/repo/query/entry-reader.js'
import { schemaStatus } from '../../src/repo/schema/migrate.js'
import { settleSchema } from '../../src/repo/schema/schema-status.js'
import { Database } from '../../src/repo/session/database.js'
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

/** The last seq that a verify would judge by, or the code of the error, for a role with this search_path. */
async function lastSeqBy(path: string): Promise<number | string | undefined> {
  const options = encodeURIComponent(`-c search_path=${path}`)
  const connected = new Database(`${database.url}&options=${options}`)
  try {
    await settleSchema(connected)
    // A connection of the pool, and one of its own.
    const pooled = await connected.withClient((client) => chainState(client, DOMAIN))
    const dedicated = await connected.dedicated()
    const own = await chainState(dedicated, DOMAIN).finally(() => dedicated.end())
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
const WHOLE =
  'CREATE TABLE evil.audit_log_entry (LIKE public.audit_log_entry); CREATE TABLE evil.audit_schema_migration AS TABLE public.audit_schema_migration'
/** An operator that says that nothing is equal, for whoever looks there before pg_catalog. */
const OPERATOR = `CREATE FUNCTION evil.never(text, text) RETURNS boolean LANGUAGE sql RETURN false;
  CREATE OPERATOR evil.= (LEFTARG = text, RIGHTARG = text, FUNCTION = evil.never)`

describe('where the names of the tables lead', () => {
  it.each([
    ['public', '', 3],
    ['nowhere,public', '', 3],
    ['public,evil', VIEW, 3],
    ['public,evil', TABLE, 3],
    ['evil,public', VIEW, 'schema_shadowed'],
    ['evil,public', TABLE, 'schema_shadowed'],
    ['evil,public', WHOLE, 'schema_shadowed'],
    ['public,evil', WHOLE, 'schema_shadowed'],
    ['evil,pg_catalog,public', OPERATOR, 3],
    ['nowhere', '', 'schema_missing'],
    ['evil', VIEW, 'schema_missing'],
  ])('search_path %s, %s: %s', async (path, sql, expected) => {
    await rowsOf(database.url, 'CREATE SCHEMA evil')
    if (sql !== '') await rowsOf(database.url, sql)
    expect(await lastSeqBy(path)).toBe(expected)
  })

  it('is no view in the schema itself', async () => {
    await asSuperuser(
      database.url,
      'ALTER TABLE audit_domain RENAME TO hidden; CREATE VIEW audit_domain AS SELECT * FROM hidden',
    )
    expect(await lastSeqBy('public')).toBe('schema_shadowed')
  })

  it('is told, with the other audit logs of the database', async () => {
    expect((await schemaStatus(database.url)).place).toEqual({ schema: 'public', elsewhere: [] })
    await rowsOf(database.url, `CREATE SCHEMA evil; ${WHOLE}`)
    expect((await schemaStatus(database.url)).place).toEqual({ schema: 'public', elsewhere: ['evil'] })
  })
})

it('hides no row by a policy: that is an error, whatever is read', async () => {
  const role = `login_${randomBytes(4).toString('hex')}`
  await rowsOf(
    database.url,
    `CREATE ROLE ${role} LOGIN; GRANT audit_reader TO ${role}; ALTER TABLE audit_log_entry ENABLE ROW LEVEL SECURITY;
     CREATE POLICY few ON audit_log_entry FOR SELECT USING (seq <> 2)`,
  )
  const connected = new Database(database.url.replace('postgres@', `${role}@`))
  try {
    await settleSchema(connected)
    const { page, rowsAt } = postgresEntryReader(connected)
    const range = { after: 0, limit: 10 }
    const reads = [
      () => page(DOMAIN, {}, range),
      () => page(DOMAIN, { reason: 'granted' }, range),
      () => rowsAt(DOMAIN, 2),
    ]
    for (const read of reads)
      await expect(read()).rejects.toMatchObject({ code: 'database_permission_denied' })
  } finally {
    await connected.close()
    await rowsOf(database.url, `DROP OWNED BY ${role}; DROP ROLE ${role}`)
  }
})

const NONE = { missing: [], disabled: [], added: [] }

describe('what guards the tables', () => {
  it('is all there in a fresh schema', async () => {
    expect((await schemaStatus(database.url)).guards).toEqual(NONE)
  })

  it('is the same however the server writes names', async () => {
    const name = new URL(database.url.replace('@/', '@h/')).pathname.slice(1)
    await rowsOf(database.url, `ALTER DATABASE "${name}" SET quote_all_identifiers = on`)
    expect((await schemaStatus(database.url)).guards).toEqual(NONE)
  })

  it.each([
    [
      'ALTER TABLE audit_log_entry DROP CONSTRAINT audit_log_entry_pkey',
      ['missing', 'audit_log_entry: constraint audit_log_entry_pkey'],
    ],
    [
      'ALTER TABLE audit_log_entry DROP CONSTRAINT audit_log_entry_reason_range',
      ['missing', 'audit_log_entry: constraint audit_log_entry_reason_range'],
    ],
    [
      'ALTER TABLE audit_log_entry ALTER COLUMN relation DROP NOT NULL',
      ['missing', 'audit_log_entry: NOT NULL relation'],
    ],
    [
      'DROP INDEX audit_tamper_quarantine_once',
      ['missing', 'audit_tamper_quarantine: index audit_tamper_quarantine_once'],
    ],
    [
      'DROP TRIGGER audit_log_entry_no_removal ON audit_log_entry',
      ['missing', 'audit_log_entry: trigger audit_log_entry_no_removal'],
    ],
    [
      'ALTER TABLE audit_log_entry DISABLE TRIGGER audit_log_entry_write_once',
      ['disabled', 'audit_log_entry: trigger audit_log_entry_write_once'],
    ],
    [
      'ALTER TABLE audit_domain ENABLE REPLICA TRIGGER audit_domain_write_once',
      ['disabled', 'audit_domain: trigger audit_domain_write_once'],
    ],
    [
      'CREATE TRIGGER mine BEFORE INSERT ON audit_log_entry FOR EACH ROW EXECUTE FUNCTION audit_refuse_removal()',
      ['added', 'audit_log_entry: trigger mine'],
    ],
    [
      'CREATE RULE mine AS ON INSERT TO audit_tamper_quarantine DO INSTEAD NOTHING',
      ['added', 'audit_tamper_quarantine: rule mine'],
    ],
    ['CREATE POLICY mine ON audit_log_entry USING (true)', ['added', 'audit_log_entry: policy mine']],
    ['CREATE TABLE mine () INHERITS (audit_log_entry)', ['added', 'audit_log_entry: inherited table mine']],
  ])('is told: %s', async (sql, [kind, guard]) => {
    await rowsOf(database.url, sql)
    expect((await schemaStatus(database.url)).guards).toEqual({ ...NONE, [kind as string]: [guard] })
  })
})
