import { spawnSync } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { decodeCanonical } from '../../src/chain/canonical.js'
import { nobleHasher } from '../../src/chain/hash.js'
import { parseLeafExtra } from '../../src/chain/log/leaf-extra.js'
import { parseTlogProof } from '../../src/chain/note/tlog-proof.js'
import { encodeObject } from '../../src/mirror/object/codec.js'
import { BIN, jsonLines, runCli, runProcess } from '../support/cli.js'
import { hex, type ProofCase, TLOG } from '../support/tlog-vectors.js'

const dir = mkdtempSync(join(tmpdir(), 'verify-proof-'))
const at = (name: string) => join(dir, name)
const [ROW] = TLOG.verify_proof as [ProofCase]

/** Without a database, a home or a mirror. */
const NOWHERE = {
  AUDIT_HOME: '/nonexistent/home',
  AUDIT_DATABASE_URL: 'postgresql://postgres@/audit?host=/nonexistent',
}

function written({ file, policy, entry_hash }: ProofCase): string[] {
  writeFileSync(at('row.tlog-proof'), file)
  writeFileSync(at('audit.policy'), policy)
  const entry = entry_hash === undefined ? [] : ['--entry', entry_hash]
  return ['verify-proof', at('row.tlog-proof'), '--policy', at('audit.policy'), ...entry]
}

beforeAll(() => {
  writeFileSync(at('row'), ROW.file)
  writeFileSync(at('policy'), ROW.policy)
})
afterAll(() => rmSync(dir, { recursive: true }))

describe('audit verify-proof', () => {
  it.each(TLOG.verify_proof)('ends with $exit, $code: $why', async (vector) => {
    const { code, stdout, stderr } = await runCli([...written(vector), '--json'], { env: NOWHERE })
    expect(code, stderr).toBe(vector.exit)
    const said = code === 2 ? JSON.parse(stderr).error.code : (jsonLines(stdout)[0] as { code: string }).code
    expect(said).toBe(vector.code)
  })

  it('prints the row that it proves', async () => {
    const { code, stdout } = await runCli(['verify-proof', at('row'), '--policy', at('policy')], {
      env: NOWHERE,
    })
    expect(code).toBe(0)
    expect(stdout).toMatch(
      /^proven +row \d+ of [0-9a-f-]{36}\nentry_hash +[0-9a-f]{64}\nsigned by +audit\.example\.com/,
    )
    expect(stdout).toMatch(/^recorded_at +2/m)
  })

  it('reads the file from stdin, and the policy from AUDIT_POLICY', async () => {
    const env = { ...NOWHERE, AUDIT_POLICY: at('policy') }
    const { code, stderr } = await runProcess(['verify-proof', '-'], { env, input: ROW.file })
    expect(code, stderr).toBe(0)
  })

  it("reads a shell's <(…)", () => {
    const words = `"$0" "$1" verify-proof <(cat "$2") --policy <(cat "$3")`
    const files = [process.execPath, BIN, at('row'), at('policy')]
    const { status, stderr } = spawnSync('bash', ['-c', words, ...files], { encoding: 'utf8' })
    expect(status, stderr).toBe(0)
  })

  it.each([
    ['a file that does not exist', [at('none'), '--policy', at('policy')], 3, 'file_unreadable'],
    ['a policy that does not exist', [at('row'), '--policy', at('none')], 3, 'file_unreadable'],
    ['no policy', [at('row')], 2, 'usage'],
    [
      'an entry_hash in upper case',
      [at('row'), '--policy', at('policy'), '--entry', 'A'.repeat(64)],
      2,
      'usage',
    ],
    [
      'an object and an entry_hash',
      [at('row'), '--policy', at('policy'), '--entry', 'a'.repeat(64), '--object', at('row')],
      2,
      'usage',
    ],
    ['a file of more than 256 KiB', ['/dev/zero', '--policy', at('policy')], 2, 'checkpoint_malformed'],
    ['a policy of more than 64 KiB', [at('row'), '--policy', '/dev/zero'], 2, 'policy_invalid'],
    ['two files from stdin', ['-', '--policy', '-'], 2, 'usage'],
  ])('refuses %s', async (_why, words, exit, error) => {
    const { code, stderr } = await runCli(['verify-proof', ...words, '--json'], { env: NOWHERE })
    expect([code, JSON.parse(stderr).error.code]).toEqual([exit, error])
  })

  describe('with an object', () => {
    const extra = parseTlogProof(ROW.file)?.extra ?? new Uint8Array()
    const held = parseLeafExtra(extra)
    if (typeof held !== 'object' || held.kind !== 'row') throw new Error('expected a row')
    const prevHash = hex(held.prevHash)
    const row = {
      ...decodeCanonical(held.canonical),
      prevHash,
      entryHash: nobleHasher.entry(prevHash, held.canonical),
    }

    it.each([
      ['that is the row', () => encodeObject(row), 0, 'proven'],
      [
        'with another relation under the entry_hash of the row',
        () => encodeObject({ ...row, relation: 'project.delete' }),
        5,
        'wrong_row',
      ],
      ['of another row', () => encodeObject({ ...row, seq: row.seq + 1 }), 5, 'wrong_row'],
      ['that is no object', async () => Buffer.from('x'), 5, 'wrong_row'],
    ])('%s ends with %3$i', async (_why, object, exit, expected) => {
      writeFileSync(at('object'), await object())
      const words = ['verify-proof', at('row'), '--policy', at('policy'), '--object', at('object'), '--json']
      const { code, stdout, stderr } = await runCli(words, { env: NOWHERE })
      expect(code, stderr).toBe(exit)
      expect(jsonLines(stdout)[0]).toMatchObject({ code: expected })
    })
  })
})
