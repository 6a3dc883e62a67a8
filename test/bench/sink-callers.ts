import { createSink } from '../../src/compose/create-sink.js'
import { unchecked } from './input.js'

/** What the callers of one process did. */
export interface Called {
  readonly rows: number
  /** The microseconds of each call. */
  readonly micros: readonly number[]
}

/**
 * Records entries by `createSink` with a number of callers. Each caller records its next entry when the one before is
 * durable. Counts the calls that begin between two times of Date.now(). Prints {@link Called} as JSON.
 */
const [url = '', pepper = '', callers = '64', from = '0', to = '0', ...domainIds] = process.argv.slice(2)
const sink = createSink({ databaseUrl: url, pepper })
const micros: number[] = []
let next = 0

async function call(): Promise<void> {
  while (Date.now() < Number(to)) {
    const i = next++
    const isCounted = Date.now() >= Number(from)
    const begun = performance.now()
    await sink.record(unchecked(i, domainIds[i % domainIds.length] ?? ''))
    if (isCounted) micros.push(Math.round((performance.now() - begun) * 1000))
  }
}

await Promise.all(Array.from({ length: Number(callers) }, call))
await sink.close()
console.log(JSON.stringify({ rows: micros.length, micros } satisfies Called))
