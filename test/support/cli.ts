import { type ChildProcessWithoutNullStreams, spawn } from 'node:child_process'
import { existsSync, mkdirSync, readdirSync, statSync, utimesSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import lockfile from 'proper-lockfile'
import { runInHost } from './cli-hosts.js'

/** The directory of the repository, found from test/support and from dist/test/support. */
export const ROOT = findRoot(fileURLToPath(new URL('.', import.meta.url)))
export const BIN = join(ROOT, 'bin', 'run.js')

export interface CliOptions {
  /** Added to a clean environment, which has no AUDIT_*, AWS_* or NO_COLOR from outside. */
  readonly env?: Readonly<Record<string, string>>
  readonly input?: string | Uint8Array
  readonly cwd?: string
  /** The directory of another program than ours, for {@link runCli}. */
  readonly root?: string
}

export interface ProcessOptions extends CliOptions {
  /** Another bin/run.js than ours. */
  readonly bin?: string
}

export interface CliResult {
  /** The exit status, or null when a signal ended the process. */
  readonly code: number | null
  readonly signal: NodeJS.Signals | null
  readonly stdout: string
  readonly stderr: string
}

let built: Promise<void> | undefined

/** Builds dist when a source is newer. Of several processes that ask at once, one builds and the others wait. */
export function ensureBuilt(): Promise<void> {
  built ??= buildUnderLock()
  return built
}

/**
 * Runs the built command line, its standard streams not being terminals, in a process that runs many command lines one
 * after the other (cli-host.mjs): there the start of a process is paid once. Facts of the process itself, such as
 * signals, pipes and crashes, are tested with {@link runProcess}.
 */
export async function runCli(args: readonly string[], options: CliOptions = {}): Promise<CliResult> {
  await ensureBuilt()
  const { input = '', cwd = ROOT, root = ROOT } = options
  const env = { ...cleanEnv(), ...options.env }
  const answer = await runInHost(root, { args, env, cwd, input: Buffer.from(input) })
  return { ...answer, signal: null }
}

/** Runs the built command line in a process of its own, its standard streams being pipes. */
export async function runProcess(args: readonly string[], options: ProcessOptions = {}): Promise<CliResult> {
  const child = await spawnCli(args, options)
  // A command may end before it has read all of its input. Ignore that EPIPE.
  child.stdin.on('error', () => undefined)
  child.stdin.end(options.input ?? '')
  return finished(child)
}

/** Starts the command line, for signals and slow readers. The caller ends stdin and waits with {@link finished}. */
export async function spawnCli(
  args: readonly string[],
  options: ProcessOptions = {},
): Promise<ChildProcessWithoutNullStreams> {
  await ensureBuilt()
  return spawn(process.execPath, [options.bin ?? BIN, ...args], {
    cwd: options.cwd ?? ROOT,
    env: { ...cleanEnv(), ...options.env },
    stdio: 'pipe',
  })
}

/** Waits for the end of the child. Call it before the child can have ended. */
export async function finished(child: ChildProcessWithoutNullStreams): Promise<CliResult> {
  if (child.exitCode !== null) throw new Error('the process ended before the wait for it began')
  const stdout: Buffer[] = []
  const stderr: Buffer[] = []
  child.stdout.on('data', (chunk: Buffer) => stdout.push(chunk))
  child.stderr.on('data', (chunk: Buffer) => stderr.push(chunk))
  return new Promise((resolve, reject) => {
    child.once('error', reject)
    child.once('close', (code, signal) =>
      resolve({ code, signal, stdout: text(stdout), stderr: text(stderr) }),
    )
  })
}

/** Parses every line of an output as JSON. */
export function jsonLines(stdout: string): unknown[] {
  return stdout
    .split('\n')
    .filter((line) => line !== '')
    .map((line): unknown => JSON.parse(line))
}

function text(chunks: readonly Buffer[]): string {
  return Buffer.concat(chunks).toString('utf8')
}

const LEAKS =
  /^(AUDIT_|AWS_|BAO_|VAULT_|PG[A-Z]|NO_COLOR$|FORCE_COLOR$|CI$|DEBUG$|NODE_OPTIONS$|NODE_ENV$|VITEST)/

function cleanEnv(): NodeJS.ProcessEnv {
  return Object.fromEntries(Object.entries(process.env).filter(([name]) => !LEAKS.test(name)))
}

async function buildUnderLock(): Promise<void> {
  const cache = join(ROOT, 'node_modules', '.cache')
  mkdirSync(cache, { recursive: true })
  const release = await lockfile.lock(cache, {
    lockfilePath: join(cache, 'audit-build.lock'),
    stale: 60_000,
    retries: { retries: 1_500, minTimeout: 200, maxTimeout: 200 },
  })
  try {
    if (isStale()) await build()
  } finally {
    await release()
  }
}

const STAMP = join(ROOT, 'dist', '.built')

function isStale(): boolean {
  if (!existsSync(STAMP)) return true
  const builtAt = statSync(STAMP).mtimeMs
  const sources = ['package.json', 'tsconfig.json', ...filesIn('src'), ...filesIn('commands')]
  return sources.some((file) => statSync(join(ROOT, file)).mtimeMs > builtAt)
}

function filesIn(dir: string): string[] {
  if (!existsSync(join(ROOT, dir))) return []
  return readdirSync(join(ROOT, dir), { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name).slice(ROOT.length + 1))
}

/** Builds without blocking this process, which refreshes its lock meanwhile. */
async function build(): Promise<void> {
  const startedAt = new Date()
  // tsc emits in spite of type errors; `npm run check` reports them.
  const steps = 'npx tsc; node bin/bundle.js && node bin/manifest.js'
  const result = await finished(spawn(steps, { cwd: ROOT, shell: true }))
  if (result.code !== 0) throw new Error(`the build failed:\n${result.stdout}${result.stderr}`)
  writeFileSync(STAMP, result.stdout)
  // The stamp has the time of the start, so that a source saved during the build counts as newer.
  utimesSync(STAMP, startedAt, startedAt)
}

function findRoot(from: string): string {
  return existsSync(join(from, 'package.json')) ? from : findRoot(join(from, '..'))
}
