import { AuditError } from '../../base/errors.js'
import type { Context } from '../../compose/context.js'
import { type OpenRows, type OpenRowsOptions, openRows, type RowsFrom } from '../../compose/read/rows.js'
import { selectionText } from '../bundle/text.js'
import { chainWords } from '../flags/chain-words.js'
import { safe } from '../output/safe-text.js'
import { note } from '../output/streams.js'

/** Opens the reader of a copy, and notes which rows a bundle is a selection of. */
export async function openCopy(
  context: Context,
  from: RowsFrom,
  options: OpenRowsOptions,
): Promise<OpenRows> {
  const rows = await openRows(context, from, options)
  const { selection } = rows
  if (selection !== undefined && selection.kind !== 'chain')
    note(`note: the bundle holds ${selectionText(selection)}`)
  return rows
}

/** Returns the words of the command that verifies what was read. */
export function verifyWords(from: RowsFrom, domainId: string): string {
  if (from.source === 'bundle') return safe`audit verify ${from.path}`
  const source = from.source === 'mirror' ? ' --source mirror' : ''
  return `audit verify${source} ${chainWords(domainId)}`
}

/** Runs `read`. The error of a chain that a mirror does not have gets the hint that `verify` gives. */
export async function withHints<T>(
  context: Context,
  from: RowsFrom,
  signal: AbortSignal,
  read: () => Promise<T>,
): Promise<T> {
  return read().catch(async (error: unknown) => {
    if (from.source !== 'mirror' || !(error instanceof AuditError)) throw error
    const { withFolder } = await import('../verify/mirror-folder.js')
    throw await withFolder(error, context, from.domainId, signal)
  })
}
