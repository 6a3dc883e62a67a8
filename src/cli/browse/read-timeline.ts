import type { BrowseData } from './data.js'
import type { Answer } from './model/event.js'
import type { JobOf } from './model/state.js'
import { counted, emptyTimeline, type Timeline } from './model/timeline.js'
import { batchesOf, selection } from './read-place.js'

/** Milliseconds between two answers: each one draws the screen. */
const REPORT_EVERY = 100

/** Counts the rows that match, and their denials, by time. Answers while it counts. */
export async function readTimeline(
  data: BrowseData,
  { domainId, filter }: JobOf<'timeline'>,
  emit: (answer: Answer) => void,
  signal: AbortSignal,
): Promise<void> {
  const selected = await selection(data, domainId, filter)
  const { reader } = selected
  const [first] = await reader.page(domainId, {}, { after: 0, limit: 1 })
  const [last] = await reader.page(domainId, {}, { after: 0, limit: 1, order: 'descending' })
  let timeline = emptyTimeline(micros(first?.recordedAt), micros(last?.recordedAt))
  let reported = performance.now()
  for await (const rows of batchesOf(selected, { after: 0 }, signal)) {
    const found = rows.filter(selected.hasTexts)
    timeline = { ...counted(timeline, found), through: rows.at(-1)?.seq ?? timeline.through }
    if (performance.now() - reported < REPORT_EVERY) continue
    reported = performance.now()
    emit({ kind: 'timeline', timeline })
  }
  emit({ kind: 'timeline', timeline: { ...timeline, isComplete: true } })
}

function micros(time: Timeline['from'] | string | undefined): bigint {
  return typeof time === 'bigint' ? time : 0n
}
