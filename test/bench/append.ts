import { join } from 'node:path'
import { writeNdjson } from './input.js'
import { audit, type Bench, baseline, createDomain, median, report } from './subject.js'

/** Appends `rows` to a new chain; the baseline inserts the same rows into an identical table without hashing. */
export async function benchAppend(bench: Bench, rows: number): Promise<string> {
  const domainId = await createDomain(bench.home)
  const input = join(bench.home, `${rows}.ndjson`)
  await writeNdjson(input, rows)
  const base = await baseline('baseline-insert', [bench.url, domainId], { input })
  const args = ['append', '--domain', domainId, '--stdin', '--json']
  const ours = await audit(bench.home, args, { input, keepOutput: false })
  const [rate, baseRate] = [rows / ours.seconds, rows / base.seconds]
  report(
    `append ${rows} rows`,
    `${Math.round(rate)} rows/s`,
    `plain INSERT ${Math.round(baseRate)} rows/s`,
    rate / baseRate,
    'at least 0.4, and 15000 rows/s',
  )
  return domainId
}

/** Measures idempotency keys: appends the same rows with and without keys, alternately, each run to a new chain. */
export async function benchKeyedAppend(bench: Bench, rows: number): Promise<void> {
  const plain: number[] = []
  const keyed: number[] = []
  for (let turn = 0; turn < 3; turn += 1) {
    plain.push(await secondsOfAppend(bench, rows, false))
    keyed.push(await secondsOfAppend(bench, rows, true))
  }
  const [rate, baseRate] = [rows / median(keyed), rows / median(plain)]
  report(
    `append ${rows} rows with keys`,
    `${Math.round(rate)} rows/s`,
    `without keys ${Math.round(baseRate)} rows/s`,
    rate / baseRate,
    'at least 0.7',
  )
}

async function secondsOfAppend(bench: Bench, rows: number, keyed: boolean): Promise<number> {
  const domainId = await createDomain(bench.home)
  const input = join(bench.home, `keyed-${keyed}.ndjson`)
  // Keys belong to a chain, so one file would be enough; new keys are as random in the index as real keys.
  await writeNdjson(input, rows, { keys: keyed })
  const args = ['append', '--domain', domainId, '--stdin', '--json']
  return (await audit(bench.home, args, { input, keepOutput: false })).seconds
}
