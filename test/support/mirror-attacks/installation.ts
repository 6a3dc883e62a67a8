import { copyFileSync, mkdirSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect } from 'vitest'
import { type CliResult, jsonLines, runCli } from '../cli.js'

type Env = Readonly<Record<string, string>>

/** A home with a Postgres of its own, as an operator has one, and the mirror that its rows go to. */
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

  /** The documents that a command printed that ended with 0. */
  async json(...args: string[]): Promise<Record<string, unknown>[]> {
    const { code, stdout, stderr } = await this.run([...args, '--json'])
    expect({ args, code, stderr: code === 0 ? '' : stderr }).toEqual({ args, code: 0, stderr: '' })
    return jsonLines(stdout) as Record<string, unknown>[]
  }

  /** Puts the key file of another home in place, as from a backup. */
  takeKeyOf(other: Installation): void {
    mkdirSync(this.home, { recursive: true, mode: 0o700 })
    copyFileSync(other.keyFile, this.keyFile)
  }

  /** Loses everything but the mirror and what a backup has of the key. */
  async drop(): Promise<void> {
    await this.run(['db', 'stop'])
    rmSync(this.#root, { recursive: true, force: true })
  }
}
