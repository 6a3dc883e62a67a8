import { join } from 'node:path'
import { audit, type Bench, median, report } from './subject.js'

const ROUNDS = 3

/** Compares export with verify from Postgres, which both read the chain, and verify of the bundle with a fixed rate. */
export async function benchEvidence(bench: Bench, domainId: string): Promise<void> {
  const path = join(bench.home, 'evidence.tar')
  const exported: number[] = []
  const base: number[] = []
  const verified: number[] = []
  let megabytes = { export: 0, verify: 0 }
  let rows = 0
  for (let round = 0; round < ROUNDS; round += 1) {
    base.push((await audit(bench.home, ['verify', '--domain', domainId])).seconds)
    const args = ['export', '--domain', domainId, '--output', path, '--force']
    const writing = await audit(bench.home, args)
    exported.push(writing.seconds)
    const reading = await audit(bench.home, ['verify', '--source', 'bundle', path, '--json'])
    verified.push(reading.seconds)
    rows = JSON.parse(reading.stdout).rows
    megabytes = {
      export: Math.max(megabytes.export, writing.megabytes),
      verify: Math.max(megabytes.verify, reading.megabytes),
    }
  }
  const rateOf = (seconds: readonly number[]) => rows / median(seconds)
  const perSecond = (seconds: readonly number[]) => `${Math.round(rateOf(seconds))} rows/s`
  const ratio = rateOf(exported) / rateOf(base)
  report(
    `export ${rows} rows`,
    perSecond(exported),
    `verify from Postgres ${perSecond(base)}`,
    ratio,
    'at least 0.5',
  )
  const fixed = rateOf(verified) / 200_000
  report(`verify a bundle of ${rows} rows`, perSecond(verified), 'wanted 200000 rows/s', fixed, 'at least 1')
  for (const [what, most] of [
    ['export', megabytes.export],
    ['verify a bundle', megabytes.verify],
  ] as const) {
    report(`${what}, peak memory`, `${Math.round(most)} MB`, 'limit 250 MB', most / 250, 'at most 1')
  }
}
