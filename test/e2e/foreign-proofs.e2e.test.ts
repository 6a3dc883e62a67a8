import { spawnSync } from 'node:child_process'
import { chmodSync, copyFileSync, existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { vkeyText } from '../../src/chain/note/vkey.js'
import { PLATFORM_ANCHOR } from '../../src/chain/uuid.js'
import { BIN, ROOT } from '../support/cli.js'
import { ProvenLog } from '../support/proven-log.js'

const PAGE = readFileSync(join(ROOT, 'docs/proofs.md'), 'utf8')
const RECIPES = PAGE.slice(PAGE.indexOf('## Without this program'))
  .split('\n')
  .filter((line) => line.startsWith('    '))

/** Returns the lines of the page from the one that begins so, as somebody pastes them. */
function pasted(begin: string, count: number): string {
  const at = RECIPES.findIndex((line) => line.trim().startsWith(begin))
  const lines = RECIPES.slice(at, at + count)
  if (at < 0 || lines.length !== count) throw new Error(`expected a recipe that begins with ${begin}`)
  return lines.map((line) => line.slice(4)).join('\n')
}

const START = pasted('VKEY=', 1)
const OPENSSL = `${START}\n${pasted('sed', 3)}`
const GO = `${START}\n${pasted('GO111MODULE', 1)}`
const SPICY = `${START}\n${pasted('tail', 2)}`

const GO_PACKAGES = '/usr/share/gocode/src/golang.org/x/mod/sumdb/tlog'
const has = (program: string) => spawnSync('sh', ['-c', `command -v ${program}`]).status === 0
const hasGo = has('go') && existsSync(GO_PACKAGES)
const hasSpicy = has('spicy-torchwood')

let log: ProvenLog
let proof: string

/** Runs lines in a shell where `audit` is this program, with the file of the row. */
function shell(lines: string, file = proof, more: Record<string, string> = {}) {
  writeFileSync(log.at('row.tlog-proof'), file)
  const key = { AUDIT_LOG_KEY: `file://${log.at('log.key')}`, AUDIT_LOG_NAME: log.log.signer.logName }
  const path = `${log.at('bin')}:${process.env.PATH}`
  const env = {
    ...log.env,
    ...key,
    HOME: log.dir,
    GOCACHE: log.at('go'),
    PATH: path,
    D: log.domainId,
    ...more,
  }
  return spawnSync('bash', ['-ec', lines], { cwd: log.dir, encoding: 'utf8', env })
}

beforeAll(async () => {
  log = await ProvenLog.make()
  writeFileSync(log.at('log.key'), log.log.signer.seed, { mode: 0o600 })
  copyFileSync(join(ROOT, 'docs/verify-proof/main.go'), log.at('main.go'))
  mkdirSync(log.at('bin'))
  writeFileSync(log.at('bin/audit'), `#!/bin/sh\nexec '${process.execPath}' '${BIN}' "$@"\n`)
  chmodSync(log.at('bin/audit'), 0o755)
  const { code, stdout, stderr } = await log.audit('get', '281', '--proof', '-')
  expect(code, stderr).toBe(0)
  proof = stdout
})
afterAll(() => log.close())

const edited = (from: RegExp, to: string) => {
  const file = proof.replace(from, to)
  expect(file).not.toBe(proof)
  return file
}
const OTHER_SIZE = () => edited(/\n300\n/, '\n301\n')
const OTHER_PATH = () => edited(/\nindex 280\n(.{44})\n(.{44})\n/, '\nindex 280\n$2\n$1\n')
const OTHER_INDEX = () => edited(/\nindex 280\n/, '\nindex 279\n')
const OTHER_ROW = () => edited(/extra UFhBMS1yb3(.).{60}/, `extra UFhBMS1yb3$1${'A'.repeat(60)}`)

describe('openssl', () => {
  it('checks the signature of the log', () => {
    const { status, stdout, stderr } = shell(OPENSSL)
    expect(status, stderr).toBe(0)
    expect(stdout).toContain('Signature Verified Successfully')
  })

  it('finds the key in every vkey: base64 may hold a plus sign too', () => {
    const keys = Array.from({ length: 60 }, (_, at) =>
      log.log.signer.keyOf({ domainId: log.domainId, incarnation: at + 1 }),
    )
    const withPlus = keys.map(({ key }) => vkeyText(key)).find((vkey) => vkey.split('+').length > 3)
    const [line = ''] = OPENSSL.split('\n')
      .filter((one) => one.includes('log.der'))
      .slice(0, 1)
    const { stdout } = shell(`VKEY='${withPlus}'; ${line}; wc -c < log.der`)
    expect([withPlus === undefined, stdout.trim()]).toEqual([false, '44'])
  })

  it('refuses another size, and another key', () => {
    expect(shell(OPENSSL, OTHER_SIZE()).status).not.toBe(0)
    expect(shell(OPENSSL, proof, { D: PLATFORM_ANCHOR }).status).not.toBe(0)
  })
})

describe.runIf(hasGo)('a program with note and tlog of the Go project', () => {
  it('checks the signature, the path and the row', async () => {
    const { status, stdout, stderr } = shell(GO)
    expect(status, stderr).toBe(0)
    expect(stdout).toBe(
      `row 281 of ${log.log.signer.logName}/${log.domainId} is in the tree of 300 rows: ${await log.entryHashOf(281)}\n`,
    )
  })

  it('checks a file without the row by its entry_hash', async () => {
    const bare = proof.replace(/extra .*\n/, '')
    expect(shell(`${GO} ${await log.entryHashOf(281)}`, bare).status).toBe(0)
    expect(shell(`${GO} ${await log.entryHashOf(280)}`, bare).status).not.toBe(0)
  })

  it.each([
    ['another size', OTHER_SIZE],
    ['another path', OTHER_PATH],
    ['another index', OTHER_INDEX],
    ['another row', OTHER_ROW],
  ])('refuses %s', (_what, file) => {
    expect(shell(GO, file()).status).not.toBe(0)
  })
})

describe.runIf(hasSpicy)('spicy-torchwood', () => {
  it('checks the signature and the path', async () => {
    expect(shell(SPICY, proof, { ENTRY_HASH: await log.entryHashOf(281) }).status).toBe(0)
    expect(shell(SPICY, proof, { ENTRY_HASH: await log.entryHashOf(280) }).status).toBe(1)
  })
})

// A skipped test says nothing by itself, so its title does.
it.skipIf(hasGo)(
  'go and golang-golang-x-mod-dev are not installed: the Go program was not run',
  () => undefined,
)
it.skipIf(hasSpicy)('spicy-torchwood is not installed: its lines were not run', () => undefined)
