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
  let megabytes = 0
  for (let round = 0; round < ROUNDS; round += 1) {
    base.push((await baseline('baseline-read', [join(folder, 'audit', domainId)])).seconds)
    const ran = await audit(bench.home, args)
    ours.push(ran.seconds)
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
}
