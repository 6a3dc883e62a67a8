import { exportChain } from '../export/export-chain.js'
import type { ExportRequest } from '../ports.js'
import { exportPartsOf } from './compose/export.js'
import type { Context } from './context.js'
import { EXIT, type ExitCode } from './exit-codes.js'
import { exportJson, exportText } from './export-text.js'
import type { Output } from './output.js'
import { startProgress } from './progress.js'

export interface ExportOptions {
  readonly request: ExportRequest
  readonly path: string
  readonly replace: boolean
  /** Name and version of this program. */
  readonly tool: string
  readonly json: boolean
}

/**
 * Writes a bundle and says what is in it. 1 where the chain diverges: the bundle is there, and holds the evidence.
 */
export async function runExport(
  options: ExportOptions,
  context: Context,
  out: Output,
  signal: AbortSignal,
): Promise<ExitCode> {
  const { path, replace, tool, json } = options
  const parts = await exportPartsOf(context, { path, replace }, tool)
  const progress = startProgress(`export ${options.request.domainId}`)
  const exported = await exportChain(options.request, parts, (at) => progress.update(at), signal).finally(
    () => progress.stop(),
  )
  if (json) await out.json(exportJson(path, exported))
  else await out.line(exportText(path, exported))
  return exported.findings.length === 0 ? EXIT.done : EXIT.finding
}
