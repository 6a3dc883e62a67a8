import { randomBytes } from 'node:crypto'
import pg from 'pg'
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'
import type { GuardStatus } from '../../src/ports/database.js'
import { assertColumnTypes } from '../../src/repo/schema/column-types.js'
import { TABLES } from '../../src/repo/schema/locate-schema.js'
import { migrate, schemaStatus } from '../../src/repo/schema/migrate.js'
import { knownMigrations } from '../../src/repo/schema/migrations-files.js'
import { schemaGuards } from '../../src/repo/schema/schema-guards.js'
import { expectedObjects, schemaObjects } from '../../src/repo/schema/schema-objects.js'
import { pinSchema } from '../../src/repo/schema/schema-status.js'
import { type Client, Database } from '../../src/repo/session/database.js'
import { rowsOf, type TestDatabase, testDatabase } from '../support/postgres.js'

const NONE: GuardStatus = { missing: [], disabled: [], altered: [], exposed: [], settings: [], added: [] }
const TABLE = 'ALTER TABLE audit_log_entry'
/** PostgreSQL changes no type of a column that a view has. */
const NO_VIEW = 'DROP VIEW audit_log_entry_archived'
let database: TestDatabase

beforeAll(async () => {
  database = await testDatabase()
})
afterAll(() => database.drop())

/** Runs `look` after some SQL, on the same connection, and rolls back. */
async function withChange<T>(sql: string, look: (client: Client) => Promise<T>): Promise<T> {
  const client = new pg.Client(database.url)
  await client.connect()
  try {
    await client.query('BEGIN')
    await client.query(sql)
    return await look(client)
  } finally {
    await client.query('ROLLBACK')
    await client.end()
  }
}

afterEach(() => rowsOf(database.url, `ALTER DATABASE "${nameOf(database.url)}" RESET ALL`))

const nameOf = (url: string) => new URL(url.replace('@/', '@h/')).pathname.slice(1)
const guards = async (url = database.url) => (await schemaStatus(url)).guards

describe('the expected objects', () => {
  it('are those that the migrations create', async () => {
    const connected = new Database(database.url, 1)
    const objects = await connected.withTransaction('BEGIN', schemaObjects).finally(() => connected.close())
    const written = Object.fromEntries(objects.map(({ name, definition }) => [name, definition]))
    expect(expectedObjects().objects).toEqual(written)
  })
})

describe('a healthy schema', () => {
  it('lacks no guard', async () => {
    expect(await guards()).toEqual(NONE)
  })

  it.each([
    'quote_all_identifiers = on',
    "DateStyle = 'German'",
    "search_path = 'public', 'pg_catalog'",
    'bytea_output = escape',
    'standard_conforming_strings = off',
    "client_encoding = 'LATIN1'",
    'session_replication_role = origin',
  ])('lacks no guard with %s', async (setting) => {
    await rowsOf(database.url, `ALTER DATABASE "${nameOf(database.url)}" SET ${setting}`)
    expect(await guards()).toEqual(NONE)
  })

  it.each(knownMigrations().map(({ version }) => version))(
    'lacks no guard when it was upgraded from schema %i',
    async (version) => {
      const own = await testDatabase({ migrated: false })
      await migrate(own.url, knownMigrations().slice(0, version))
      await migrate(own.url)
      expect(await guards(own.url)).toEqual(NONE)
      await own.drop()
    },
  )

  it('lacks no guard when its owner is no superuser', async () => {
    const own = await testDatabase({ migrated: false })
    const owner = `owner_${randomBytes(4).toString('hex')}`
    await rowsOf(own.url, `CREATE ROLE ${owner} LOGIN CREATEROLE; CREATE SCHEMA AUTHORIZATION ${owner}`)
    const url = own.url.replace('postgres@', `${owner}@`)
    await migrate(url)
    expect(await guards(url)).toEqual(NONE)
    await own.drop()
    await rowsOf(database.url, `DROP ROLE ${owner}`)
  })

  it('lacks no guard in another schema than public', async () => {
    const own = await testDatabase({ migrated: false })
    await rowsOf(own.url, 'CREATE SCHEMA log')
    const url = `${own.url}&options=${encodeURIComponent('-c search_path=log')}`
    await migrate(url)
    expect(await guards(url)).toEqual(NONE)
    await own.drop()
  })

  it('lacks no guard in a database whose default collation is not C', async () => {
    const name = `icu_${randomBytes(4).toString('hex')}`
    const admin = database.url.replace(nameOf(database.url), 'postgres')
    const { version } =
      (await rowsOf(admin, `SELECT current_setting('server_version_num')::int AS version`))[0] ?? {}
    if (Number(version) < 150_000) return
    await rowsOf(
      admin,
      `CREATE DATABASE ${name} TEMPLATE template0 LOCALE_PROVIDER icu ICU_LOCALE 'und' LOCALE 'C'`,
    )
    const url = database.url.replace(nameOf(database.url), name)
    await migrate(url)
    expect(await guards(url)).toEqual(NONE)
    await rowsOf(url, `${NO_VIEW}; ${TABLE} ALTER relation TYPE text COLLATE "default"`)
    expect((await guards(url))?.altered).toContain(
      'audit_log_entry: column relation: expected text COLLATE "C", got text',
    )
    await rowsOf(admin, `DROP DATABASE ${name} WITH (FORCE)`)
  })
})

