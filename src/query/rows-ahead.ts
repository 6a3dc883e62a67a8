import type { EntryFilter, EntryReader, RowsAhead, TimeOrder } from '../ports/query.js'

/**
 * Returns the rows of a chain that are ahead of the clock, where a list is by time and there are any. A list up to now
 * does not show them, and rows appended later carry the same time.
 */
export async function rowsAheadOf(
  reader: EntryReader,
  domainId: string,
  { from, to }: Pick<EntryFilter, 'from' | 'to'>,
  known?: TimeOrder,
): Promise<RowsAhead | undefined> {
  if ((from ?? to) === undefined) return undefined
  const ahead = await reader.countAhead(domainId, known)
  return ahead.rows === 0 ? undefined : ahead
}
