import { spawn } from 'node:child_process'
import { AuditError } from '../../base/errors.js'
import { asOrdinaryUser, namespaceRefused } from './ordinary-user.js'

/** The exit status of a program (null after a signal), and its output on stdout and stderr. */
export interface Ended {
  readonly status: number | null
  readonly output: string
}

export interface RunOptions {
  /** Text for standard input; none by default. */
  readonly input?: string
  /** `ignore` for pg_ctl start: its server inherits an output pipe, and a reader of that pipe would wait for ever. */
  readonly output?: 'capture' | 'ignore'
  readonly signal?: AbortSignal | undefined
}

/** The number of characters of output to keep. initdb writes a few kB. */
const MAX_OUTPUT = 64 * 1024

/** The variables that a server inherits. Others stay out: keys would outlive the command, and PGDATA would mislead. */
const INHERITED = ['PATH', 'HOME', 'USER', 'TMPDIR', 'LD_LIBRARY_PATH']

/**
 * Runs a program of PostgreSQL to its end, in its own session, so that Ctrl-C in the terminal does not reach it. Rejects
 * with `embedded_unavailable` if the program cannot be started, and with the reason of `signal`.
 */
export async function run(
  program: string,
  args: readonly string[],
  options: RunOptions = {},
): Promise<Ended> {
  options.signal?.throwIfAborted()
  const [command, ...rest] = asOrdinaryUser(program, args)
  const output = options.output === 'ignore' ? 'ignore' : 'pipe'
  const child = spawn(command, rest, { stdio: ['pipe', output, output], detached: true, env: environment() })
  let text = ''
  for (const stream of [child.stdout, child.stderr]) {
    stream?.setEncoding('utf8').on('data', (chunk: string) => {
      text = (text + chunk).slice(-MAX_OUTPUT)
    })
  }
  const abort = () => child.pid !== undefined && process.kill(-child.pid, 'SIGKILL')
  options.signal?.addEventListener('abort', abort, { once: true })
  const status = await new Promise<number | null>((resolve, reject) => {
    child.once('error', (cause) => reject(cannotStart(command, cause)))
    child.once('close', resolve)
    // A program that fails early does not read its input. The write error adds nothing to the program's own failure.
    child.stdin?.on('error', () => undefined).end(options.input ?? '')
  }).finally(() => options.signal?.removeEventListener('abort', abort))
  options.signal?.throwIfAborted()
  if (text.startsWith('unshare: ')) throw namespaceRefused(text.trim())
  return { status, output: text }
}

/** Returns the environment of PostgreSQL's programs. Logs and messages are in English and UTC. */
export function environment(): NodeJS.ProcessEnv {
  const own = INHERITED.flatMap((name) =>
    process.env[name] === undefined ? [] : [[name, process.env[name]]],
  )
  return { ...Object.fromEntries(own), LC_ALL: 'C', TZ: 'UTC' }
}

/** Returns the last lines of a program's output, joined to one line. */
export function lastLines(text: string, count = 6): string {
  return text.trim().split('\n').slice(-count).join(' | ')
}

export function cannotStart(command: string, cause: Error): AuditError {
  if (command === 'unshare') return namespaceRefused(cause.message)
  return new AuditError('embedded_unavailable', `cannot start ${command}: ${cause.message}`, { cause })
}