const ATTACKS: readonly (readonly [string, keyof GuardStatus, readonly string[]])[] = [
  [
    `${TABLE} DROP CONSTRAINT audit_log_entry_pkey`,
    'missing',
    ['audit_log_entry: constraint audit_log_entry_pkey'],
  ],
  [
    `${TABLE} DROP CONSTRAINT audit_log_entry_reason_range`,
    'missing',
    ['audit_log_entry: constraint audit_log_entry_reason_range'],
  ],
  [`${TABLE} ALTER relation DROP NOT NULL`, 'missing', ['audit_log_entry: NOT NULL relation']],
  [
    'DROP INDEX audit_tamper_quarantine_once',
    'missing',
    ['audit_tamper_quarantine: index audit_tamper_quarantine_once'],
  ],
  [
    'DROP INDEX audit_log_entry_by_relation',
    'missing',
    ['audit_log_entry: index audit_log_entry_by_relation'],
  ],
  [
    'DROP TRIGGER audit_log_entry_no_removal ON audit_log_entry',
    'missing',
    ['audit_log_entry: trigger audit_log_entry_no_removal'],
  ],
  [
    'ALTER FUNCTION audit_grant_part_access() RENAME TO gone',
    'missing',
    ['function audit_grant_part_access()'],
  ],

  [
    `${TABLE} DISABLE TRIGGER audit_log_entry_write_once`,
    'disabled',
    ['audit_log_entry: trigger audit_log_entry_write_once'],
  ],
  [
    'ALTER TABLE audit_domain ENABLE REPLICA TRIGGER audit_domain_write_once',
    'disabled',
    ['audit_domain: trigger audit_domain_write_once'],
  ],
  [
    `${TABLE} DROP CONSTRAINT audit_log_entry_reason_range;
     ${TABLE} ADD CONSTRAINT audit_log_entry_reason_range CHECK (reason >= 1 AND reason <= 4) NOT VALID`,
    'disabled',
    ['audit_log_entry: constraint audit_log_entry_reason_range'],
  ],
  [
    `UPDATE pg_index SET indisvalid = false WHERE indexrelid = 'audit_log_entry_by_relation'::regclass`,
    'disabled',
    ['audit_log_entry: index audit_log_entry_by_relation'],
  ],
  [
    `UPDATE pg_index SET indisready = false WHERE indexrelid = 'audit_log_entry_pkey'::regclass`,
    'disabled',
    ['audit_log_entry: constraint audit_log_entry_pkey'],
  ],

  [
    'ALTER TABLE audit_log_entry SET UNLOGGED',
    'altered',
    ['audit_log_entry: storage: expected table, got UNLOGGED table'],
  ],
  [
    'ALTER TABLE audit_tamper_quarantine ALTER code TYPE varchar(2000) COLLATE "C"',
    'altered',
    [
      'audit_tamper_quarantine: column code: expected text COLLATE "C", got character varying(2000) COLLATE "C"',
    ],
  ],
  [
    'ALTER TABLE audit_archive_stamp ALTER archived_at SET DEFAULT now()',
    'altered',
    [
      'audit_archive_stamp: column archived_at: expected timestamp with time zone, got timestamp with time zone DEFAULT now()',
    ],
  ],
  [
    `CREATE OR REPLACE FUNCTION audit_log_chain_head_guard() RETURNS trigger LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp
     AS $$ BEGIN RETURN NEW; END $$`,
    'altered',
    ['function audit_log_chain_head_guard()'],
  ],
  [
    'CREATE OR REPLACE FUNCTION audit_array_plain(items text[], max_items integer) RETURNS boolean LANGUAGE sql IMMUTABLE PARALLEL SAFE RETURN true',
    'altered',
    ['function audit_array_plain(text[],integer)'],
  ],
  [
    'ALTER FUNCTION audit_log_chain_head_guard() SECURITY DEFINER',
    'altered',
    ['function audit_log_chain_head_guard()'],
  ],
  [
    'ALTER FUNCTION audit_log_chain_head_guard() SET search_path = evil',
    'altered',
    ['function audit_log_chain_head_guard()'],
  ],
  [
    `CREATE OR REPLACE TRIGGER audit_log_entry_write_once BEFORE UPDATE ON audit_log_entry
     FOR EACH STATEMENT WHEN (false) EXECUTE FUNCTION audit_refuse_removal('To correct an entry, append another.')`,
    'altered',
    ['audit_log_entry: trigger audit_log_entry_write_once'],
  ],
  [
    `${TABLE} DROP CONSTRAINT audit_log_entry_reason_range;
     ${TABLE} ADD CONSTRAINT audit_log_entry_reason_range CHECK (reason BETWEEN 0 AND 4)`,
    'altered',
    ['audit_log_entry: constraint audit_log_entry_reason_range'],
  ],
  [
    `DROP INDEX audit_log_entry_by_relation;
     CREATE INDEX audit_log_entry_by_relation ON audit_log_entry (domain_id, relation, seq) WHERE relation <> 'x'`,
    'altered',
    ['audit_log_entry: index audit_log_entry_by_relation'],
  ],
  [
    'CREATE OR REPLACE VIEW audit_held_subject AS SELECT id, domain_id, subject_pseudonym FROM audit_legal_hold',
    'altered',
    ['audit_held_subject: view'],
  ],

  ['GRANT UPDATE ON audit_log_entry TO PUBLIC', 'exposed', ['audit_log_entry: UPDATE for PUBLIC']],
  [
    'GRANT SELECT (metadata) ON audit_entry_context TO PUBLIC',
    'exposed',
    ['audit_entry_context: SELECT of column metadata for PUBLIC'],
  ],
  [
    'GRANT EXECUTE ON FUNCTION audit_grant_roles() TO PUBLIC',
    'exposed',
    ['function audit_grant_roles(): EXECUTE for PUBLIC'],
  ],

  [
    'CREATE TRIGGER mine BEFORE INSERT ON audit_log_entry FOR EACH ROW EXECUTE FUNCTION audit_refuse_removal()',
    'added',
    ['audit_log_entry: trigger mine'],
  ],
  [
    'CREATE RULE mine AS ON INSERT TO audit_tamper_quarantine DO INSTEAD NOTHING',
    'added',
    ['audit_tamper_quarantine: rule mine'],
  ],
  [
    'CREATE INDEX mine ON audit_log_entry (domain_id, relation, seq)',
    'added',
    ['audit_log_entry: index mine'],
  ],
  [
    `CREATE INDEX mine ON audit_log_entry (domain_id, seq) WHERE relation = 'a.b'`,
    'added',
    ['audit_log_entry: index mine'],
  ],
  [`${TABLE} ADD CONSTRAINT mine UNIQUE (entry_hash)`, 'added', ['audit_log_entry: constraint mine']],
  ['CREATE POLICY mine ON audit_log_entry USING (true)', 'added', ['audit_log_entry: policy mine']],
  [`${TABLE} ENABLE ROW LEVEL SECURITY`, 'added', ['audit_log_entry: row level security']],
  ['CREATE TABLE mine () INHERITS (audit_log_entry)', 'added', ['audit_log_entry: inherited table mine']],
]

