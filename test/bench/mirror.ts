import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { audit, type Bench, baseline, median, report } from './subject.js'

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
  await benchPage(bench, mirror, domainId, rows)
}

/** Compares the first page from the middle of a chain with a start of the program alone. */
async function benchPage(bench: Bench, mirror: string, domainId: string, rows: number): Promise<void> {
  const from = ['--from-seq', String(Math.max(1, Math.floor(rows / 2)))]
  const page: number[] = []
  for (let round = 0; round < ROUNDS; round += 1) {
    const words = ['list', '--source', 'mirror', '--mirror', mirror, '--domain', domainId, '--json', ...from]
    page.push((await audit(bench.home, words)).seconds)
  }
  report(
    `first page by seq among ${rows} objects`,
    `${median(page).toFixed(2)} s`,
    'limit 1 s',
    median(page),
    'at most 1',
  )
}
