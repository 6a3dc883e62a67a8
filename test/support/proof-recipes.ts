import { type SpawnSyncReturns, spawnSync } from 'node:child_process'
import { copyFileSync, existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { BIN, ROOT } from './cli.js'

const PAGE = readFileSync(join(ROOT, 'docs/proofs.md'), 'utf8')
const LINES = PAGE.slice(PAGE.indexOf('## Without this program'))
  .split('\n')
  .filter((line) => line.startsWith('    '))

/** Returns the lines of docs/proofs.md from the one that begins so, as somebody pastes them. */
function pasted(begin: string, count: number): string {
  const at = LINES.findIndex((line) => line.trim().startsWith(begin))
  const lines = LINES.slice(at, at + count)
  if (at < 0 || lines.length !== count) throw new Error(`expected a recipe that begins with ${begin}`)
  return lines.map((line) => line.slice(4)).join('\n')
}

const START = pasted('VKEY=', 1)

/** The recipes of the page, for a folder with the file row.tlog-proof, and `D` as the Domain. */
export const RECIPES = {
  openssl: `${START}\n${pasted('sed', 3)}`,
  go: `${START}\n${pasted('GO111MODULE', 1)}`,
  spicy: `${START}\n${pasted('tail', 2)}`,
} as const

/** Returns a recipe that takes the key from audit.policy, as the page says, and needs no key file. */
export function byPolicy(recipe: string): string {
  const [, key = ''] =
    /With a policy in hand, the first half is `([^`]+)`/.exec(PAGE.replaceAll('\n', ' ')) ?? []
  if (key === '' || !recipe.startsWith(START))
    throw new Error('expected the page to say how a policy gives the key')
  return recipe.replace(/^[^;]*;/, () => `${key};`)
}

const has = (program: string) => spawnSync('sh', ['-c', `command -v ${program}`]).status === 0

export const HAS_GO = has('go') && existsSync('/usr/share/gocode/src/golang.org/x/mod/sumdb/tlog')
export const HAS_SPICY = has('spicy-torchwood')

/** A folder where recipes run: `audit` is this program there, and the Go program lies beside the files. */
export class RecipeFolder {
  constructor(
    readonly dir: string,
    readonly env: Readonly<Record<string, string>>,
  ) {
    mkdirSync(join(dir, 'bin'))
    const shim = `#!/bin/sh\nexec '${process.execPath}' '${BIN}' "$@"\n`
    writeFileSync(join(dir, 'bin', 'audit'), shim, { mode: 0o755 })
    copyFileSync(join(ROOT, 'docs/verify-proof/main.go'), join(dir, 'main.go'))
  }

  /** Runs lines with `proof` as the file of the row. */
  run(lines: string, proof: string, more: Readonly<Record<string, string>> = {}): SpawnSyncReturns<string> {
    const { dir } = this
    writeFileSync(join(dir, 'row.tlog-proof'), proof)
    const path = `${join(dir, 'bin')}:${process.env.PATH}`
    const env = { ...this.env, HOME: dir, GOCACHE: join(dir, 'go'), PATH: path, ...more }
    return spawnSync('bash', ['-ec', lines], { cwd: dir, encoding: 'utf8', env })
  }
}