describe('schemaStatus', () => {
  it.each(ATTACKS)('names the effect of: %s', async (sql, kind, names) => {
    const found = await withChange(sql, (client) => schemaGuards(client))
    expect(found).toEqual({ ...NONE, [kind]: names })
  })

  it('names an object and what went with it', async () => {
    const drop = 'DROP TABLE audit_legal_hold CASCADE'
    const { missing } = await withChange(drop, (client) => schemaGuards(client))
    expect(missing).toContain('audit_legal_hold: storage')
    expect(missing).toContain('audit_held_subject: view')
  })

  it('names a setting of the database that switches triggers off, and its effect on this session', async () => {
    const name = nameOf(database.url)
    await rowsOf(database.url, `ALTER DATABASE "${name}" SET session_replication_role = replica`)
    expect(await guards()).toEqual({
      ...NONE,
      settings: [
        `database ${name}: session_replication_role replica`,
        'this session (database): session_replication_role replica',
      ],
    })
  })

  it('names the setting of another role, and that of a role in this database', async () => {
    const [role, name] = [`other_${randomBytes(4).toString('hex')}`, nameOf(database.url)]
    await rowsOf(
      database.url,
      `CREATE ROLE ${role}; ALTER ROLE ${role} SET session_replication_role = replica;
       ALTER ROLE ${role} IN DATABASE "${name}" SET session_replication_role = 'local'`,
    )
    const { settings } = (await guards()) ?? NONE
    await rowsOf(database.url, `DROP ROLE ${role}`)
    expect(settings).toEqual([
      `role ${role}: session_replication_role replica`,
      `role ${role} in database ${name}: session_replication_role local`,
    ])
  })

  it('names the setting of this session', async () => {
    const url = `${database.url}&options=${encodeURIComponent('-c session_replication_role=replica')}`
    expect((await guards(url))?.settings).toEqual(['this session (client): session_replication_role replica'])
  })
})

