import { audit, type Bench, baseline, median, report } from './subject.js'

const ROUNDS = 5

/**
 * Compares `audit verify` with a bare COPY, and a whole chain, whose rows are also counted in every index of a filter, with
 * the same rows as a segment, which are not. Whole processes run alternately, so all see the same machine.
 */
export async function benchVerify(bench: Bench, domainId: string): Promise<void> {
  const whole: number[] = []
  const segment: number[] = []
  const base: number[] = []
  let megabytes = 0
  let rows = 0
  for (let round = 0; round < ROUNDS; round += 1) {
    base.push((await baseline('baseline-copy', [bench.url, domainId])).seconds)
    const all = await audit(bench.home, ['verify', '--domain', domainId, '--json'])
    rows = JSON.parse(all.stdout).rows
    whole.push(all.seconds)
    const part = await audit(bench.home, ['verify', '--domain', domainId, '--to-seq', String(rows), '--json'])
    segment.push(part.seconds)
    megabytes = Math.max(megabytes, all.megabytes, part.megabytes)
  }
  const [rate, partRate, baseRate] = [rows / median(whole), rows / median(segment), rows / median(base)]
  report(
    `verify ${rows} rows`,
    `${Math.round(partRate)} rows/s`,
    `COPY to nowhere ${Math.round(baseRate)} rows/s`,
    partRate / baseRate,
    'at least 0.7',
  )
  report(
    `verify ${rows} rows, indexes counted`,
    `${Math.round(rate)} rows/s`,
    `not counted ${Math.round(partRate)} rows/s`,
    rate / partRate,
    'at least 0.3',
  )
  report(
    `verify ${rows} rows, peak memory`,
    `${Math.round(megabytes)} MB`,
    'limit 200 MB',
    megabytes / 200,
    'at most 1',
  )
}
