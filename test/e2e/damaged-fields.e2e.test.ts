import { execFileSync } from 'node:child_process'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { CaseCopy } from '../support/case-copy.js'
import { ROOT } from '../support/cli.js'

/** The correlation_id of row 24, as it was written and as it was edited. */
const [WRITTEN, EDITED] = ['req-23', 'r99']

let copy: CaseCopy
let bundle: string

beforeAll(async () => {
  copy = new CaseCopy()
  await copy.edit(24, { correlation_id: EDITED })
  bundle = await copy.exported()
})
afterAll(() => copy.drop())

it('shows by verify what the canonical bytes of an edited object hold', async () => {
  const json = await copy.run('verify', ...copy.inMirror, '--json')
  expect(json.code).toBe(1)
  expect(JSON.parse(json.stdout).findings).toEqual([
    expect.objectContaining({
      code: 'object_malformed',
      seq_from: 24,
      changes: [{ field: 'correlation_id', mirror: EDITED, canonical_bytes: WRITTEN }],
    }),
  ])
  const text = await copy.run('verify', ...copy.inMirror)
  expect(text.stdout).toMatch(/row 24 +the object's own canonical bytes hold +its fields say/)
  expect(text.stdout).toMatch(/correlation_id +req-23 +r99/)
  expect(text.stdout).not.toContain('cannot be known')
})

it('says that the original cannot be known where the canonical bytes do not recompute', async () => {
  const other = new CaseCopy()
  await other.edit(24, { correlation_id: EDITED, prev_hash: 'ab'.repeat(32) })
  const { code, stdout } = await other.run('verify', ...other.inMirror)
  other.drop()
  expect(code).toBe(1)
  expect(stdout).toContain('cannot be known from the mirror alone')
  expect(stdout).not.toContain('own canonical bytes hold')
})

it('prints by get the edited fields, and the canonical bytes and hashes of the object', async () => {
  const json = await copy.run('get', '24', ...copy.inMirror, '--json')
  const whole = new CaseCopy()
  const original = JSON.parse((await whole.run('get', '24', ...whole.inMirror, '--json')).stdout)
  whole.drop()
  expect(json.code).toBe(1)
  expect(JSON.parse(json.stdout)).toEqual({
    ...original,
    entry: { ...original.entry, correlation_id: EDITED, check: 'damaged' },
  })
  const text = await copy.run('get', '24', ...copy.inMirror)
  expect(text.stdout).toMatch(/^proof +the canonical bytes recompute to entry_hash; THE FIELDS DO NOT MATCH/m)
})

it('exports the hashes of an edited object, and every verifier reports the row', async () => {
  const row = JSON.parse((await copy.run('get', '24', bundle, '--json')).stdout)
  const { proof } = JSON.parse((await copy.run('get', '24', ...copy.inMirror, '--json')).stdout)
  expect(row.proof).toEqual({ ...proof, canonical_bytes: '' })
  const verified = await copy.run('verify', bundle, '--json')
  expect(verified.code).toBe(1)
  expect(JSON.parse(verified.stdout).findings).toEqual([
    expect.objectContaining({ code: 'malformed_row', seq_from: 24, seq_to: 24 }),
  ])
  const shipped = join(ROOT, 'docs', 'verifiers')
  for (const [program, script] of [
    [process.execPath, 'verify-bundle.mjs'],
    ['python3', 'verify_bundle.py'],
  ] as const) {
    const run = () => execFileSync(program, [join(shipped, script), bundle], { stdio: 'pipe' })
    expect(run).toThrow(expect.objectContaining({ status: 1 }))
  }
})
