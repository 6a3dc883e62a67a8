import { linkSync, mkdirSync } from 'node:fs'
import { rm } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { objectKey } from '../../src/mirror/object/key.js'
import { audit, type Bench, baseline, median, RUN, report, run } from './subject.js'

const ROUNDS = 3

/** Archives a chain to a directory, and compares verify from there with a loop that only reads and decompresses. */
export async function benchMirror(bench: Bench, domainId: string, rows: number): Promise<void> {
  const folder = join(bench.home, 'mirror')
  const archived = await audit(bench.home, [
    'archive',
    'backfill',
    '--domain',
    domainId,
    '--json',
    '--concurrency',
    '64',
  ])
  console.log(`backfill to a directory, peak memory    ${Math.round(archived.megabytes)} MB`)
  const mirror = pathToFileURL(folder).href
  const args = ['verify', '--source', 'mirror', '--mirror', mirror, '--domain', domainId, '--json']
  const ours: number[] = []
  const base: number[] = []
  const lists: number[] = []
  const list = [...args.map((word) => (word === 'verify' ? 'list' : word)), '--all']
  let megabytes = 0
  for (let round = 0; round < ROUNDS; round += 1) {
    base.push((await baseline('baseline-read', [join(folder, 'audit', domainId)])).seconds)
    const ran = await audit(bench.home, args)
    ours.push(ran.seconds)
    lists.push((await audit(bench.home, list)).seconds)
    megabytes = Math.max(megabytes, ran.megabytes)
  }
  const [rate, baseRate] = [rows / median(ours), rows / median(base)]
  report(
    `verify ${rows} objects of a directory`,
    `${Math.round(rate)} objects/s`,
    `read and decompress ${Math.round(baseRate)}/s`,
    rate / baseRate,
    'at least 0.5',
  )
  report(
    `verify ${rows} objects, peak memory`,
    `${Math.round(megabytes)} MB`,
    'limit 250 MB',
    megabytes / 250,
    'at most 1',
  )
  report(
    `list all ${rows} objects of a directory`,
    `${Math.round(rows / median(lists))} objects/s`,
    `verify ${Math.round(rate)}/s`,
    median(ours) / median(lists),
    'at least 0.8',
  )
  await benchPage(bench, folder, domainId, rows)
}

/** How many objects the folder of the page has. */
const OBJECTS = 300_000

/** Compares the first page from the middle of a folder with a start of the program alone. */
async function benchPage(bench: Bench, folder: string, domainId: string, rows: number): Promise<void> {
  const many = join(bench.home, 'many')
  linkObjects(folder, many, domainId, rows)
  const mirror = pathToFileURL(many).href
  const from = ['--from-seq', String(Math.max(1, Math.floor(rows / 2)))]
  const words = ['list', '--source', 'mirror', '--mirror', mirror, '--domain', domainId, '--json', ...from]
  const page: number[] = []
  const starts: number[] = []
  for (let round = 0; round < ROUNDS; round += 1) {
    starts.push((await run(process.execPath, [RUN, '--version'])).seconds)
    const { seconds, stdout } = await audit(bench.home, words)
    if (!stdout.includes('"seq":')) throw new Error('the page has no rows')
    page.push(seconds)
  }
  await rm(many, { recursive: true, force: true })
  const [seconds, bare] = [median(page), median(starts)]
  const base = `limit 1 s; audit --version ${bare.toFixed(2)} s`
  report(`first page by seq among ${OBJECTS} objects`, `${seconds.toFixed(2)} s`, base, seconds, 'at most 1')
}

/** Makes a folder of {@link OBJECTS} objects: those of the chain, and then links to them, which no page reads. */
function linkObjects(from: string, to: string, domainId: string, rows: number): void {
  mkdirSync(dirname(join(to, objectKey(domainId, 1))), { recursive: true })
  for (let seq = 1; seq <= Math.max(OBJECTS, rows); seq += 1)
    linkSync(join(from, objectKey(domainId, ((seq - 1) % rows) + 1)), join(to, objectKey(domainId, seq)))
}
