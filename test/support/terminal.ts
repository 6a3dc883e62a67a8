import { type ChildProcessWithoutNullStreams, spawn, spawnSync } from 'node:child_process'
import xterm from '@xterm/headless'
import { BIN, type CliResult, ensureBuilt, finished, ROOT } from './cli.js'

export interface TerminalOptions {
  /** Default: 80 columns and 24 rows. */
  readonly columns?: number
  readonly rows?: number
  /** Added to an environment with TERM and a UTF-8 locale. */
  readonly env?: Readonly<Record<string, string>>
  readonly cwd?: string
  /** Another bin/run.js than ours. */
  readonly bin?: string
}

/** The reason why no terminal is available here; undefined if one is. */
export function noTerminal(): string | undefined {
  const { status } = spawnSync('script', ['--version'])
  return status === 0 ? undefined : 'util-linux script is not installed'
}

/** Runs the built command line with a terminal as its standard streams. All output is in `stdout`, with CR before each LF. */
export async function runOnTerminal(
  args: readonly string[],
  options: TerminalOptions = {},
): Promise<CliResult> {
  const child = await startOnTerminal(args, options)
  // Keep stdin open until the command ends: otherwise script types an end of file.
  child.once('exit', () => child.stdin.destroy())
  return finished(child)
}

/** Returns the lines that a very wide terminal shows after an output, without what was erased or drawn over. */
export async function shownLines(output: string): Promise<string[]> {
  const terminal = new xterm.Terminal({ cols: 1000, rows: 500, allowProposedApi: true })
  await new Promise<void>((resolve) => terminal.write(output, resolve))
  const { active } = terminal.buffer
  const lines = Array.from(
    { length: active.length },
    (_, at) => active.getLine(at)?.translateToString(true) ?? '',
  )
  terminal.dispose()
  return lines.join('\n').trimEnd().split('\n')
}

/** Starts the command line on a terminal. What is written to the child's stdin is typed: `\x03` is Ctrl-C. */
export async function startOnTerminal(
  args: readonly string[],
  { columns = 80, rows = 24, env: added, cwd = ROOT, bin = BIN }: TerminalOptions = {},
): Promise<ChildProcessWithoutNullStreams> {
  await ensureBuilt()
  const words = [process.execPath, bin, ...args].map(quoted).join(' ')
  const command = `stty cols ${columns} rows ${rows}; exec ${words}`
  const { PATH = '', HOME = '' } = process.env
  const env = { PATH, HOME, TERM: 'xterm', LANG: 'C.UTF-8', SHELL: '/bin/sh', ...added }
  return spawn('script', ['-qefc', command, '/dev/null'], { cwd, env, stdio: 'pipe' })
}

function quoted(word: string): string {
  return `'${word.replaceAll("'", `'\\''`)}'`
}
