import { type ChildProcess, spawn } from 'node:child_process'
import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { rowsOf } from './postgres.js'

const PGBOUNCER = process.env.AUDIT_TEST_PGBOUNCER ?? '/usr/sbin/pgbouncer'

/** Whether pgbouncer is installed here. */
export const HAS_POOLER = existsSync(PGBOUNCER)

const PORT = 6432

/** pgbouncer refuses to run as root, so it gets the id of another user. */
const ORDINARY = process.getuid?.() === 0 ? ['unshare', '--user', '--map-user=1000', '--map-group=1000'] : []

/** A pgbouncer in transaction mode before a database: each transaction may have another connection of the server. */
export class Pooler {
  readonly #process: ChildProcess
  readonly #dir: string
  /** The URL of the database through the pooler. */
  readonly url: string

  private constructor(process: ChildProcess, dir: string, database: string) {
    this.#process = process
    this.#dir = dir
    this.url = `postgresql://postgres@/${database}?host=${encodeURIComponent(dir)}&port=${PORT}`
  }

  /** `connections`: how many the pooler has to the server. */
  static async start(url: string, connections: number): Promise<Pooler> {
    const { pathname, searchParams } = new URL(url.replace('@/', '@localhost/'))
    const database = pathname.slice(1)
    const dir = mkdtempSync(join(tmpdir(), 'apb-'))
    const settings = {
      listen_port: PORT,
      unix_socket_dir: dir,
      auth_type: 'any',
      pool_mode: 'transaction',
      default_pool_size: connections,
      ignore_startup_parameters: 'extra_float_digits',
    }
    const target = `host=${searchParams.get('host')} port=5432 dbname=${database} user=postgres`
    const lines = Object.entries(settings).map(([name, value]) => `${name} = ${value}`)
    const file = join(dir, 'pgbouncer.ini')
    writeFileSync(file, ['[databases]', `${database} = ${target}`, '[pgbouncer]', ...lines, ''].join('\n'))
    const [program = '', ...words] = [...ORDINARY, PGBOUNCER, file]
    const pooler = new Pooler(spawn(program, words, { stdio: 'ignore' }), dir, database)
    await pooler.#answers()
    return pooler
  }

  async #answers(): Promise<void> {
    for (let tries = 0; ; tries += 1) {
      try {
        await rowsOf(this.url, 'SELECT')
        return
      } catch (error) {
        if (tries > 200) throw error
        await sleep(50)
      }
    }
  }

  async stop(): Promise<void> {
    const ended = new Promise((resolve) => this.#process.once('exit', resolve))
    this.#process.kill('SIGKILL')
    await ended
    rmSync(this.#dir, { recursive: true, force: true })
  }
}
