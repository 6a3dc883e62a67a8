import { chooseColor } from '../output/screen.js'
import { stdout } from '../output/streams.js'
import { EXIT, type ExitCode, exitStatus, raiseExit, resetExit } from './exit-codes.js'
import { reportFailure } from './failure.js'
import { takeGivenLog } from './given-log.js'
import { interruption, stopOnSignals } from './interruption.js'

/**
 * Runs one command line, drains stdout and resolves with the exit code. `root` is the directory of package.json. Never
 * rejects.
 */
export async function main(argv: readonly string[], root: string): Promise<ExitCode> {
  const json = argv.includes('--json')
  const crash = (error: unknown) => void endAfter(error, json)
  process.on('uncaughtException', crash)
  process.on('unhandledRejection', crash)
  stopOnSignals()
  process.on('exit', () => endedTooSoon(json))
  await runCommandLine(argv, root)
  settled = true
  return exitStatus()
}

/**
 * Runs one command line, stdout drained, and resolves to its exit code. Never rejects. It adds no listeners to the
 * process, so that a process can run several command lines, one after the other.
 */
export async function runCommandLine(argv: readonly string[], root: string): Promise<ExitCode> {
  resetExit()
  takeGivenLog({})
  try {
    tameEnvironment(process.env)
    const [{ dispatch }, { wantedColor }] = await Promise.all([
      import('./dispatch.js'),
      import('./bare-command.js'),
    ])
    chooseColor(wantedColor(argv))
    await dispatch(argv, root)
    await stdout.drained()
  } catch (error) {
    reportFailure(error, argv.includes('--json'))
  }
  return exitStatus()
}

let settled = false
let crashed = false

/** The event loop ran empty before there was a result. */
function endedTooSoon(json: boolean): void {
  if (settled) return
  if (!interruption.aborted) reportFailure(new Error('the program ended without a result'), json)
  process.exitCode = exitStatus()
}

/** Ends the process after an uncaught error, because open handles may keep it alive. Earlier output still arrives. */
async function endAfter(error: unknown, json: boolean): Promise<void> {
  if (isFailedWrite(error) || crashed) return
  crashed = true
  settled = true
  reportFailure(error, json)
  raiseExit(EXIT.internal)
  await stdout.drained().catch(() => undefined)
  process.exit(exitStatus())
}

/** Ignores a stdout error that oclif throws again from its own listener; Output has recorded it. */
function isFailedWrite(error: unknown): boolean {
  return stdout.closed && error instanceof Error && 'syscall' in error && error.syscall === 'write'
}

function tameEnvironment(env: NodeJS.ProcessEnv): void {
  // These are often set to debug another program, and oclif's debug log would print argv, secrets included.
  delete env.DEBUG
  delete env.CLI_FLAGS_DEBUG
  // Without SHELL, oclif reads the user's passwd entry, which a container may not have.
  env.SHELL ??= '/bin/sh'
}
