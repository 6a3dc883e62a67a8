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

/** A database, the store that its archiver uploads to, and whether that archiver signs the heads. */
interface Site {
  readonly home: string
  readonly rows: number
  readonly url: string
  readonly isSigning: boolean
}

interface Archived {
  readonly domainId: string
  readonly seconds: number
  readonly megabytes: number
}

/**
 * Runs `audit archiver --once` on new chains and bare PUTs to the same store, alternately, with the same concurrency: first
 * without a key, then with signed heads. The stores are a directory and a bucket; the last chain is then verified from the
 * bucket. Uses homes of their own, because the archiver takes every chain of a database.
 */
export async function benchArchiver(rows: number): Promise<void> {
  await withHome(rows, (plain) => withHome(rows, (signing) => benchStores(plain, signing, rows)))
}

async function withHome(rows: number, use: (home: string) => Promise<void>): Promise<void> {
  const home = await mkdtemp(join(tmpdir(), 'audit-bench-'))
  try {
    await ensureEmbedded(home)
    await writeNdjson(join(home, 'rows.ndjson'), rows)
    await use(home)
  } finally {
    await stopEmbedded(home)
    await rm(home, { recursive: true, force: true })
  }
}

async function benchStores(plain: string, signing: string, rows: number): Promise<void> {
  const folderIn = (home: string) => pathToFileURL(join(home, 'bench')).href
  const folders = sitesOf({ plain, signing, rows }, folderIn(plain), folderIn(signing))
  await benchStore(folders, 'a directory', ['a sync per PUT', 'shared syncs'])
  const bucket = await benchBucket()
  try {
    const buckets = sitesOf({ plain, signing, rows }, bucket.url, `${bucket.url}-signed`)
    const domainId = await benchStore(buckets, bucket.name, ['bare PUT'])
    await benchVerifyS3(plain, bucket, domainId, rows + 1)
  } finally {
    await bucket.stop()
  }
}

interface Sites {
  readonly plain: Site
  readonly signing: Site
}

function sitesOf(
  { plain, signing, rows }: { plain: string; signing: string; rows: number },
  url: string,
  signedUrl: string,
): Sites {
  return {
    plain: { home: plain, rows, url, isSigning: false },
    signing: { home: signing, rows, url: signedUrl, isSigning: true },
  }
}

/** `kinds` are the kinds of bare PUTs. Resolves with the chain that was archived last; its rows include the genesis row. */
async function benchStore(
  { plain, signing }: Sites,
  store: string,
  kinds: readonly string[],
): Promise<string> {
  const { rows, url } = plain
  const base = new Map<string, number[]>(kinds.map((kind) => [kind, []]))
  const [ours, signed]: [Archived[], Archived[]] = [[], []]
  for (let round = 0; round < ROUNDS; round += 1) {
    for (const [i, kind] of kinds.entries())
      base.get(kind)?.push(await barePuts(`${url}/bare-${round}-${i}`, rows, kind))
    ours.push(await archive(plain))
    signed.push(await archive(signing))
  }
  const seconds = median(ours.map((one) => one.seconds))
  const what = `archiver, ${rows} rows to ${store}`
  for (const [kind, puts] of base) {
    const target = kind === 'shared syncs' ? 'no target' : `at least ${kind === 'bare PUT' ? 0.9 : 0.8}`
    const rate = `${kind} ${Math.round(rows / median(puts))}/s`
    report(what, `${Math.round(rows / seconds)} rows/s`, rate, median(puts) / seconds, target)
  }
  const signedSeconds = median(signed.map((one) => one.seconds))
  report(
    'archiver, with signed heads',
    `${signedSeconds.toFixed(2)} s`,
    `without ${seconds.toFixed(2)} s`,
    signedSeconds / seconds,
    'at most 1.1',
  )
  const megabytes = Math.max(...[...ours, ...signed].map((one) => one.megabytes))
  report('archiver, peak memory', `${Math.round(megabytes)} MB`, 'limit 250 MB', megabytes / 250, 'at most 1')
  return ours.at(-1)?.domainId ?? ''
}

/** Returns the seconds of the PUTs, without the start of the process. */
async function barePuts(url: string, rows: number, kind: string): Promise<number> {
  const args = [url, String(rows), CONCURRENCY, kind]
  const { stdout } = await baseline('baseline-put', args, { keepOutput: true })
  return Number(stdout)
}

/**
 * Archives the rows of a chain whose first row is archived, and signed: the first signature of a chain compares both copies
 * of its rows. The seconds are without those of a run that finds nothing to do.
 */
async function archive({ home, url, isSigning }: Site): Promise<Archived> {
  const created = await audit(home, ['domain', 'create', '--json'])
  const domainId: string = JSON.parse(created.stdout).domain_id
  const map = join(home, 'mirrors')
  await appendFile(map, `${domainId} ${url}\n`)
  const key = isSigning ? [] : ['--log-key', 'none']
  const words = ['--once', ...key, '--mirror-map', map, '--init-mirror', '--concurrency', CONCURRENCY]
  const archiver = () => audit(home, ['archiver', ...words])
  await archiver()
  const start = await archiver()
  const append = ['append', '--domain', domainId, '--stdin', '--json']
  await audit(home, append, { input: join(home, 'rows.ndjson'), keepOutput: false })
  const ran = await archiver()
  return { seconds: ran.seconds - start.seconds, megabytes: ran.megabytes, domainId }
}
