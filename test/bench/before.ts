import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import pg from 'pg'
import { ensureEmbedded, stopEmbedded } from '../../src/repo/embedded/embedded.js'
import { packageBefore } from '../support/package-before.js'
import { writeNdjson } from './input.js'
import { median, type Options, type Ran, RUN, report, run } from './subject.js'

const ROUNDS = 3
const BATCHES = 10

/** A program and a home of its own, with the schema of this program. */
interface Side {
  readonly home: string
  readonly url: string
  audit(args: readonly string[], options?: Options): Promise<Ran>
}

/** Compares this commit with the package before it, each on a database with its own schema. */
export async function benchBefore(rows: number): Promise<void> {
  await withSides(async (now, before) => {
    const input = join(now.home, 'before.ndjson')
    await writeNdjson(input, Math.round(rows / 5))
    const ours: number[] = []
    const base: number[] = []
    for (let round = 0; round < ROUNDS; round += 1) {
      base.push(await append(before, input))
      ours.push(await append(now, input))
    }
    const rateOf = (seconds: readonly number[]) => rows / 5 / median(seconds)
    report(
      `append ${Math.round(rows / 5)} rows to a file`,
      `${Math.round(rateOf(ours))} rows/s`,
      `the package before ${Math.round(rateOf(base))} rows/s`,
      rateOf(ours) / rateOf(base),
      'at least 2',
    )
  })
}

/** Compares the disk space of rows that were appended and archived in batches, after VACUUM. */
export async function benchBytes(rows: number): Promise<void> {
  await withSides(async (now, before) => {
    const input = join(now.home, 'bytes.ndjson')
    await writeNdjson(input, Math.round(rows / BATCHES))
    const base = (await bytesOf(before, input)) / rows
    const ours = (await bytesOf(now, input)) / rows
    const shown = `the package before ${Math.round(base)}`
    report(`bytes of ${rows} archived rows`, `${Math.round(ours)} a row`, shown, ours / base, 'at most 0.6')
  })
}

/** The tables that a row and its archive stamp are in. Before, the stamp was in the row. */
const SIZE = `SELECT sum(pg_total_relation_size(oid))::float8 AS bytes FROM pg_class
  WHERE relkind = 'r' AND relname IN ('audit_log_entry', 'audit_archive_stamp', 'audit_archive_watermark')`

async function bytesOf(side: Side, input: string): Promise<number> {
  const domainId = await create(side)
  for (let batch = 0; batch < BATCHES; batch += 1) {
    await side.audit(['append', '--domain', domainId, '--stdin', '--json'], { input })
    await side.audit(['archiver', '--once', '--log-key', 'none'])
  }
  const client = new pg.Client({ connectionString: side.url })
  await client.connect()
  await client.query('VACUUM')
  const { rows } = await client.query<{ bytes: number }>(SIZE)
  await client.end()
  return rows[0]?.bytes ?? Number.NaN
}

/** Appends to a new chain, with the output in a file, and returns the seconds of the whole process. */
async function append(side: Side, input: string): Promise<number> {
  const domainId = await create(side)
  const output = join(side.home, 'append.out')
  const ran = await side.audit(['append', '--domain', domainId, '--stdin', '--json'], { input, output })
  return ran.seconds
}

async function create(side: Side): Promise<string> {
  const { stdout } = await side.audit(['domain', 'create', '--json'], { keepOutput: true })
  return JSON.parse(stdout).domain_id
}

async function withSides(use: (now: Side, before: Side) => Promise<void>): Promise<void> {
  const homes: string[] = []
  const side = async (bin: string): Promise<Side> => {
    const home = await mkdtemp(join(tmpdir(), 'audit-bench-'))
    homes.push(home)
    const audit: Side['audit'] = (args, options) =>
      run(process.execPath, [bin, ...args, '--home', home], options)
    // The program itself makes the database, so that the schema is its own.
    await audit(['domain', 'create'])
    const { url } = await ensureEmbedded(home)
    return { home, url, audit }
  }
  try {
    await use(await side(RUN), await side(packageBefore().bin))
  } finally {
    for (const home of homes) {
      await stopEmbedded(home)
      await rm(home, { recursive: true, force: true })
    }
  }
}
