import pg from 'pg'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { AuditError } from '../../src/base/errors.js'
import { migrate, migrateDown, schemaStatus } from '../../src/repo/schema/migrate.js'
import { knownMigrations, type Migration } from '../../src/repo/schema/migrations-files.js'
import { assertSchema } from '../../src/repo/schema/schema-status.js'
import { rowsOf, type TestCluster, testCluster } from '../support/postgres.js'

const KNOWN = knownMigrations()
const LATEST = KNOWN.length
const NEXT: Migration = { version: LATEST + 1, name: 'next', sql: 'SELECT 1', sha256: '00'.repeat(32) }
const ROLES = [
  'audit_access',
  'audit_archiver',
  'audit_eraser',
  'audit_reader',
  'audit_revealer',
  'audit_signer',
  'audit_writer',
]

// These tests use their own cluster: roles belong to a cluster, and the tests need one without our roles.
let cluster: TestCluster
let databases = 0

beforeAll(async () => {
  cluster = await testCluster()
})

afterAll(() => cluster?.stop('immediate'))

/** Returns the URL of an empty database. */
async function fresh(options = ''): Promise<string> {
  databases += 1
  const name = `d${databases}`
  await rowsOf(cluster.url, `CREATE DATABASE ${name} TEMPLATE template0 ${options}`)
  return cluster.url.replace('/postgres?', `/${name}?`)
}

async function migrated(): Promise<string> {
  const url = await fresh()
  await migrate(url)
  return url
}

const codeOf = (error: unknown) => (error instanceof AuditError ? error.code : error)
const rejection = (promise: Promise<unknown>) => promise.then(() => 'resolved', codeOf)

async function asserted(url: string, known?: Migration[]): Promise<unknown> {
  const client = new pg.Client({ connectionString: url })
  await client.connect()
  try {
    return await rejection(assertSchema(client, known))
  } finally {
    await client.end()
  }
}

const roles = async () =>
  (await rowsOf(cluster.url, "SELECT rolname FROM pg_roles WHERE rolname LIKE 'audit\\_%' ORDER BY 1")).map(
    ({ rolname }) => rolname,
  )

// This test runs first, while the cluster has no roles.
describe('migrate without CREATEROLE', () => {
  it('creates the schema, notes what is missing, and the grants can be added later', async () => {
    await rowsOf(cluster.url, 'CREATE ROLE plain LOGIN')
    const admin = await fresh('OWNER plain')
    const url = admin.replace('//postgres@', '//plain@')
    const { applied, notes } = await migrate(url)
    expect(applied).toEqual(KNOWN.map(({ version }) => version))
    expect(notes).toHaveLength(ROLES.length)
    expect(notes[0]).toBe(
      'role audit_writer was not created: plain has no CREATEROLE. ' +
        'Have an administrator create it, then run: SELECT audit_grant_roles()',
    )
    expect(await roles()).toEqual([])

    await rowsOf(cluster.url, ROLES.map((role) => `CREATE ROLE ${role}`).join(';'))
    await rowsOf(url, 'SELECT audit_grant_roles()')
    const granted = (role: string, table: string) =>
      rowsOf(url, `SELECT has_table_privilege('${role}', '${table}', 'SELECT') AS granted`)
    expect(await granted('audit_reader', 'audit_log_entry')).toEqual([{ granted: true }])
    expect(await granted('audit_reader', 'audit_restore')).toEqual([{ granted: true }])
    expect(await granted('audit_writer', 'audit_idempotency_key')).toEqual([{ granted: true }])
    expect(await granted('audit_reader', 'audit_legal_hold')).toEqual([{ granted: true }])
    await rowsOf(admin, ROLES.map((role) => `DROP OWNED BY ${role}; DROP ROLE ${role}`).join(';'))
  })
})

