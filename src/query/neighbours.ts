import type { EntryReader } from '../ports/query.js'

/** The stored rows next to a seq that a copy has no row for. Absent where no row is on that side. */
export interface Neighbours {
  readonly before?: number | undefined
  readonly after?: number | undefined
}

/** Returns the stored rows next to a seq. */
export async function neighboursOf(reader: EntryReader, domainId: string, seq: number): Promise<Neighbours> {
  const down = { after: 0, upTo: seq - 1, limit: 1, order: 'descending' } as const
  const [before] = seq > 1 ? await reader.page(domainId, {}, down) : []
  const [after] = await reader.page(domainId, {}, { after: seq, limit: 1 })
  return { before: before?.seq, after: after?.seq }
}
