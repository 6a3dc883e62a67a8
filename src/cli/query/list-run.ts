import type { Context } from '../../compose/context.js'
import type { ReadEntry, SeqRange } from '../../ports/query.js'
import { NO_NAMES, type ShownNames } from '../../query/choose-domain.js'
import { listEntries } from '../../query/list.js'
import type { ChainNames } from '../flags/chain-names.js'
import type { Output } from '../output/output.js'
import { notingStop } from '../output/progress.js'
import { note } from '../output/streams.js'
import type { Copies } from './copies.js'
import { firstOf, lastRows } from './last-rows.js'
import { runFollow } from './list-follow.js'
import type { ListMode } from './list-mode.js'
import { noteMissing } from './missing-rows.js'
import { withHints } from './open.js'
import { type ChainsRequest, OpenChains } from './open-chains.js'
import { printEach, printList, type RowsForm } from './print-rows.js'
import type { CheckedPage } from './text.js'

/** The options of `list`, parsed. */
export interface ListOptions extends ChainsRequest {
  readonly copies: Copies
  readonly mode: ListMode
  readonly range: SeqRange
  /** The row in the middle of the range, where the range is around one. */
  readonly around?: number | undefined
  readonly form: Omit<RowsForm, 'names'>
  readonly names: ChainNames
}

/** Prints rows of chains. With `verify`, raises the exit code to 1 where a printed row is damaged or unlinked. */
export async function runList(
  options: ListOptions,
  context: Context,
  out: Output,
  signal: AbortSignal,
): Promise<void> {
  const isJson = options.form.format === 'json'
  const chains = await OpenChains.open(context, options.copies, { ...options, isJson }, signal)
  const form = { ...options.form, names: await namesOf(options, chains) }
  const print = () => printMode({ ...options, form }, chains, out, signal)
  const [only, second] = chains.all
  // The hint about a mirror's folder is for one chain.
  if (only !== undefined && second === undefined) await withHints(context, only.from, signal, print)
  else await print()
  await chains.finish()
}

/** Rows of one chain do not name it. */
async function namesOf({ form, names }: ListOptions, chains: OpenChains): Promise<ShownNames> {
  if (!form.areSeveral) return NO_NAMES
  return names.shown(chains.all.map(({ domainId }) => domainId))
}

interface Listed<M = ListMode> {
  readonly mode: M
  readonly range: SeqRange
  readonly around?: number | undefined
  readonly form: RowsForm
}

async function printMode(
  { mode, range, around, form }: Listed,
  chains: OpenChains,
  out: Output,
  signal: AbortSignal,
): Promise<void> {
  if (mode.kind === 'follow') {
    await chains.noteOrders()
    return runFollow(mode.before, { range, form }, chains, out, signal)
  }
  const progress = () => ({ rows: chains.judged })
  return notingStop('list', progress, () => printStored({ mode, range, around, form }, chains, out, signal))
}

async function printStored(
  { mode, range, around, form }: Listed<Exclude<ListMode, { readonly kind: 'follow' }>>,
  chains: OpenChains,
  out: Output,
  signal: AbortSignal,
): Promise<void> {
  const rows = () => chains.rows(() => range, signal)
  if (mode.kind === 'all') return printEach(chains.judging(rows()), form, out)
  // Asked before the rows are read: a finding that is recorded meanwhile makes the answer wider, and not the order better.
  const timeOrder = await chains.timeOrder()
  if (mode.kind === 'last') {
    const last = await lastRows(chains, () => range, mode.rows, signal)
    return printList({ entries: last.map((row) => chains.judge(row)), timeOrder }, form, out)
  }
  const [only] = chains.all
  if (only === undefined || form.areSeveral)
    return printFirst(rows(), mode.limit, { ...form, timeOrder }, chains, out)
  const { reader, domainId, cursorKey, filter } = only
  const page = await listEntries(reader, cursorKey, { domainId, filter, range, timeOrder, ...mode })
  const entries = page.entries.map((row) => chains.judge(row))
  await printList({ entries, nextCursor: page.nextCursor, timeOrder }, form, out)
  if (around !== undefined) await noteMissing(around, page.entries, only)
}

/** Prints the first rows of several chains. A cursor is the place in one chain, so there is none. */
async function printFirst(
  rows: AsyncIterable<ReadEntry>,
  limit: number,
  { timeOrder, ...form }: RowsForm & Pick<CheckedPage, 'timeOrder'>,
  chains: OpenChains,
  out: Output,
): Promise<void> {
  const first = await firstOf(rows, limit + 1)
  const entries = first.slice(0, limit).map((row) => chains.judge(row))
  await printList({ entries, timeOrder }, form, out)
  if (first.length > limit) note('more rows follow; with several chains: --limit up to 200, or --all')
}
