import { type ChildProcess, spawn } from 'node:child_process'
import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { build } from 'esbuild'
import { ROOT } from './cli.js'
import type { SigningTask } from './signing-process-main.js'

/** How a signing process ended. */
export interface SigningEnd {
  readonly signal: NodeJS.Signals | null
  readonly code: number | null
  readonly stdout: string
  readonly stderr: string
}

/** Runs signers in processes of their own, which send themselves a signal after a step. */
export class SigningProcesses {
  readonly #dir: string

  private constructor(dir: string) {
    this.#dir = dir
  }

  /** The bundle is in node_modules, so that it finds the same packages as the source. */
  static async make(): Promise<SigningProcesses> {
    const dir = await mkdtemp(join(ROOT, 'node_modules', '.signing-test-'))
    await build({
      entryPoints: [join(ROOT, 'test/support/signing-process-main.ts')],
      outfile: join(dir, 'main.mjs'),
      bundle: true,
      platform: 'node',
      format: 'esm',
      packages: 'external',
    })
    return new SigningProcesses(dir)
  }

  start(task: SigningTask): { readonly child: ChildProcess; readonly end: Promise<SigningEnd> } {
    const child = spawn(process.execPath, [join(this.#dir, 'main.mjs'), JSON.stringify(task)], {
      stdio: ['ignore', 'pipe', 'pipe'],
    })
    let [stdout, stderr] = ['', '']
    child.stdout.on('data', (chunk) => {
      stdout += chunk
    })
    child.stderr.on('data', (chunk) => {
      stderr += chunk
    })
    const end = new Promise<SigningEnd>((resolve) =>
      child.once('close', (code, signal) => resolve({ code, signal, stdout, stderr })),
    )
    return { child, end }
  }

  run(task: SigningTask): Promise<SigningEnd> {
    return this.start(task).end
  }

  remove(): Promise<void> {
    return rm(this.#dir, { recursive: true, force: true })
  }
}

/** Resolves once a process is stopped by a signal. */
export async function stopped({ pid }: ChildProcess): Promise<void> {
  for (;;) {
    const status = await readFile(`/proc/${pid}/stat`, 'utf8')
    if (status.slice(status.lastIndexOf(')') + 2).startsWith('T')) return
    await sleep(20)
  }
}
