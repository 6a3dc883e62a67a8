import { AuditError } from '../../base/errors.js'
import { isUnfiltered } from '../../base/row-filter.js'
import type { Context } from '../../compose/context.js'
import type { OpenRows, RowsFrom } from '../../compose/read/rows.js'
import type { ReadEntry } from '../../ports/query.js'
import { type Neighbours, neighboursOf } from '../../query/neighbours.js'
import { note } from '../output/streams.js'
import { copyWords } from '../shell/verify-words.js'
import { readCopy } from './open.js'
import type { OpenChain } from './open-chains.js'

/** Gaps that are named. */
const NAMED = 3

/** Returns the error for a row that a chain does not have, with the rows next to it and the command that shows them. */
export async function withNeighbours(
  error: unknown,
  context: Context,
  from: RowsFrom,
  rows: Pick<OpenRows, 'reader' | 'domainId' | 'selection'>,
  seq: number,
): Promise<unknown> {
  if (!(error instanceof AuditError) || error.code !== 'entry_not_found') return error
  const { reader, domainId } = rows
  const text = placeText(await neighboursOf(reader, domainId, seq), isSelection(rows))
  const words = copyWords(await readCopy(context, from, domainId))
  return new AuditError(error.code, `${error.message}${text === '' ? '' : `; ${text}`}`, {
    hint: `run: audit list --around ${seq} ${words}`,
    cause: error,
  })
}

/** Says where a seq without a row lies; empty where there are no rows. The rows between those of a selection were not asked for. */
function placeText({ before = 0, after }: Neighbours, isSelected: boolean): string {
  if (after === undefined) return before === 0 ? '' : `the last row there is ${before}`
  const sides =
    before === 0 ? `the first row there is ${after}` : `the rows on both sides are ${before} and ${after}`
  return isSelected ? sides : `${missingText(before + 1, after - 1)}, and ${sides}`
}

function missingText(first: number, last: number): string {
  return first === last ? `row ${first} is missing` : `rows ${first} to ${last} are missing`
}

function isSelection({ selection }: Pick<OpenRows, 'selection'>): boolean {
  return selection?.kind === 'filtered'
}

/** Notes which rows are missing among the rows around a seq, and where the seq itself lies if it has no row. */
export async function noteMissing(
  seq: number,
  entries: readonly ReadEntry[],
  chain: OpenChain,
): Promise<void> {
  const gaps = entries.flatMap(({ seq: after, previous }) =>
    previous !== undefined && previous.seq < after - 1 ? [{ before: previous.seq, after }] : [],
  )
  for (const gap of gaps.slice(0, NAMED)) note(`note: ${placeText(gap, false)}`)
  if (gaps.length > NAMED) note(`note: ${gaps.length - NAMED} more gaps among these rows`)
  const isNamed = gaps.some(({ before, after }) => before < seq && seq < after)
  const { reader, domainId, filter } = chain
  if (isNamed || entries.some((entry) => entry.seq === seq)) return
  if (!isUnfiltered(filter) && (await reader.rowsAt(domainId, seq)).length > 0) return
  const text = placeText(await neighboursOf(reader, domainId, seq), isSelection(chain))
  if (text !== '') note(`note: there is no row ${seq}; ${text}`)
}
