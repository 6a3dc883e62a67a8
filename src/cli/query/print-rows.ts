import type { ReadEntry } from '../../ports/query.js'
import type { ShownNames } from '../../query/choose-domain.js'
import type { CheckedEntry } from '../../query/row-judge.js'
import type { Format } from '../flags/format.js'
import { ChainColumns, withName } from '../output/chain-text.js'
import { csvRecord } from '../output/csv.js'
import type { Output } from '../output/output.js'
import { printStream } from '../output/print-stream.js'
import { note } from '../output/streams.js'
import { csvCells, csvHead } from './csv.js'
import { type CheckedPage, CONTEXT_LIST, ENTRY_LIST, printPage } from './text.js'

/** How to print rows. */
export interface RowsForm {
  readonly format: Format
  /** Whether to print what is kept beside each row. */
  readonly context: boolean
  /** Whether rows are of several chains, so that each one names its chain. JSON and CSV always do. */
  readonly areSeveral: boolean
  /** The names of the chains. CSV has none. */
  readonly names: ShownNames
}

/** Prints a bounded answer: one JSON document, a table, or CSV. */
export async function printList(page: CheckedPage, form: RowsForm, out: Output): Promise<void> {
  if (form.format !== 'csv') return printPage(page, form.format === 'json', out, viewOf(form))
  await printCsv(page.entries, form, out)
  if (page.nextCursor !== undefined) note(`more rows follow: --cursor=${page.nextCursor}`)
}

/** Prints rows as they are read: a JSON document a line, tables, or CSV. Resolves with the number of rows. */
export async function printEach(
  rows: AsyncIterable<CheckedEntry>,
  form: RowsForm,
  out: Output,
): Promise<void> {
  if (form.format === 'csv') return printCsv(rows, form, out)
  const count = await printStream(out, rows, { json: form.format === 'json', ...viewOf(form) })
  if (count === 0) note('no rows')
}

/** Prints groups of rows, each at once and one line a row, until the reader of the output is gone. */
export async function printLive(
  groups: AsyncIterable<readonly ReadEntry[]>,
  judge: (row: ReadEntry) => CheckedEntry,
  form: RowsForm,
  out: Output,
): Promise<void> {
  if (form.format === 'csv') await out.line(csvRecord(csvHead(form.context)))
  const lineOf = (row: CheckedEntry) => liveLine(row, form, out)
  for await (const rows of groups) {
    for (const row of rows) await lineOf(judge(row))
    await out.drained()
    if (out.closed) return
  }
}

async function liveLine(row: CheckedEntry, form: RowsForm, out: Output): Promise<boolean> {
  const view = viewOf(form)
  if (form.format === 'json') return out.json(view.toJson(row))
  if (form.format === 'csv') return out.line(csvRecord(csvCells(row, form.context)))
  const { rowLine } = await import('../output/row-line.js')
  return out.line(rowLine(view.head, view.toRow(row), out.screen))
}

async function printCsv(
  rows: Iterable<CheckedEntry> | AsyncIterable<CheckedEntry>,
  { context }: RowsForm,
  out: Output,
): Promise<void> {
  let isOpen = await out.line(csvRecord(csvHead(context)))
  let count = 0
  for await (const row of rows) {
    count += 1
    isOpen = await out.line(csvRecord(csvCells(row, context)))
    if (!isOpen) return
  }
  if (count === 0) note('no rows')
}

function viewOf({ context, areSeveral, names }: RowsForm): typeof ENTRY_LIST {
  const view = context ? CONTEXT_LIST : ENTRY_LIST
  if (!areSeveral) return view
  const columns = new ChainColumns(names)
  return {
    toJson: (row) => withName(view.toJson(row), names),
    head: [...columns.head({ title: 'domain_id', short: 'id' }), ...view.head],
    toRow: (row) => [...columns.cells(row.entry.domainId), ...view.toRow(row)],
  }
}
