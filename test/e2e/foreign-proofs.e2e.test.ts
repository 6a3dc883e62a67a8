import { writeFileSync } from 'node:fs'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { vkeyText } from '../../src/chain/note/vkey.js'
import { PLATFORM_ANCHOR } from '../../src/chain/uuid.js'
import { HAS_GO, HAS_SPICY, RECIPES, RecipeFolder } from '../support/proof-recipes.js'
import { ProvenLog } from '../support/proven-log.js'

let log: ProvenLog
let proof: string

let folder: RecipeFolder

const shell = (lines: string, file = proof, more: Record<string, string> = {}) =>
  folder.run(lines, file, more)

beforeAll(async () => {
  log = await ProvenLog.make()
  writeFileSync(log.at('log.key'), log.log.signer.seed, { mode: 0o600 })
  const key = { AUDIT_LOG_KEY: `file://${log.at('log.key')}`, AUDIT_LOG_NAME: log.log.signer.logName }
  folder = new RecipeFolder(log.dir, { ...log.env, ...key, D: log.domainId })
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
    const { status, stdout, stderr } = shell(RECIPES.openssl)
    expect(status, stderr).toBe(0)
    expect(stdout).toContain('Signature Verified Successfully')
  })

  it('finds the key in every vkey: base64 may hold a plus sign too', () => {
    const keys = Array.from({ length: 60 }, (_, at) =>
      log.log.signer.keyOf({ domainId: log.domainId, incarnation: at + 1 }),
    )
    const withPlus = keys.map(({ key }) => vkeyText(key)).find((vkey) => vkey.split('+').length > 3)
    const [line = ''] = RECIPES.openssl
      .split('\n')
      .filter((one) => one.includes('log.der'))
      .slice(0, 1)
    const { stdout } = shell(`VKEY='${withPlus}'; ${line}; wc -c < log.der`)
    expect([withPlus === undefined, stdout.trim()]).toEqual([false, '44'])
  })

  it('refuses another size, and another key', () => {
    expect(shell(RECIPES.openssl, OTHER_SIZE()).status).not.toBe(0)
    expect(shell(RECIPES.openssl, proof, { D: PLATFORM_ANCHOR }).status).not.toBe(0)
  })
})

describe.runIf(HAS_GO)('a program with note and tlog of the Go project', () => {
  it('checks the signature, the path and the row', async () => {
    const { status, stdout, stderr } = shell(RECIPES.go)
    expect(status, stderr).toBe(0)
    expect(stdout).toBe(
      `row 281 of ${log.log.signer.logName}/${log.domainId} is in the tree of 300 rows: ${await log.entryHashOf(281)}\n`,
    )
  })

  it('checks a file without the row by its entry_hash', async () => {
    const bare = proof.replace(/extra .*\n/, '')
    expect(shell(`${RECIPES.go} ${await log.entryHashOf(281)}`, bare).status).toBe(0)
    expect(shell(`${RECIPES.go} ${await log.entryHashOf(280)}`, bare).status).not.toBe(0)
  })

  it.each([
    ['another size', OTHER_SIZE],
    ['another path', OTHER_PATH],
    ['another index', OTHER_INDEX],
    ['another row', OTHER_ROW],
  ])('refuses %s', (_what, file) => {
    expect(shell(RECIPES.go, file()).status).not.toBe(0)
  })
})

describe.runIf(HAS_SPICY)('spicy-torchwood', () => {
  it('checks the signature and the path', async () => {
    expect(shell(RECIPES.spicy, proof, { ENTRY_HASH: await log.entryHashOf(281) }).status).toBe(0)
    expect(shell(RECIPES.spicy, proof, { ENTRY_HASH: await log.entryHashOf(280) }).status).toBe(1)
  })
})

// A skipped test says nothing by itself, so its title does.
it.skipIf(HAS_GO)(
  'go and golang-golang-x-mod-dev are not installed: the Go program was not run',
  () => undefined,
)
it.skipIf(HAS_SPICY)('spicy-torchwood is not installed: its lines were not run', () => undefined)
