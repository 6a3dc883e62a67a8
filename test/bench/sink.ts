import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { writeNdjson } from './input.js'
import type { Called } from './sink-callers.js'
import { audit, type Bench, baseline, createDomain, median, quantile, report } from './subject.js'

/** Milliseconds for the start of the processes and for their first calls, which are not counted. */
const WARM_UP = 3_000

/** Seconds that each measurement of the sink takes: BENCH_SINK_SECONDS, or 60. */
const SECONDS = Number(process.env.BENCH_SINK_SECONDS ?? 60)

/**
 * Measures `sink.record` with many callers against the command `append` of `rows` rows to one chain. An append runs before
 * and after each of them, and its rate is the median of these runs.
 */
export async function benchSink(bench: Bench, rows: number): Promise<void> {
  const one = [await createDomain(bench.home)]
  const many: string[] = []
  while (many.length < 64) many.push(await createDomain(bench.home))
  const appends = [await appendRate(bench, rows)]
  const measured: Measured[] = []
  for (const [what, processes, domainIds] of [
    ['64 callers, one chain', 1, one],
    ['64 callers, 64 chains', 1, many],
    ['2 processes of 32, one chain', 2, one],
  ] as const) {
    measured.push({ what, micros: await callSink(bench, processes, domainIds) })
    appends.push(await appendRate(bench, rows))
  }
  for (const each of measured) reportSink(each, median(appends))
}

/** The microseconds of each call. */
interface Measured {
  readonly what: string
  readonly micros: readonly number[]
}

async function appendRate(bench: Bench, rows: number): Promise<number> {
  const domainId = await createDomain(bench.home)
  const input = join(bench.home, 'sink.ndjson')
  await writeNdjson(input, rows)
  const args = ['append', '--domain', domainId, '--stdin', '--json']
  return rows / (await audit(bench.home, args, { input, keepOutput: false })).seconds
}

/** Returns the microseconds of each call. */
async function callSink(
  { home, url }: Bench,
  processes: number,
  domainIds: readonly string[],
): Promise<readonly number[]> {
  const from = Date.now() + WARM_UP
  const pepper = pathToFileURL(join(home, 'pepper.key')).href
  const times = [from, from + SECONDS * 1000].map(String)
  const args = [url, pepper, String(64 / processes), ...times, ...domainIds]
  const ran = await Promise.all(
    Array.from({ length: processes }, () => baseline('sink-callers', args, { keepOutput: true })),
  )
  return ran.flatMap(({ stdout }) => (JSON.parse(stdout) as Called).micros)
}

function reportSink({ what, micros }: Measured, append: number): void {
  const rate = micros.length / SECONDS
  const shown = `append ${Math.round(append)} rows/s`
  report(`sink, ${what}`, `${Math.round(rate)} rows/s`, shown, rate / append, 'at least 0.4')
  const [p50, p99] = [quantile(micros, 0.5), quantile(micros, 0.99)]
  const ms = (value: number) => `${(value / 1000).toFixed(1)} ms`
  report(`sink, ${what}, p99`, ms(p99), `median ${ms(p50)}`, p99 / p50, 'at most 4')
}