describe('concurrent runs of migrate', () => {
  it('all succeed: 20 on one and 20 on four other databases of a cluster without roles', async () => {
    expect(await roles()).toEqual([])
    const urls = await Promise.all(Array.from({ length: 5 }, () => fresh()))
    const targets = urls.flatMap((url, i) => Array<string>(i === 0 ? 20 : 5).fill(url))
    const results = await Promise.all(targets.map((url) => migrate(url).then((r) => [url, r] as const)))
    for (const url of urls) {
      const ofThis = results.filter(([target]) => target === url).map(([, result]) => result)
      // One run may apply some of the migrations, and another run the rest.
      expect(ofThis.flatMap(({ applied }) => applied).sort((a, b) => a - b)).toEqual(
        KNOWN.map(({ version }) => version),
      )
      expect(new Set(ofThis.map(({ version }) => version))).toEqual(new Set([LATEST]))
      expect(ofThis.flatMap(({ notes }) => notes)).toEqual([])
    }
    expect(await roles()).toEqual(ROLES)
  })
})

describe('migrate', () => {
  it('changes nothing when it runs again', async () => {
    const url = await migrated()
    expect(await migrate(url)).toEqual({ applied: [], version: LATEST, notes: [] })
  })

  it('applies new migrations, and leaves nothing of a migration that fails', async () => {
    const url = await migrated()
    expect(await rejection(migrate(url, [...KNOWN, { ...NEXT, sql: 'CREATE TABLE t (); SELECT 1/0' }]))).toBe(
      'database_failed',
    )
    expect(await rowsOf(url, "SELECT to_regclass('t') AS t")).toEqual([{ t: null }])
    expect(await migrate(url, [...KNOWN, NEXT])).toMatchObject({ applied: [NEXT.version] })
  })

  it('names the acknowledged records that open again, each kind in one note', async () => {
    const url = await fresh()
    await migrate(url, KNOWN.slice(0, 9))
    const records = [
      ['entry_hash_mismatch', 3, 3, true],
      ['entry_hash_mismatch', 5, 6, true],
      ['malformed_row', 7, 7, true],
      ['malformed_row', 8, 8, false],
      ['broken_link', 9, 9, true],
      ['seq_gap', 10, 10, true],
    ] as const
    for (const [code, from, to, isAcknowledged] of records) {
      await rowsOf(
        url,
        `INSERT INTO audit_tamper_quarantine
           (domain_id, divergent_seq, code, seq_from, seq_to, source, acknowledged_at, acknowledge_reason)
         VALUES ('018f0000-0000-7000-8000-000000000001', $1::int, $2, $1::int, $3, 'postgres',
           CASE WHEN $4 THEN now() END, CASE WHEN $4 THEN 'seen' END)`,
        [from, code, to, isAcknowledged],
      )
    }
    const { notes } = await migrate(url)
    expect(notes).toEqual([
      expect.stringMatching(
        /^acknowledged findings over several rows open again once.* records 2\. .*acknowledge ID/,
      ),
      expect.stringMatching(
        /^acknowledged findings about one row .* once: quarantine records 3, 5\. .*acknowledge it again$/,
      ),
    ])
    expect(await migrate(url)).toMatchObject({ notes: [] })
  })

  it('does not wait for an advisory lock, which any role can take', async () => {
    const url = await fresh()
    const client = new pg.Client({ connectionString: url })
    await client.connect()
    await client.query(`SELECT pg_advisory_lock(${0x61756474})`)
    expect(await migrate(url, KNOWN, { lockTimeout: 1_000 })).toMatchObject({ version: LATEST })
    await client.end()
  })

  it('finds nothing to do as a role that may only read', async () => {
    const url = await migrated()
    expect(await migrate(`${url}&options=-c%20role%3Daudit_reader`)).toMatchObject({ applied: [] })
  })

  it('works if transactions are stricter or read-only by default', async () => {
    const url = await fresh()
    const name = `d${databases}`
    await rowsOf(url, `ALTER DATABASE ${name} SET default_transaction_isolation = 'serializable'`)
    await rowsOf(url, `ALTER DATABASE ${name} SET default_transaction_read_only = on`)
    const results = await Promise.all([migrate(url), migrate(url), migrate(url)])
    expect(results.map(({ version }) => version)).toEqual([LATEST, LATEST, LATEST])
  })

  it('rejects any encoding other than UTF8, and leaves nothing', async () => {
    const url = await fresh("ENCODING 'LATIN1' LOCALE 'C'")
    await expect(migrate(url)).rejects.toThrow(/needs a database with encoding UTF8, this one has LATIN1/)
    expect(await asserted(url)).toBe('schema_missing')
  })
})

