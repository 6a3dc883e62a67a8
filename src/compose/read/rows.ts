import { AuditError } from '../../base/errors.js'
import type { Selection } from '../../bundle/selection.js'
import type { ChainHead } from '../../chain/entry.js'
import type { CursorKey } from '../../ports/pepper.js'
import type { EntryReader } from '../../ports/query.js'
import type { ReadProblem } from '../../query/read-problem.js'
import type { Context } from '../context.js'
import { mirrorLocations } from '../location.js'
import { mirrorCodec, openMirror } from '../mirror.js'
import { cursorKeyOf } from '../pepper.js'
import { openEntryReader, openKeyReader } from '../query.js'

/** The copy that rows are read from, and their chain. A bundle names its chain itself. */
export type RowsFrom =
  | { readonly source: 'postgres' | 'mirror'; readonly domainId: string }
  | { readonly source: 'bundle'; readonly path: string; readonly domainId?: string | undefined }

export interface OpenRowsOptions {
  /** Whether to read PostgreSQL by the primary key alone. */
  readonly byKey?: boolean | undefined
  /** Receives what a mirror or a bundle holds and an answer leaves out, although it may belong there. */
  readonly onProblem?: ((problem: ReadProblem) => void) | undefined
}

export interface OpenRows {
  readonly reader: EntryReader
  readonly domainId: string
  readonly cursorKey: CursorKey
  /** The rows that a bundle holds. */
  readonly selection?: Selection | undefined
  /** The chain head that a bundle names. */
  readonly head?: ChainHead | undefined
}

/**
 * Opens the reader of a copy. Opens no database for a mirror or a bundle. Rejects with `usage` for a bundle of another chain,
 * and with the errors of the copy.
 */
export async function openRows(
  context: Context,
  from: RowsFrom,
  { byKey = false, onProblem = () => undefined }: OpenRowsOptions = {},
): Promise<OpenRows> {
  if (from.source === 'bundle') return openBundleRows(context, from, onProblem)
  const { domainId } = from
  if (from.source === 'mirror') return openMirrorRows(context, domainId, onProblem)
  const reader = await (byKey ? openKeyReader(context) : openEntryReader(context))
  return { reader, domainId, cursorKey: cursorKeyOf(context) }
}

async function openMirrorRows(
  context: Context,
  domainId: string,
  onProblem: (problem: ReadProblem) => void,
): Promise<OpenRows> {
  const [codec, { MirrorReader }, { offlineCursorKey }, locations] = await Promise.all([
    mirrorCodec(),
    import('../../query/mirror-reader.js'),
    import('../../query/offline-cursor.js'),
    mirrorLocations(context),
  ])
  const store = await openMirror(context, locations.ofChosen(domainId))
  const reader = new MirrorReader({ store, codec, signal: context.signal, onProblem })
  return { reader, domainId, cursorKey: offlineCursorKey }
}

async function openBundleRows(
  context: Context,
  { path, domainId: wanted }: Extract<RowsFrom, { source: 'bundle' }>,
  onProblem: (problem: ReadProblem) => void,
): Promise<OpenRows> {
  const [{ BundleReader }, { offlineCursorKey }] = await Promise.all([
    import('../../bundle/read/bundle-reader.js'),
    import('../../query/offline-cursor.js'),
  ])
  const reader = await BundleReader.open(path, onProblem)
  context.onClose(() => reader.close())
  const { domainId, selection, head } = reader
  if (wanted !== undefined && wanted !== domainId)
    throw new AuditError('usage', `the bundle ${path} is of chain ${domainId}, not of ${wanted}`)
  return { reader, domainId, cursorKey: offlineCursorKey, selection, head }
}
