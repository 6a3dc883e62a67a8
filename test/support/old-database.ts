import { randomUUID } from 'node:crypto'
import { mkdir, mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import type { ChainedEntry } from '../../src/chain/entry.js'
import { CliDatabase } from './append-process.js'
import { insertDomain } from './chain-rows.js'
import { type CliOptions, type CliResult, jsonLines, runCli, runProcess, spawnCli } from './cli.js'
import { packageBefore } from './package-before.js'
import { rowsOf, type TestDatabase, testDatabase } from './postgres.js'

/** The sources of a verify that this database has. */
export const SOURCES = ['postgres', 'mirror', 'both'] as const

/** What a verify prints and how it ends, without its times. */
export interface Verified {
  readonly code: number | null
  readonly chains: readonly Record<string, unknown>[]
  readonly errors: readonly { readonly error: { readonly code: string; readonly message: string } }[]
}

/** A database with the schema of the package before, and a mirror. Both programs run on it. */
export class OldDatabase {
  readonly cli: CliDatabase

  private constructor(
    readonly database: TestDatabase,
    readonly dir: string,
  ) {
    this.cli = new CliDatabase(database.url)
  }

  /** Makes the schema, the platform chain and the mirror. */
  static async make(database?: TestDatabase): Promise<OldDatabase> {
    const dir = await mkdtemp(join(tmpdir(), 'old-'))
    await mkdir(join(dir, 'mirror'))
    const old = new OldDatabase(database ?? (await testDatabase({ migrated: false })), dir)
    await old.done(old.before(['db', 'migrate']))
    await old.done(old.before(['domain', 'create']))
    await old.done(old.before(['archiver', '--once', '--init-mirror']))
    return old
  }

  get url(): string {
    return this.database.url
  }

  get env(): Readonly<Record<string, string>> {
    return { ...this.cli.env, AUDIT_MIRROR_URL: pathToFileURL(join(this.dir, 'mirror')).href }
  }

  /** Runs the package before. */
  before(args: readonly string[], options: CliOptions = {}): Promise<CliResult> {
    const env = { ...this.env, ...options.env }
    return runProcess([...args, '--json'], { ...options, env, bin: packageBefore().bin })
  }

  /** Starts the package before and does not wait. */
  spawnBefore(args: readonly string[], env: Readonly<Record<string, string>> = {}) {
    return spawnCli(args, { env: { ...this.env, ...env }, bin: packageBefore().bin })
  }

  /** Runs the package of this tree. */
  now(args: readonly string[]): Promise<CliResult> {
    return runCli([...args, '--json'], { env: this.env })
  }

  /** Returns the JSON lines of a run that must end with 0. */
  async done(run: Promise<CliResult>): Promise<unknown[]> {
    const { code, stdout, stderr } = await run
    if (code !== 0) throw new Error(`ended with ${code}: ${stderr}${stdout}`)
    return jsonLines(stdout)
  }

  /** Creates a registered Domain with this many rows. */
  domain(rows: number): Promise<ChainedEntry[]> {
    return insertDomain(this.url, randomUUID(), Array(rows).fill({}))
  }

  async version(): Promise<unknown> {
    return (await rowsOf(this.url, 'SELECT max(version) AS version FROM audit_schema_migration'))[0]?.version
  }

  async heads() {
    return rowsOf(this.url, 'SELECT * FROM audit_log_chain_head ORDER BY domain_id')
  }

  async drop(): Promise<void> {
    this.cli.remove()
    await this.database.drop()
    await rm(this.dir, { recursive: true, force: true })
  }
}

/** Verifies all chains from a source with one of the programs. */
export async function verifyAll(
  run: (args: readonly string[]) => Promise<CliResult>,
  source: string,
): Promise<Verified> {
  const { code, stdout, stderr } = await run(['verify', '--all', '--source', source, '--no-quarantine'])
  const lines = jsonLines(stdout) as Record<string, unknown>[]
  return {
    code,
    chains: lines.map(({ stats, ...line }) => line),
    errors: jsonLines(stderr) as Verified['errors'],
  }
}
