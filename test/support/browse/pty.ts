import { execFileSync, spawn } from 'node:child_process'
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import xterm from '@xterm/headless'
import { expect } from 'vitest'
import { BIN, ensureBuilt } from '../cli.js'

export interface PtyOptions {
  readonly columns?: number
  readonly rows?: number
  readonly env?: Readonly<Record<string, string>>
}

export interface Ended {
  readonly code: number | null
  /** What is on the terminal after the command has ended. */
  readonly screen: string
}

/**
 * The built command line on a real pseudo-terminal, which `script` of util-linux makes, and a terminal emulator that shows what
 * a user sees.
 */
export class PtySession {
  readonly #folder = mkdtempSync(join(tmpdir(), 'audit-pty-'))
  readonly #terminal: xterm.Terminal
  readonly #ended: Promise<number | null>
  #write: (text: string) => void = () => undefined
  /** Everything that the command wrote, codes included. */
  output = ''

  private constructor(args: readonly string[], { columns = 80, rows = 24, env = {} }: PtyOptions) {
    this.#terminal = new xterm.Terminal({ cols: columns, rows, allowProposedApi: true })
    const command = [process.execPath, BIN, ...args].map(quoted).join(' ')
    const note = (name: string) => quoted(join(this.#folder, name))
    const shell = `tty > ${note('tty')}; stty rows ${rows} cols ${columns}; echo $$ > ${note('pid')}; exec ${command}`
    const { PATH = '', HOME = '' } = process.env
    const child = spawn('script', ['-qefc', shell, '/dev/null'], {
      env: { PATH, HOME, TERM: 'xterm-256color', LANG: 'C.UTF-8', SHELL: '/bin/sh', ...env },
      stdio: 'pipe',
    })
    this.#write = (text) => void child.stdin.write(text)
    child.stdin.on('error', () => undefined)
    child.stdout.on('data', (chunk: Buffer) => {
      this.output += chunk.toString('utf8')
      this.#terminal.write(chunk)
    })
    // Keep stdin open until the command ends: otherwise script types an end of file.
    child.once('exit', () => child.stdin.destroy())
    this.#ended = new Promise((resolve, reject) => {
      child.once('error', reject)
      child.once('close', (code) => resolve(code))
    })
  }

  static async start(args: readonly string[], options: PtyOptions = {}): Promise<PtySession> {
    await ensureBuilt()
    return new PtySession(args, options)
  }

  /** The lines of the terminal, without spaces at their ends. */
  get lines(): string[] {
    const { active } = this.#terminal.buffer
    const lines = Array.from({ length: this.#terminal.rows }, (_, row) => active.getLine(active.baseY + row))
    return lines.map((line) => line?.translateToString(true) ?? '')
  }

  get screen(): string {
    return this.lines.join('\n')
  }

  /** Whether the alternate screen is shown. */
  get isFullScreen(): boolean {
    return this.#terminal.buffer.active.type === 'alternate'
  }

  /** Waits until the terminal shows something. */
  async sees(pattern: string | RegExp): Promise<void> {
    await expect.poll(() => this.screen, { timeout: 60_000, interval: 20 }).toMatch(pattern)
  }

  press(text: string): void {
    this.#write(text)
  }

  resize(columns: number, rows: number): void {
    this.#terminal.resize(columns, rows)
    execFileSync('stty', ['-F', this.#noted('tty'), 'cols', String(columns), 'rows', String(rows)])
  }

  kill(signal: NodeJS.Signals): void {
    process.kill(Number(this.#noted('pid')), signal)
  }

  /** Waits for the end of the command. Rejects with the screen where it does not end. */
  async ended(): Promise<Ended> {
    const code = await Promise.race([this.#ended, sleep(90_000, undefined, { ref: false })])
    if (code === undefined) throw new Error(`the command does not end; the terminal shows:\n${this.screen}`)
    await new Promise<void>((resolve) => this.#terminal.write('', resolve))
    return { code, screen: this.screen }
  }

  drop(): void {
    if (existsSync(join(this.#folder, 'pid'))) {
      try {
        this.kill('SIGKILL')
      } catch {
        // The command has ended.
      }
    }
    rmSync(this.#folder, { recursive: true, force: true })
  }

  #noted(name: string): string {
    return readFileSync(join(this.#folder, name), 'utf8').trim()
  }
}

function quoted(word: string): string {
  return `'${word.replaceAll("'", `'\\''`)}'`
}
