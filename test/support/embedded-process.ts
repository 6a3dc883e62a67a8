import { type ChildProcess, spawn } from 'node:child_process'
import { mkdtemp, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { build } from 'esbuild'
import { ROOT } from './cli.js'

/** The output and the exit status of a child process. */
export interface ChildResult {
  readonly status: number | null
  readonly stdout: string
  readonly stderr: string
}

/** Runs src/repo/embedded in separate processes, whatever the state of dist. */
export interface EmbeddedProcesses {
  /** Starts `node -e SCRIPT home` in its own process group. SCRIPT has `embedded` (the module) and `home` in scope, and may await. */
  start(home: string, script: string, env?: Record<string, string>): ChildProcess
  run(home: string, script: string, env?: Record<string, string>): Promise<ChildResult>
  remove(): Promise<void>
}

/** The bundle is in node_modules, so that it finds the same packages as the source. */
export async function embeddedProcesses(): Promise<EmbeddedProcesses> {
  const dir = await mkdtemp(join(ROOT, 'node_modules', '.embedded-test-'))
  const bundle = join(dir, 'embedded.mjs')
  const entryPoints = [join(ROOT, 'src/repo/embedded/embedded.ts')]
  await build({
    entryPoints,
    outfile: bundle,
    bundle: true,
    platform: 'node',
    format: 'esm',
    packages: 'external',
  })
  const start = (home: string, script: string, env: Record<string, string> = {}) =>
    spawn(process.execPath, ['--input-type=module', '-e', wrap(bundle, script), home], {
      stdio: ['ignore', 'pipe', 'pipe'],
      detached: true,
      env: { ...process.env, ...env },
    })
  return {
    start,
    run: (home, script, env) => finished(start(home, script, env)),
    remove: () => rm(dir, { recursive: true, force: true }),
  }
}

/** Waits until the output is closed, as `$(…)` does in a shell, and not only until the process ends. */
export async function finished(child: ChildProcess): Promise<ChildResult> {
  const output = { stdout: '', stderr: '' }
  child.stdout?.on('data', (chunk) => {
    output.stdout += chunk
  })
  child.stderr?.on('data', (chunk) => {
    output.stderr += chunk
  })
  const status = await new Promise<number | null>((resolve) => child.once('close', resolve))
  return { status, ...output }
}

function wrap(bundle: string, script: string): string {
  return `const [home] = process.argv.slice(1)
const say = (value) => process.stdout.write(JSON.stringify(value))
try {
  const embedded = await import(${JSON.stringify(bundle)})
  ${script}
} catch (error) {
  say({ code: error.code, message: error.message, advice: error.advice })
  process.exitCode = 9
}`
}
