import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { A } from '../support/attacks/attack.js'
import { type AttackFixture, attackFixture } from '../support/attacks/fixture.js'
import { unreadableRow } from '../support/attacks/unreadable.js'
import { jsonLines, runCli } from '../support/cli.js'
import { MirrorCopy } from '../support/mirror-attacks/mirror-copy.js'

const EDITED = `UPDATE audit_log_entry SET relation = 'x' WHERE domain_id = '${A}' AND seq = 2;`

let fixture: AttackFixture
let mirror: MirrorCopy

beforeAll(async () => {
  fixture = await attackFixture()
  mirror = await MirrorCopy.ofChains()
})

afterAll(() => fixture.drop())

interface Case {
  readonly name: string
  readonly sql: string
  readonly exit: number
  readonly verdicts: readonly unknown[]
}

const CASES: readonly Case[] = [
  { name: 'has no other damage', sql: '', exit: 3, verdicts: [] },
  {
    name: 'comes after an edited row',
    sql: EDITED,
    exit: 1,
    verdicts: [expect.objectContaining({ ok: false, divergent_seq: 2 })],
  },
]

describe.each(['postgres', 'both'] as const)('a row that Postgres cannot read, from %s', (source) => {
  it.each(CASES)('ends with $exit where the chain $name', async ({ sql, exit, verdicts }) => {
    const field = await fixture.attacked(`${sql}${unreadableRow(6)}`)
    const words = ['verify', '--domain', A, '--source', source, '--no-quarantine', '--json']
    const where = ['--database-url', field.url, '--mirror', mirror.url]
    const { code, stdout, stderr } = await runCli([...words, ...where])
    await field.drop()
    expect(code).toBe(exit)
    expect(stderr).toMatch(/"code":"database_failed","message":"Postgres: .* chunk number .* toast value/)
    expect(jsonLines(stdout)).toEqual(verdicts)
  })
})
