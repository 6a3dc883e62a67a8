import { spawn, spawnSync } from 'node:child_process'
import { BIN, type CliResult, ensureBuilt, finished } from '../cli.js'

/** Why nothing can be run on a terminal here; undefined where it can. */
export function noTerminal(): string | undefined {
  const { status } = spawnSync('script', ['--version'])
  return status === 0 ? undefined : 'util-linux script is not installed'
}

/** Runs the built command line with a terminal for its standard streams. What it says comes as stdout, CR before each LF. */
export async function runOnTerminal(args: readonly string[]): Promise<CliResult> {
  await ensureBuilt()
  const command = [process.execPath, BIN, ...args].map(quoted).join(' ')
  const { PATH = '', HOME = '' } = process.env
  const env = { PATH, HOME, TERM: 'xterm', SHELL: '/bin/sh' }
  const child = spawn('script', ['-qec', command, '/dev/null'], { env, stdio: 'pipe' })
  // Not ended before the command is: script would type an end of file for it.
  child.once('exit', () => child.stdin.destroy())
  return finished(child)
}

function quoted(word: string): string {
  return `'${word.replaceAll("'", `'\\''`)}'`
}
