import { REASONS, type Reason } from '../../src/chain/reason.js'
import { createSink } from '../../src/compose/create-sink.js'
import { benchEntry } from './input.js'

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

function entry() {
  const i = next++
  const { subject_id, reason, relation_path, caveat_context, correlation_id, ...plain } = benchEntry(i)
  return {
    ...plain,
    subjectId: subject_id,
    reason: REASONS.find((known): known is Reason => known === reason) ?? 'granted',
    relationPath: [...relation_path],
    caveatContext: [...caveat_context],
    correlationId: correlation_id,
    domainIds: [domainIds[i % domainIds.length] ?? ''],
  }
}

async function call(): Promise<void> {
  while (Date.now() < Number(to)) {
    const isCounted = Date.now() >= Number(from)
    const begun = performance.now()
    await sink.record(entry())
    if (isCounted) micros.push(Math.round((performance.now() - begun) * 1000))
  }
}

await Promise.all(Array.from({ length: Number(callers) }, call))
await sink.close()
console.log(JSON.stringify({ rows: micros.length, micros } satisfies Called))
