import { copyFileSync, mkdirSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect } from 'vitest'
import { type CliResult, jsonLines, runCli } from '../cli.js'

type Env = Readonly<Record<string, string>>

/** A home with an embedded Postgres, as an operator has one, and the mirror that its rows go to. */
export class Installation {
  readonly #root = mkdtempSync(join(tmpdir(), 'install-'))
  readonly home = join(this.#root, 'home')
  readonly keyFile = join(this.home, 'pepper.key')
  readonly env: Env

  constructor(mirror: string, more: Env = {}) {
    this.env = { AUDIT_HOME: this.home, AUDIT_MIRROR_URL: mirror, ...more }
  }

  run(args: readonly string[], options: { input?: string; env?: Env } = {}): Promise<CliResult> {
    return runCli(args, { ...options, env: { ...this.env, ...options.env } })
  }

  /** Runs a command that must end with 0, and returns the JSON documents that it printed. */
  async json(...args: string[]): Promise<Record<string, unknown>[]> {
    const { code, stdout, stderr } = await this.run([...args, '--json'])
    expect({ args, code, stderr: code === 0 ? '' : stderr }).toEqual({ args, code: 0, stderr: '' })
    return jsonLines(stdout) as Record<string, unknown>[]
  }

  /** Copies the key file of another home, as from a backup. */
  takeKeyOf(other: Installation): void {
    mkdirSync(this.home, { recursive: true, mode: 0o700 })
    copyFileSync(other.keyFile, this.keyFile)
  }

  /** Deletes everything but the mirror and the backup of the key. */
  async drop(): Promise<void> {
    await this.run(['db', 'stop'])
    rmSync(this.#root, { recursive: true, force: true })
  }
}
