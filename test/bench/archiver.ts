import { randomBytes } from 'node:crypto'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { ensureEmbedded, stopEmbedded } from '../../src/repo/embedded/embedded.js'
import { writeNdjson } from './input.js'
import { audit, baseline, median, report } from './subject.js'

const CONCURRENCY = '16'
const ROUNDS = 3

/**
 * `audit archiver --once` on new chains against bare PUTs to the same store, so many at once in both, in turns. The store:
 * a directory, and a bucket where AUDIT_TEST_S3_ENDPOINT and the AWS variables name a server. On a home of its own, for
 * the archiver takes every chain there is.
 */
export async function benchArchiver(rows: number): Promise<void> {
  const home = await mkdtemp(join(tmpdir(), 'audit-bench-'))
  try {
    await ensureEmbedded(home)
    await writeNdjson(join(home, 'rows.ndjson'), rows)
    await benchStore(home, rows, pathToFileURL(join(home, 'bench')).href)
    const { AUDIT_TEST_S3_ENDPOINT: endpoint } = process.env
    if (endpoint === undefined) return
    process.env.AUDIT_S3_ENDPOINT = endpoint
    await benchStore(home, rows, `s3://${await newBucket(endpoint)}/bench`)
  } finally {
    await stopEmbedded(home)
    await rm(home, { recursive: true, force: true })
  }
}

async function benchStore(home: string, rows: number, url: string): Promise<void> {
  const ours: number[] = []
  const base: number[] = []
  let megabytes = 0
  for (let round = 0; round < ROUNDS; round += 1) {
    base.push(await barePuts(`${url}/bare-${round}`, rows))
    const archived = await archive(home, url)
    ours.push(archived.seconds)
    megabytes = Math.max(megabytes, archived.megabytes)
  }
  const [rate, baseRate] = [rows / median(ours), rows / median(base)]
  const store = url.startsWith('s3:') ? 'S3' : 'a directory'
  report(
    `archiver, ${rows} rows to ${store}`,
    `${Math.round(rate)} rows/s`,
    `bare PUT ${Math.round(baseRate)}/s`,
    rate / baseRate,
    'at least 0.8',
  )
  report('archiver, peak memory', `${Math.round(megabytes)} MB`, 'limit 250 MB', megabytes / 250, 'at most 1')
}

/** Seconds of the PUTs alone, without the start of a process. */
async function barePuts(url: string, rows: number): Promise<number> {
  const { stdout } = await baseline('baseline-put', [url, String(rows), CONCURRENCY], { keepOutput: true })
  return Number(stdout)
}

async function archive(home: string, url: string) {
  const created = await audit(home, ['domain', 'create', '--json', '--mirror', url])
  const domainId: string = JSON.parse(created.stdout).domain_id
  const append = ['append', '--domain', domainId, '--stdin', '--json']
  await audit(home, append, { input: join(home, 'rows.ndjson'), keepOutput: false })
  const ran = await audit(home, ['archiver', '--once', '--concurrency', CONCURRENCY])
  const start = await audit(home, ['archiver', '--once'])
  return { seconds: ran.seconds - start.seconds, megabytes: ran.megabytes }
}

async function newBucket(endpoint: string): Promise<string> {
  const { CreateBucketCommand, S3Client } = await import('@aws-sdk/client-s3')
  const Bucket = `bench-${randomBytes(4).toString('hex')}`
  const client = new S3Client({
    endpoint,
    region: process.env.AWS_REGION ?? 'us-east-1',
    forcePathStyle: true,
  })
  await client.send(new CreateBucketCommand({ Bucket }))
  client.destroy()
  return Bucket
}
