import { audit, type Bench, baseline, median, report } from './subject.js'

const ROUNDS = 5

/** Compares `audit verify` with a bare COPY. Whole processes run alternately, so both see the same machine. */
export async function benchVerify(bench: Bench, domainId: string): Promise<void> {
  const ours: number[] = []
  const base: number[] = []
  let megabytes = 0
  let rows = 0
  for (let round = 0; round < ROUNDS; round += 1) {
    base.push((await baseline('baseline-copy', [bench.url, domainId])).seconds)
    const ran = await audit(bench.home, ['verify', '--domain', domainId, '--json'])
    rows = JSON.parse(ran.stdout).rows
    ours.push(ran.seconds)
    megabytes = Math.max(megabytes, ran.megabytes)
  }
  const [rate, baseRate] = [rows / median(ours), rows / median(base)]
  report(
    `verify ${rows} rows`,
    `${Math.round(rate)} rows/s`,
    `COPY to nowhere ${Math.round(baseRate)} rows/s`,
    rate / baseRate,
    'at least 0.7',
  )
  report(
    `verify ${rows} rows, peak memory`,
    `${Math.round(megabytes)} MB`,
    'limit 200 MB',
    megabytes / 200,
    'at most 1',
  )
}