const TYPES: readonly (readonly [string, string])[] = [
  [
    `${NO_VIEW}; ${TABLE} ALTER correlation_id TYPE varchar(256)`,
    'column correlation_id of audit_log_entry: expected type text, got character varying(256)',
  ],
  [
    `${NO_VIEW}; ${TABLE} ALTER seq TYPE numeric`,
    'column seq of audit_log_entry: expected type bigint, got numeric',
  ],
  [
    // PostgreSQL refuses to change the type of a column that the condition of a trigger reads.
    `${NO_VIEW}; DROP TRIGGER audit_log_entry_not_ahead ON audit_log_entry; ${TABLE} ALTER recorded_at TYPE timestamptz(3)`,
    'column recorded_at of audit_log_entry: expected type timestamp with time zone, got timestamp(3) with time zone',
  ],
  [
    'CREATE DOMAIN word AS text; ALTER TABLE audit_domain ALTER name TYPE word',
    'column name of audit_domain: expected type text, got word',
  ],
  [
    'ALTER TABLE audit_log_chain_head ALTER next_seq TYPE integer',
    'column next_seq of audit_log_chain_head: expected type bigint, got integer',
  ],
  [
    'ALTER TABLE audit_restore DROP mirror_url',
    'column mirror_url of audit_restore: expected type text, got no such column',
  ],
  [
    'ALTER TABLE audit_tamper_quarantine ALTER detail TYPE char(20)',
    'column detail of audit_tamper_quarantine: expected type text, got character(20)',
  ],
  [
    `${NO_VIEW}; ALTER TABLE audit_archive_stamp ALTER archived_at TYPE text`,
    'column archived_at of audit_archive_stamp: expected type timestamp with time zone, got text',
  ],
  [
    `${NO_VIEW}; ALTER TABLE audit_archive_stamp ALTER seq TYPE integer`,
    'column seq of audit_archive_stamp: expected type bigint, got integer',
  ],
  [
    'ALTER TABLE audit_archive_watermark ALTER seq TYPE numeric',
    'column seq of audit_archive_watermark: expected type bigint, got numeric',
  ],
]

describe('assertColumnTypes', () => {
  it('accepts the columns of the migrations', async () => {
    await withChange('SELECT', (client) => assertColumnTypes(client, TABLES))
  })

  it.each(TYPES)('rejects: %s', async (sql, message) => {
    const checked = withChange(sql, (client) => assertColumnTypes(client, TABLES))
    await expect(checked).rejects.toMatchObject({ code: 'schema_altered', message })
  })
})

it('pinSchema rejects a column of another type', async () => {
  const own = await testDatabase()
  await rowsOf(own.url, `${NO_VIEW}; ${TABLE} ALTER object TYPE varchar(600)`)
  const connected = new Database(own.url, 1)
  await expect(pinSchema(connected)).rejects.toMatchObject({ code: 'schema_altered' })
  await connected.close()
  await own.drop()
})
