import type { ChildProcessWithoutNullStreams } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { runCli, spawnCli } from './cli.js'
import { rowsOf } from './postgres.js'

/** A line that `audit append --json` printed: its row is durable. */
export interface Acknowledged {
  readonly domain_id: string
  readonly seq: number
  readonly entry_hash: string
  readonly recorded_at: string
}

/** A database and a key file for the built command line. */
export class CliDatabase {
  readonly #dir = mkdtempSync(join(tmpdir(), 'apk-'))
  readonly keyFile = join(this.#dir, 'key')
  readonly env: Readonly<Record<string, string>>

  constructor(readonly url: string) {
    writeFileSync(this.keyFile, randomBytes(32), { mode: 0o600 })
    this.env = {
      AUDIT_DATABASE_URL: url,
      AUDIT_PEPPER: `file://${this.keyFile}`,
      AUDIT_HOME: join(this.#dir, 'home'),
    }
  }

  run(...args: string[]) {
    return runCli(args, { env: this.env })
  }

  runWith(input: string, ...args: string[]) {
    return runCli(args, { env: this.env, input })
  }

  async create(): Promise<string> {
    const { stdout } = await this.run('domain', 'create', '--json')
    return (JSON.parse(stdout) as Acknowledged).domain_id
  }

  appender(): Promise<AppendProcess> {
    return AppendProcess.start(this.env)
  }

  remove(): void {
    rmSync(this.#dir, { recursive: true, force: true })
  }
}

/** How an append process ended. */
export interface AppendEnd {
  readonly code: number | null
  readonly signal: NodeJS.Signals | null
  readonly stderr: string
}

/** `audit append --stdin --json`, fed line by line. */
export class AppendProcess {
  /** The whole lines that were printed so far. */
  readonly acknowledged: Acknowledged[] = []
  readonly ended: Promise<AppendEnd>
  readonly #child: ChildProcessWithoutNullStreams
  #waiting: { rows: number; wake: () => void }[] = []
  #hasEnded = false

  private constructor(child: ChildProcessWithoutNullStreams) {
    this.#child = child
    // A killed process stops reading, which these tests expect.
    child.stdin.on('error', () => undefined)
    createInterface({ input: child.stdout }).on('line', (line) => this.#take(line))
    let stderr = ''
    child.stderr.on('data', (chunk: Buffer) => {
      stderr += chunk.toString()
    })
    this.ended = new Promise((resolve) => {
      child.once('close', (code, signal) => {
        this.#hasEnded = true
        for (const { wake } of this.#waiting) wake()
        resolve({ code, signal, stderr })
      })
    })
  }

  /** `bin` is another bin/run.js than ours. */
  static async start(env: Readonly<Record<string, string>>, bin?: string): Promise<AppendProcess> {
    return new AppendProcess(
      await spawnCli(['append', '--stdin', '--json'], { env, ...(bin !== undefined && { bin }) }),
    )
  }

  /** Feeds one line and does not wait. */
  feed(line: Record<string, unknown>): void {
    this.#child.stdin.write(`${JSON.stringify(line)}\n`)
  }

  /** Resolves with true once `rows` rows are acknowledged in all, and with false when the process ends before. */
  async reaches(rows: number): Promise<boolean> {
    if (this.acknowledged.length < rows && !this.#hasEnded) {
      await new Promise<void>((wake) => this.#waiting.push({ rows, wake }))
    }
    return this.acknowledged.length >= rows
  }

  /** Feeds one line and resolves with whether its rows were acknowledged. */
  append(line: Record<string, unknown>, rows = 1): Promise<boolean> {
    const target = this.acknowledged.length + rows
    this.feed(line)
    return this.reaches(target)
  }

  end(): Promise<AppendEnd> {
    this.#child.stdin.end()
    return this.ended
  }

  kill(): Promise<AppendEnd> {
    this.#child.kill('SIGKILL')
    return this.ended
  }

  #take(line: string): void {
    const row = acknowledgement(line)
    if (row === undefined) return
    this.acknowledged.push(row)
    const reached = this.#waiting.filter(({ rows }) => rows <= this.acknowledged.length)
    this.#waiting = this.#waiting.filter(({ rows }) => rows > this.acknowledged.length)
    for (const { wake } of reached) wake()
  }
}

/** Returns undefined for a torn line, which a killed process may leave at the end. */
function acknowledgement(line: string): Acknowledged | undefined {
  try {
    return JSON.parse(line) as Acknowledged
  } catch {
    return undefined
  }
}

/** Returns the acknowledged rows that are not in the table with their hash and time, and rows acknowledged twice. */
export async function lost(url: string, rows: readonly Acknowledged[]): Promise<Acknowledged[]> {
  const stored = await rowsOf(
    url,
    `SELECT domain_id, seq::int, encode(entry_hash, 'hex') AS entry_hash,
       to_char(recorded_at AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"') AS recorded_at FROM audit_log_entry`,
  )
  const keyOf = (row: object) => JSON.stringify(Object.entries(row).sort())
  const there = new Set(stored.map(keyOf))
  // The second acknowledgement of one row counts as lost: two entries cannot be one row.
  return rows.filter((row) => !there.delete(keyOf(row)))
}

/** Returns the length of every chain, the platform chain included. Throws when a chain has a gap. */
export async function chainLengths(url: string): Promise<Map<string, number>> {
  const chains = await rowsOf(
    url,
    `SELECT domain_id, max(seq)::int AS length, count(*)::int AS rows, min(seq)::int AS first
     FROM audit_log_entry GROUP BY domain_id`,
  )
  const sparse = chains.filter(({ length, rows, first }) => length !== rows || first !== 1)
  if (sparse.length > 0) throw new Error(`not dense: ${JSON.stringify(sparse)}`)
  return new Map(chains.map(({ domain_id: id, length }) => [String(id), Number(length)]))
}
