import { type ChildProcess, fork } from 'node:child_process'
import { fileURLToPath } from 'node:url'

/** One command line, for {@link runInHost}. */
export interface HostRequest {
  readonly args: readonly string[]
  readonly env: NodeJS.ProcessEnv
  readonly cwd: string
  readonly input: Uint8Array
}

export interface HostAnswer {
  /** The exit code, or null when the command kept its process alive after its verdict. */
  readonly code: number | null
  readonly stdout: string
  readonly stderr: string
}

/** Processes of one test file and program that run command lines at the same time. */
const MOST = 4
const SCRIPT = fileURLToPath(new URL('cli-host.mjs', import.meta.url))

/** The hosts of one program. */
class Pool {
  readonly #idle: Host[] = []
  readonly #waiting: ((host: Host | Promise<Host>) => void)[] = []
  #started = 0

  constructor(readonly root: string) {}

  async run(request: HostRequest): Promise<HostAnswer> {
    const host = await this.#acquire(request.env)
    try {
      const answer = await host.run(request)
      this.#release(host)
      return answer
    } catch (error) {
      this.#started -= 1
      this.#replace(request.env)
      throw error
    }
  }

  /** Starts a host in the place of one that ended, for a request that waits. */
  #replace(env: NodeJS.ProcessEnv): void {
    const next = this.#waiting.shift()
    if (next !== undefined) next(this.#acquire(env))
  }

  async #acquire(env: NodeJS.ProcessEnv): Promise<Host> {
    const free = this.#idle.pop()
    if (free !== undefined) return free
    if (this.#started >= MOST) return new Promise((resolve) => this.#waiting.push(resolve))
    this.#started += 1
    return Host.start(this.root, env)
  }

  #release(host: Host): void {
    const next = this.#waiting.shift()
    if (next === undefined) this.#idle.push(host)
    else next(host)
  }
}

const pools = new Map<string, Pool>()

/** Runs one command line of the built program of `root` in a process that has run others before. */
export async function runInHost(root: string, request: HostRequest): Promise<HostAnswer> {
  const pool = pools.get(root) ?? new Pool(root)
  pools.set(root, pool)
  return pool.run(request)
}

/** A process of cli-host.mjs. It ends with this process, because its channel closes. */
class Host {
  readonly #child: ChildProcess
  #stderr = ''
  #settle: { resolve: (answer: HostAnswer) => void; reject: (error: Error) => void } | undefined

  private constructor(root: string, env: NodeJS.ProcessEnv) {
    this.#child = fork(SCRIPT, [root], {
      cwd: root,
      env,
      execArgv: [],
      serialization: 'advanced',
      stdio: ['ignore', 'ignore', 'pipe', 'ipc'],
    })
    this.#child.stderr?.on('data', (chunk: Buffer) => {
      this.#stderr += chunk.toString()
    })
    this.#child.on('message', (answer: HostAnswer) => this.#settle?.resolve(answer))
    this.#child.on('close', (code, signal) =>
      this.#settle?.reject(new Error(`the command host ended with ${code ?? signal}:\n${this.#stderr}`)),
    )
  }

  static async start(root: string, env: NodeJS.ProcessEnv): Promise<Host> {
    const host = new Host(root, env)
    await host.#answer()
    host.#child.unref()
    host.#child.channel?.unref()
    return host
  }

  async run(request: HostRequest): Promise<HostAnswer> {
    const answer = this.#answer()
    this.#child.send(request)
    return answer
  }

  #answer(): Promise<HostAnswer> {
    return new Promise((resolve, reject) => {
      this.#settle = { resolve, reject }
    })
  }
}
