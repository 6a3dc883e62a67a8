import { createHash, randomBytes } from 'node:crypto'
import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { mkdir, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { basename, join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import pg from 'pg'
import { ROOT } from './cli.js'
import { makeCluster, urlIn } from './test-cluster.js'

export { type TestCluster, testCluster } from './test-cluster.js'

/** A database for one test. Both URLs are the superuser's. `drop` ends the remaining connections. */
export interface TestDatabase {
  readonly url: string
  readonly superuserUrl: string
  drop(): Promise<void>
}

/** Seconds that a worker waits for another worker to start the cluster of the run. */
const START_TIMEOUT = 100

/**
 * Makes a database in the cluster of this run: with the schema, cloned from a template, or empty with
 * `migrated: false`. All workers of one vitest run share one cluster per PostgreSQL major. A cluster ends with vitest, even
 * when vitest is killed. AUDIT_TEST_POSTGRES names a package directory with `native/bin` of another major.
 */
export async function testDatabase(options: { migrated?: boolean } = {}): Promise<TestDatabase> {
  const dir = await sharedCluster()
  const admin = urlIn(dir, 'postgres')
  const template = options.migrated === false ? 'template0' : await migratedTemplate(dir)
  const name = `test_${process.pid}_${randomBytes(4).toString('hex')}`
  await cloneDatabase(admin, name, template)
  const url = urlIn(dir, name)
  return { url, superuserUrl: url, drop: () => query(admin, `DROP DATABASE IF EXISTS ${name} WITH (FORCE)`) }
}

/** Clones a database by copying its files, which costs less than the default strategy, which writes WAL. */
export async function cloneDatabase(admin: string, name: string, template: string): Promise<void> {
  await withClient(admin, async (client) => {
    const { rows } = await client.query<{ server_version_num: string }>('SHOW server_version_num')
    const strategy = Number(rows[0]?.server_version_num) >= 150_000 ? 'STRATEGY file_copy' : ''
    await client.query(`CREATE DATABASE ${name} TEMPLATE ${template} ${strategy}`)
  })
}

/** Runs SQL, or a function, on a connection without triggers and foreign keys, as a hostile administrator can. */
export async function asSuperuser<T = void>(
  url: string,
  attack: string | ((client: pg.Client) => Promise<T>),
): Promise<T | undefined> {
  return withClient(url, async (client) => {
    await client.query('SET session_replication_role = replica')
    if (typeof attack === 'function') return attack(client)
    await client.query(attack)
    return undefined
  })
}

/** Returns the rows of one statement, run on a connection of its own. */
export async function rowsOf(
  url: string,
  sql: string,
  values: unknown[] = [],
): Promise<Record<string, unknown>[]> {
  return withClient(url, async (client) => (await client.query<Record<string, unknown>>(sql, values)).rows)
}

async function query(url: string, sql: string): Promise<void> {
  await withClient(url, (client) => client.query(sql))
}

async function withClient<T>(url: string, use: (client: pg.Client) => Promise<T>): Promise<T> {
  const client = new pg.Client({ connectionString: url })
  client.on('error', () => undefined)
  await client.connect()
  try {
    return await use(client)
  } finally {
    await client.end()
  }
}

/** Returns the directory of the run's cluster. The worker that makes the directory makes the cluster; the others wait. */
async function sharedCluster(): Promise<string> {
  const owner = process.env.VITEST === undefined ? process.pid : process.ppid
  const major = basename(process.env.AUDIT_TEST_POSTGRES ?? '').replace(/\D/g, '')
  const dir = join(tmpdir(), `apg${major}-${owner}-${startOf(owner)}`)
  if (await makeDirectory(dir)) await bringUp(dir, owner)
  await becomesReady(dir)
  return dir
}

/** Returns whether this call made the directory; false when it exists. */
async function makeDirectory(dir: string): Promise<boolean> {
  try {
    await mkdir(dir, { mode: 0o700 })
    return true
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'EEXIST') return false
    throw error
  }
}

async function bringUp(dir: string, owner: number): Promise<void> {
  const verdict = await makeCluster(dir, owner).then(() => 'ready', String)
  await writeFile(join(dir, verdict === 'ready' ? 'ready' : 'failed'), verdict)
}

async function becomesReady(dir: string): Promise<void> {
  for (let tries = 0; tries < START_TIMEOUT * 20; tries++) {
    if (existsSync(join(dir, 'ready'))) return
    if (existsSync(join(dir, 'failed'))) throw new Error(readFileSync(join(dir, 'failed'), 'utf8'))
    await sleep(50)
  }
  throw new Error(`the test cluster in ${dir} did not come up`)
}

/** Returns the start time of a process, which differs from that of an earlier process with the same id; '' without /proc. */
function startOf(pid: number): string {
  const stat = `/proc/${pid}/stat`
  if (!existsSync(stat)) return ''
  return readFileSync(stat, 'utf8').split(') ').at(-1)?.split(' ')[19] ?? ''
}

/** Returns the template with the schema. It is built under another name and then renamed, so an existing one is complete. */
async function migratedTemplate(dir: string): Promise<string> {
  const template = `template_${migrationsHash()}`
  await withClient(urlIn(dir, 'postgres'), async (client) => {
    await client.query('SELECT pg_advisory_lock(1)')
    const { rowCount } = await client.query('SELECT FROM pg_database WHERE datname = $1', [template])
    if (rowCount === 1) return
    await client.query('DROP DATABASE IF EXISTS building WITH (FORCE)')
    await client.query('CREATE DATABASE building TEMPLATE template0')
    const { migrate } = await import('../../src/repo/schema/migrate.js')
    await migrate(urlIn(dir, 'building'))
    await client.query(`ALTER DATABASE building RENAME TO ${template}`)
  })
  return template
}

function migrationsHash(): string {
  const dir = join(ROOT, 'migrations')
  const hash = createHash('sha256')
  for (const name of readdirSync(dir).sort()) hash.update(name).update(readFileSync(join(dir, name)))
  return hash.digest('hex').slice(0, 16)
}
