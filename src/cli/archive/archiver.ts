import type { Context } from '../../compose/context.js'
import { logKeySetting } from '../../compose/sign/log-key-setting.js'
import type { Output } from '../output/output.js'
import type { ExitCode } from '../shell/exit-codes.js'
import type { ArchiverOptions } from './archiver-options.js'
import { archiverOnce } from './once.js'
import { archiverWorker } from './worker.js'

/** Runs the archiver until the signal, or one pass with `once`. Throws `usage` for bad settings before a database is opened. */
export async function runArchiver(
  options: ArchiverOptions,
  context: Context,
  out: Output,
  signal: AbortSignal,
): Promise<ExitCode> {
  logKeySetting(context)
  return options.once
    ? archiverOnce(options, context, out, signal)
    : archiverWorker(options, context, out, signal)
}
