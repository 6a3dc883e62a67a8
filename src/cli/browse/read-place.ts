import { setImmediate as pause } from 'node:timers/promises'
import type { EntryFilter, EntryReader, PageRange, ReadEntry, SeqRange } from '../../ports/query.js'
import { shownEntry } from '../../query/claimed-entry.js'
import { hiddenRow } from '../../query/read-problem.js'
import { rowPages } from '../../query/row-pages.js'
import type { BrowseData } from './data.js'
import type { LineFilter } from './model/filter-line.js'
import type { ReadRows } from './model/row-window.js'
import type { JobOf } from './model/state.js'
import { withOtherCopy } from './other-copy.js'
import { judgeRows } from './views/row-check.js'
import { reasonText } from './views/rows-view.js'

/** Rows that are read at once: a few screens. */
const PAGE = 100
/** Rows that are looked through at once. */
const BATCH = 500

interface Selected {
  readonly reader: EntryReader
  readonly domainId: string
  readonly entry: EntryFilter
  readonly texts: readonly string[]
  /** Returns whether the texts occur in a row. Keeps a row that cannot be decoded, and so may hold them. */
  readonly hasTexts: (row: ReadEntry) => boolean
  readonly signal: AbortSignal
}

/** Reads the rows of one place of a chain that match the filter. */
export async function readPlace(
  data: BrowseData,
  job: JobOf<'rows'>,
  signal: AbortSignal,
): Promise<ReadRows> {
  const { domainId, filter, place } = job
  const selected = { ...(await selection(data, domainId, filter)), signal }
  const read = await readAt(place, selected)
  const rows = read.rows.map(shownEntry)
  judgeRows(rows)
  const { entry, texts } = selected
  const isWhole = texts.length === 0 && Object.values(entry).every((value) => value === undefined)
  return withOtherCopy(data, { ...selected, place, isWhole }, { ...read, rows })
}

function readAt(place: JobOf<'rows'>['place'], selected: Selected): Promise<ReadRows> {
  switch (place.at) {
    case 'first':
      return after(selected, 0)
    case 'last':
      return before(selected, undefined)
    case 'after':
      return after(selected, place.seq)
    case 'before':
      return before(selected, place.seq)
    case 'around':
      return around(selected, place.seq)
    case 'time':
      return aroundTime(selected, place.time)
  }
}

/** Returns the reader of a chain and the filter as it takes it, with the pseudonym of a person. */
export async function selection(
  data: BrowseData,
  domainId: string,
  { entry, subjectId, texts }: LineFilter,
): Promise<Omit<Selected, 'signal'>> {
  const reader = await data.copies[0].reader(domainId)
  const has = (row: ReadEntry) => {
    if (hasTexts(row, texts)) return true
    const hidden = hiddenRow(row)
    if (hidden !== undefined) data.leftOut.add(domainId, hidden)
    return false
  }
  const selected = { reader, domainId, entry, texts, hasTexts: has }
  if (subjectId === undefined) return selected
  const subjectPseudonym = await data.pseudonymOf(domainId, subjectId)
  return { ...selected, entry: { ...entry, subjectPseudonym } }
}

async function after(selected: Selected, seq: number): Promise<ReadRows> {
  const rows = await matching(selected, { after: seq, limit: PAGE + 1 })
  return { rows: rows.slice(0, PAGE), hasBefore: seq > 0, hasAfter: rows.length > PAGE }
}

async function before(selected: Selected, seq: number | undefined): Promise<ReadRows> {
  const upTo = seq === undefined ? undefined : seq - 1
  const rows =
    upTo === 0 ? [] : await matching(selected, { after: 0, upTo, limit: PAGE + 1, order: 'descending' })
  return { rows: rows.slice(0, PAGE).reverse(), hasBefore: rows.length > PAGE, hasAfter: seq !== undefined }
}

async function around(selected: Selected, seq: number): Promise<ReadRows> {
  const later = await after(selected, seq - 1)
  const earlier = await before(selected, seq)
  return {
    rows: [...earlier.rows, ...later.rows],
    hasBefore: earlier.hasBefore,
    hasAfter: later.hasAfter,
    select: seq,
  }
}

/** The first row at or after a time, and the rows around it. Without such a row: the last rows. */
async function aroundTime(selected: Selected, time: bigint): Promise<ReadRows> {
  const { from } = selected.entry
  const entry = { ...selected.entry, from: from === undefined || from < time ? time : from }
  const [first] = await matching({ ...selected, entry }, { after: 0, limit: 1 })
  return first === undefined ? before(selected, undefined) : around(selected, first.seq)
}

/** Returns up to `limit` rows that match, texts included, in the order of the range. Looks through all rows for texts. */
async function matching(selected: Selected, range: PageRange): Promise<readonly ReadEntry[]> {
  const { reader, domainId, entry, texts, signal } = selected
  if (texts.length === 0) return reader.page(domainId, entry, range)
  const found: ReadEntry[] = []
  for await (const rows of batchesOf(selected, range, signal)) {
    found.push(...rows.filter(selected.hasTexts))
    if (found.length >= range.limit) break
  }
  return found.slice(0, range.limit)
}

/** Yields all rows of a range that match the filter but for its texts, many at once, and lets keys be read in between. */
export async function* batchesOf(
  { reader, domainId, entry: filter }: Pick<Selected, 'reader' | 'domainId' | 'entry'>,
  range: SeqRange,
  signal: AbortSignal,
): AsyncGenerator<readonly ReadEntry[]> {
  for await (const rows of rowPages({ reader, domainId, filter, range }, BATCH, signal)) {
    yield rows
    await pause()
  }
}

/** Returns whether each text occurs in a field of the row, in any case. */
function hasTexts(row: ReadEntry, texts: readonly string[]): boolean {
  if (texts.length === 0) return true
  const fields = [
    row.relation,
    row.object,
    reasonText(row),
    row.subjectPseudonym,
    row.correlationId,
    row.zedtoken,
    ...(row.relationPath ?? []),
    ...(row.caveatContext ?? []),
    row.entryHash,
    row.prevHash,
    row.ip,
    row.userAgent,
    row.metadata,
  ].map((field) => field?.toLowerCase() ?? '')
  return texts.every((text) => fields.some((field) => field.includes(text)))
}
