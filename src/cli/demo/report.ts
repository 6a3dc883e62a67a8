import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { AuditError } from '../../base/errors.js'
import type { Context } from '../../compose/context.js'
import { NAMELESS } from '../flags/chain-names.js'
import type { Output } from '../output/output.js'
import { runReport } from '../report/run.js'
import { EXIT } from '../shell/exit-codes.js'
import { quoted } from '../shell/mirror-words.js'

/** Makes the page about a chain with a finding. Returns its path: the page stays, because the reader opens it after the demo. */
export async function reportOnForgery(
  domainId: string,
  tool: string,
  context: Context,
  out: Output,
  signal: AbortSignal,
): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'audit-report-'))
  const output = join(folder, 'demo.html')
  const source = 'both'
  const check = { chain: domainId, source, quarantine: false, json: false, names: NAMELESS } as const
  const page = {
    copy: { source },
    filter: {},
    filterWords: [],
    hasContext: false,
    isRemoved: true,
    output,
    replace: false,
  } as const
  try {
    const code = await runReport({ check, ...page, tool, json: false }, context, out, signal)
    if (code === EXIT.finding) return output
    throw new AuditError('internal', `the demo failed: the report of the forged chain ended with ${code}`)
  } catch (error) {
    await rm(folder, { recursive: true, force: true })
    throw error
  }
}

/** Returns the command of this platform that opens a file in a browser. */
export function openCommand(path: string): string {
  return `${process.platform === 'darwin' ? 'open' : 'xdg-open'} ${quoted(path)}`
}
