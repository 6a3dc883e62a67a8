import type { EntryFilter, EntryReader } from '../../ports/query.js'
import { note } from '../output/streams.js'

/** Notes that rows are selected by the time of their import, where a list is by recorded_at and the chain has imported rows. */
export async function noteImported(
  reader: EntryReader,
  domainId: string,
  { from, to }: Pick<EntryFilter, 'from' | 'to'>,
): Promise<void> {
  if ((from ?? to) === undefined || !(await reader.hasEventTimes(domainId))) return
  note(
    'note: this chain has imported rows: their recorded_at is the time of the import, and the time of the event is event_time; to search by that: --event-from and --event-to',
  )
}
