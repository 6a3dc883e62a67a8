import { randomUUID } from 'node:crypto'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { migrate } from '../../src/repo/schema/migrate.js'
import { knownMigrations } from '../../src/repo/schema/migrations-files.js'
import { insertDomain } from '../support/chain-rows.js'
import { asSuperuser, rowsOf, type TestCluster, testCluster } from '../support/postgres.js'

/** The migrations before the one that moves the archive stamps. */
const OLD = knownMigrations().slice(0, 14)
const DOMAIN = randomUUID()

// A cluster of its own, where the roles do not exist at first.
let cluster: TestCluster
/** Roles that may create no roles own some of the databases. */
const urlOf = (name: string, owner = 'postgres') =>
  cluster.url.replace('/postgres?', `/${name}?`).replace('//postgres@', `//${owner}@`)

beforeAll(async () => {
  cluster = await testCluster()
  await rowsOf(cluster.url, 'CREATE ROLE plain LOGIN')
})
afterAll(() => cluster?.stop('immediate'))

async function created(name: string, owner = 'postgres'): Promise<string> {
  await rowsOf(cluster.url, `CREATE DATABASE ${name} TEMPLATE template0 OWNER ${owner}`)
  return urlOf(name, owner)
}

/** Returns each privilege on tables, columns and functions, as \dp and \df+ show them. */
const privileges = (url: string) =>
  rowsOf(
    url,
    `SELECT name, grantee::regrole::text AS grantee, privilege_type FROM (
       SELECT relname AS name, (aclexplode(relacl)).* FROM pg_class WHERE relnamespace = 'public'::regnamespace
       UNION ALL SELECT attrelid::regclass || '.' || attname, (aclexplode(attacl)).* FROM pg_attribute
         WHERE attrelid IN (SELECT oid FROM pg_class WHERE relnamespace = 'public'::regnamespace)
       UNION ALL SELECT proname, (aclexplode(proacl)).* FROM pg_proc WHERE pronamespace = 'public'::regnamespace
     ) AS acl ORDER BY 1, 2, 3`,
  )

const ROLES = ['access', 'archiver', 'eraser', 'reader', 'revealer', 'signer', 'writer'].map(
  (role) => `audit_${role}`,
)

// These tests run first, while the cluster has no roles.
describe('roles that are created after the upgrade', () => {
  it('get the privileges of a fresh database', async () => {
    const [fresh, upgraded] = [await created('late_fresh', 'plain'), await created('late', 'plain')]
    await migrate(fresh)
    await migrate(upgraded, OLD)
    await migrate(upgraded)
    await rowsOf(cluster.url, ROLES.map((role) => `CREATE ROLE ${role}`).join(';'))
    for (const url of [fresh, upgraded]) await rowsOf(url, 'SELECT audit_grant_roles()')
    const held = await privileges(upgraded)
    expect(held).toEqual(await privileges(fresh))
    expect(new Set(held.map(({ grantee }) => grantee))).toEqual(new Set([...ROLES, 'plain']))
  })
})

describe('an upgraded database', () => {
  let url: string
  let oldRows: Record<string, unknown>[]

  beforeAll(async () => {
    url = await created('upgraded')
    await migrate(url, OLD)
    await insertDomain(url, DOMAIN, [{}, {}, {}])
    await asSuperuser(
      url,
      "UPDATE audit_log_entry SET archived_at = '2026-02-03T04:05:06.000007Z', archive_etag = '\"e\"' WHERE seq < 3",
    )
    oldRows = await rowsOf(url, 'SELECT * FROM audit_log_entry ORDER BY seq')
    await rowsOf(url, 'GRANT UPDATE, DELETE ON audit_log_entry TO audit_writer')
    expect(await privileges(url)).toContainEqual({
      name: 'audit_log_entry.archived_at',
      grantee: 'audit_archiver',
      privilege_type: 'UPDATE',
    })
    await migrate(url)
  })

  it.each(['after the migration', 'after audit_grant_roles()'])(
    'has the privileges of a fresh one %s',
    async (when) => {
      const fresh = await created(when.includes('roles') ? 'again' : 'fresh')
      await migrate(fresh)
      if (when.includes('roles')) await rowsOf(url, 'SELECT audit_grant_roles()')
      expect(await privileges(url)).toEqual(await privileges(fresh))
    },
  )

  it.each(ROLES)('lets %s update or delete nothing of the log and its stamps', async (role) => {
    for (const table of ['audit_log_entry', 'audit_archive_stamp']) {
      const sql = `SELECT has_any_column_privilege('${role}', '${table}', 'UPDATE')
        OR has_table_privilege('${role}', '${table}', 'DELETE, TRUNCATE') AS may`
      expect(await rowsOf(url, sql)).toEqual([{ may: false }])
    }
  })

  it('shows the old columns in the view', async () => {
    expect(await rowsOf(url, 'SELECT * FROM audit_log_entry_archived ORDER BY seq')).toEqual(oldRows)
    expect(await rowsOf(url, 'SELECT domain_id, seq::int FROM audit_archive_watermark')).toEqual([
      { domain_id: DOMAIN, seq: 2 },
    ])
  })

  it('leaves a stamp that does not count out of the view', async () => {
    await asSuperuser(url, "UPDATE audit_archive_stamp SET archived_at = '-infinity' WHERE seq = 1")
    const sql = 'SELECT archived_at, archive_etag FROM audit_log_entry_archived WHERE seq = 1'
    expect(await rowsOf(url, sql)).toEqual([{ archived_at: null, archive_etag: null }])
  })
})
