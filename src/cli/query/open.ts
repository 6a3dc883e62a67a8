import { AuditError } from '../../base/errors.js'
import type { Context } from '../../compose/context.js'
import { mirrorLocations } from '../../compose/location.js'
import { type OpenRows, type OpenRowsOptions, openRows, type RowsFrom } from '../../compose/read/rows.js'
import { selectionText } from '../bundle/text.js'
import { note } from '../output/streams.js'
import { type ReadCopy, verifyHereWords } from '../shell/verify-words.js'

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

/** Returns the copy that was read, for the commands that an answer names. */
export async function readCopy(context: Context, from: RowsFrom, chain: string): Promise<ReadCopy> {
  const { source } = from
  if (source === 'bundle') return { source, chain, file: from.path }
  return { source, chain, given: source === 'mirror' ? (await mirrorLocations(context)).given : undefined }
}

/** Returns the command that verifies what was read. */
export async function verifyCopyWords(context: Context, from: RowsFrom, domainId: string): Promise<string> {
  return verifyHereWords(await readCopy(context, from, domainId))
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
