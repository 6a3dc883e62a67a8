import { spawn, spawnSync } from 'node:child_process'
import { BIN, type CliResult, ensureBuilt, finished } from '../cli.js'

/** The reason why no terminal is available here; undefined if one is. */
export function noTerminal(): string | undefined {
  const { status } = spawnSync('script', ['--version'])
  return status === 0 ? undefined : 'util-linux script is not installed'
}

/** Runs the built command line with a terminal as its standard streams. All output is in `stdout`, with CR before each LF. */
export async function runOnTerminal(args: readonly string[]): Promise<CliResult> {
  await ensureBuilt()
  const command = [process.execPath, BIN, ...args].map(quoted).join(' ')
  const { PATH = '', HOME = '' } = process.env
  const env = { PATH, HOME, TERM: 'xterm', SHELL: '/bin/sh' }
  const child = spawn('script', ['-qec', command, '/dev/null'], { env, stdio: 'pipe' })
  // Keep stdin open until the command ends: otherwise script types an end of file.
  child.once('exit', () => child.stdin.destroy())
  return finished(child)
}

function quoted(word: string): string {
  return `'${word.replaceAll("'", `'\\''`)}'`
}
