import { appendFile, mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { ensureEmbedded, stopEmbedded } from '../../src/repo/embedded/embedded.js'
import { writeNdjson } from './input.js'
import { benchBucket, benchVerifyS3 } from './s3.js'
import { audit, baseline, median, report } from './subject.js'

const CONCURRENCY = '16'
const ROUNDS = 3

/**
 * Runs `audit archiver --once` on new chains and bare PUTs to the same store, alternately, with the same concurrency. The
 * stores are a directory and a bucket; the last chain is then verified from the bucket. Uses a home of its own, because
 * the archiver takes every chain of a database.
 */
export async function benchArchiver(rows: number): Promise<void> {
  const home = await mkdtemp(join(tmpdir(), 'audit-bench-'))
  try {
    await ensureEmbedded(home)
    await writeNdjson(join(home, 'rows.ndjson'), rows)
    await benchStore(home, rows, pathToFileURL(join(home, 'bench')).href, 'a directory')
    const bucket = await benchBucket()
    try {
      const domainId = await benchStore(home, rows, bucket.url, bucket.name)
      await benchVerifyS3(home, bucket, domainId, rows + 1)
    } finally {
      await bucket.stop()
    }
  } finally {
    await stopEmbedded(home)
    await rm(home, { recursive: true, force: true })
  }
}

/** Resolves with the chain that was archived last; its rows include the genesis row. */
async function benchStore(home: string, rows: number, url: string, store: string): Promise<string> {
  const ours: number[] = []
  const base: number[] = []
  let megabytes = 0
  let domainId = ''
  for (let round = 0; round < ROUNDS; round += 1) {
    base.push(await barePuts(`${url}/bare-${round}`, rows))
    const archived = await archive(home, url)
    ours.push(archived.seconds)
    domainId = archived.domainId
    megabytes = Math.max(megabytes, archived.megabytes)
  }
  const [rate, baseRate] = [rows / median(ours), rows / median(base)]
  report(
    `archiver, ${rows} rows to ${store}`,
    `${Math.round(rate)} rows/s`,
    `bare PUT ${Math.round(baseRate)}/s`,
    rate / baseRate,
    'at least 0.8',
  )
  report('archiver, peak memory', `${Math.round(megabytes)} MB`, 'limit 250 MB', megabytes / 250, 'at most 1')
  return domainId
}

/** Returns the seconds of the PUTs, without the start of the process. */
async function barePuts(url: string, rows: number): Promise<number> {
  const { stdout } = await baseline('baseline-put', [url, String(rows), CONCURRENCY], { keepOutput: true })
  return Number(stdout)
}

async function archive(home: string, url: string) {
  const created = await audit(home, ['domain', 'create', '--json'])
  const domainId: string = JSON.parse(created.stdout).domain_id
  const append = ['append', '--domain', domainId, '--stdin', '--json']
  await audit(home, append, { input: join(home, 'rows.ndjson'), keepOutput: false })
  const map = join(home, 'mirrors')
  await appendFile(map, `${domainId} ${url}\n`)
  const archiver = ['archiver', '--once', '--log-key', 'none', '--mirror-map', map]
  const ran = await audit(home, [...archiver, '--init-mirror', '--concurrency', CONCURRENCY])
  const start = await audit(home, archiver)
  return { seconds: ran.seconds - start.seconds, megabytes: ran.megabytes, domainId }
}
