import { exportChain } from '../../bundle/export-chain.js'
import { openExportDeps } from '../../compose/bundle.js'
import type { Context } from '../../compose/context.js'
import type { ExportRequest } from '../../ports/bundle.js'
import type { Output } from '../output/output.js'
import { withProgress } from '../output/progress.js'
import { EXIT, type ExitCode } from '../shell/exit-codes.js'
import { exportJson } from './json.js'
import { exportText } from './text.js'

export interface ExportOptions {
  readonly request: ExportRequest
  readonly path: string
  readonly replace: boolean
  /** Name and version of this program. */
  readonly tool: string
  readonly json: boolean
}

/** Writes a bundle and prints what it holds. Resolves with 1 where the chain diverges: the bundle then holds the evidence. */
export async function runExport(
  options: ExportOptions,
  context: Context,
  out: Output,
  signal: AbortSignal,
): Promise<ExitCode> {
  const { path, replace, tool, json } = options
  const deps = await openExportDeps(context, { path, replace }, tool)
  const { request } = options
  const exported = await withProgress(`export ${request.domainId}`, (onProgress) =>
    exportChain(request, deps, onProgress, signal),
  )
  if (json) await out.json(exportJson(path, exported))
  else await out.line(exportText(path, exported))
  return exported.findings.length === 0 ? EXIT.done : EXIT.finding
}