describe('audit_grant_roles', () => {
  it('runs no function that somebody else added to the schema', async () => {
    const url = await migrated()
    await rowsOf(url, 'CREATE ROLE intruder; GRANT CREATE ON SCHEMA public TO intruder')
    const part =
      'CREATE FUNCTION audit_grant_part_a() RETURNS void LANGUAGE sql AS $$CREATE TABLE slipped ()$$'
    await rowsOf(url, `SET ROLE intruder; ${part}; RESET ROLE; SELECT audit_grant_roles()`)
    expect(await rowsOf(url, "SELECT to_regclass('slipped') AS t")).toEqual([{ t: null }])
    await rowsOf(url, 'ALTER FUNCTION audit_grant_part_a() OWNER TO CURRENT_USER; SELECT audit_grant_roles()')
    expect(await rowsOf(url, "SELECT to_regclass('slipped')::text AS t")).toEqual([{ t: 'slipped' }])
  })
})

describe('a schema that differs from the schema of this program', () => {
  it('is reported as missing in an empty database', async () => {
    const url = await fresh()
    expect(await asserted(url)).toBe('schema_missing')
    expect(await schemaStatus(url)).toMatchObject({ version: 0, latest: LATEST, applied: [] })
  })

  it('is reported as missing if the table of migrations is empty', async () => {
    const url = await migrated()
    await rowsOf(url, 'DELETE FROM audit_schema_migration')
    expect(await asserted(url)).toBe('schema_missing')
  })

  it('is reported as outdated if a migration is pending', async () => {
    expect(await asserted(await migrated(), [...KNOWN, NEXT])).toBe('schema_outdated')
  })

  it.each([
    ['schema_newer', `INSERT INTO audit_schema_migration VALUES (${NEXT.version}, 'next', sha256(''))`],
    ['schema_changed', "UPDATE audit_schema_migration SET sha256 = sha256('') WHERE version = 1"],
  ])('is reported as %s by every call, and stays unchanged', async (code, change) => {
    const url = await migrated()
    expect(await asserted(url)).toBe('resolved')
    await rowsOf(url, change)
    const before = await rowsOf(url, 'SELECT * FROM audit_schema_migration')
    expect(await asserted(url)).toBe(code)
    expect(await rejection(migrate(url))).toBe(code)
    expect(await rejection(schemaStatus(url))).toBe(code)
    expect(await rowsOf(url, 'SELECT * FROM audit_schema_migration')).toEqual(before)
  })
})

describe('schemaStatus', () => {
  it('lists the applied migrations with their times', async () => {
    const status = await schemaStatus(await migrated())
    expect(status).toMatchObject({ version: LATEST, latest: LATEST, pending: [] })
    expect(status.applied[0]).toEqual({
      version: 1,
      name: '0001_audit_log',
      appliedAt: expect.stringMatching(/^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}\.\d{6}Z$/),
    })
  })
})

describe('migrateDown', () => {
  it('is rejected with 0A000', async () => {
    const url = await migrated()
    await expect(migrateDown(url)).rejects.toMatchObject({
      code: 'down_migration_refused',
      message: expect.stringContaining('write-once'),
      cause: { code: '0A000' },
    })
    expect(await asserted(url)).toBe('resolved')
  })

  it('is rejected on an empty database too', async () => {
    expect(await rejection(migrateDown(await fresh()))).toBe('down_migration_refused')
  })
})
