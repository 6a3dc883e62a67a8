import { type ChildProcess, spawn } from 'node:child_process'
import { closeSync, openSync, readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'

/** The home and the database that all figures are measured on. */
export interface Bench {
  readonly home: string
  readonly url: string
  readonly rows: number
}

export function scratch(home: string, url: string, rows: number): Bench {
  return { home, url, rows }
}

/** The command line that is measured. */
export const RUN = fileURLToPath(new URL('../../../bin/run.js', import.meta.url))

/** The result of a process that has ended. */
export interface Ran {
  readonly seconds: number
  /** Peak resident memory, MB. */
  readonly megabytes: number
  readonly stdout: string
}

export interface Options {
  /** A file to use as standard input. */
  readonly input?: string
  /** A file to use as standard output. */
  readonly output?: string
  readonly keepOutput?: boolean
}

/** Runs `audit …` on the home in a new process. */
export async function audit(home: string, args: readonly string[], options: Options = {}): Promise<Ran> {
  return run(process.execPath, [RUN, ...args, '--home', home], { keepOutput: true, ...options })
}

/** Creates a Domain and returns its id. */
export async function createDomain(home: string): Promise<string> {
  const { stdout } = await audit(home, ['domain', 'create', '--json'])
  return JSON.parse(stdout).domain_id
}

/** Runs a baseline of this directory in a new process. */
export async function baseline(name: string, args: readonly string[], options: Options = {}): Promise<Ran> {
  return run(process.execPath, [fileURLToPath(new URL(`./${name}.js`, import.meta.url)), ...args], options)
}

export async function run(command: string, args: readonly string[], options: Options = {}): Promise<Ran> {
  const input = options.input === undefined ? 'ignore' : openSync(options.input, 'r')
  const output = options.output === undefined ? undefined : openSync(options.output, 'w')
  const begun = performance.now()
  const kept = options.keepOutput ? 'pipe' : 'ignore'
  const child = spawn(command, args, { stdio: [input, output ?? kept, 'inherit'] })
  const memory = watchMemory(child)
  let stdout = ''
  child.stdout?.setEncoding('utf8').on('data', (text: string) => {
    stdout += text
  })
  const code = await new Promise<number>((resolve) => child.on('close', (status) => resolve(status ?? -1)))
  for (const file of [input, output]) if (typeof file === 'number') closeSync(file)
  if (code !== 0) throw new Error(`${command} ${args[0]} ended with ${code}`)
  return { seconds: (performance.now() - begun) / 1000, megabytes: memory(), stdout }
}

/** Samples VmHWM. It is a peak, so samples miss only growth in the last moments. */
function watchMemory(child: ChildProcess): () => number {
  let peak = 0
  const look = () => {
    try {
      const status = readFileSync(`/proc/${child.pid}/status`, 'utf8')
      peak = Math.max(peak, Number(/VmHWM:\s+(\d+)/.exec(status)?.[1] ?? 0) / 1024)
    } catch {
      // The process has ended, or this is not Linux.
    }
  }
  const timer = setInterval(look, 20)
  return () => {
    clearInterval(timer)
    return peak
  }
}

export function median(values: readonly number[]): number {
  return quantile(values, 0.5)
}

/** Returns the value below which the `part` of the values is, 0 to 1. */
export function quantile(values: readonly number[], part: number): number {
  return [...values].sort((a, b) => a - b)[Math.floor(values.length * part)] ?? Number.NaN
}

/** Prints one line of the report: our figure, the baseline's, their `ratio`, and the `target` of the ratio. */
export function report(what: string, ours: string, base: string, ratio: number, target: string): void {
  console.log(
    `${what.padEnd(38)} ${ours.padEnd(24)} ${base.padEnd(32)} ratio ${ratio.toFixed(2)}  (${target})`,
  )
}
