import { type BundleReport, exportChain } from '../../bundle/export-chain.js'
import { withinSelection } from '../../bundle/read/copy-export.js'
import { openExportDeps } from '../../compose/bundle.js'
import type { Context } from '../../compose/context.js'
import { openEntryReader } from '../../compose/query.js'
import type { OpenRows, RowsFrom } from '../../compose/read/rows.js'
import type { ExportRequest } from '../../ports/bundle.js'
import type { Output } from '../output/output.js'
import { withProgress } from '../output/progress.js'
import { storedSubjectFilter, subjectFilter } from '../query/flags.js'
import { noteAhead } from '../query/note-ahead.js'
import { openCopy, withHints } from '../query/open.js'
import { ReadProblems } from '../query/read-problems.js'
import { EXIT, type ExitCode } from '../shell/exit-codes.js'
import type { FoundIn } from '../verify/finding-text.js'
import { exportJson } from './json.js'
import { exportText } from './text.js'

export interface ExportOptions {
  readonly from: RowsFrom
  readonly request: Omit<ExportRequest, 'domainId'>
  /** Whose rows to export. */
  readonly subjectId?: string | undefined
  readonly path: string
  readonly replace: boolean
  /** Name and version of this program. */
  readonly tool: string
  /** Whether the bundle also holds a page for people. */
  readonly report: boolean
  readonly json: boolean
}

/** Loads what makes the page only where it is wanted. */
async function bundlePage(domainId: string, path: string, tool: string): Promise<BundleReport> {
  const { BundlePage } = await import('../report/bundle-page.js')
  return new BundlePage(domainId, path, tool)
}

/** Writes a bundle and prints what it holds. Resolves with 1 where the chain diverges: the bundle then holds the evidence. */
export async function runExport(
  options: ExportOptions,
  context: Context,
  out: Output,
  signal: AbortSignal,
): Promise<ExitCode> {
  const { path, replace, tool, json, from } = options
  const problems = new ReadProblems()
  const rows =
    from.source === 'postgres' ? undefined : await openCopy(context, from, { onProblem: problems.ofChain() })
  const deps = await openExportDeps(context, { path, replace }, tool, rows)
  const request = await requestOf(options, context, rows)
  const report = options.report ? await bundlePage(request.domainId, path, tool) : undefined
  const exported = await withHints(context, from, signal, () =>
    withProgress(`export ${request.domainId}`, (onProgress) =>
      exportChain(request, { ...deps, report }, onProgress, signal),
    ),
  )
  if (json) await out.json(exportJson(path, exported))
  else await out.line(exportText(path, exported, foundIn(from, context), out.style))
  problems.report()
  if (rows === undefined) await noteAhead(await openEntryReader(context), request.domainId, request)
  return exported.findings.length === 0 ? EXIT.done : EXIT.finding
}

function foundIn(from: RowsFrom, { settings }: Context): Omit<FoundIn, 'domainId'> {
  if (from.source === 'bundle') return { source: from.source, file: from.path }
  return { source: from.source, mirror: from.source === 'mirror' ? settings.mirror : undefined }
}

async function requestOf(
  { from, request: asked, subjectId }: ExportOptions,
  context: Context,
  rows: OpenRows | undefined,
): Promise<ExportRequest> {
  const domainId = rows?.domainId ?? from.domainId ?? ''
  const subject =
    rows === undefined
      ? await storedSubjectFilter(context, domainId, subjectId)
      : await subjectFilter(context, rows, subjectId)
  const request = { ...asked, domainId, filter: { ...asked.filter, ...subject } }
  return rows?.selection === undefined ? request : withinSelection(request, rows.selection)
}
