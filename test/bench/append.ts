import { join } from 'node:path'
import { writeNdjson } from './input.js'
import { audit, type Bench, baseline, report } from './subject.js'

/** Appends `rows` to a new chain; the baseline inserts the same rows into an identical table without hashing. */
export async function benchAppend(bench: Bench, rows: number): Promise<string> {
  const created = await audit(bench.home, ['domain', 'create', '--json'])
  const domainId: string = JSON.parse(created.stdout).domain_id
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
