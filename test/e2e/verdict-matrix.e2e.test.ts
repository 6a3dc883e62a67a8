import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { A } from '../support/attacks/attack.js'
import { type AttackFixture, attackFixture, type Field } from '../support/attacks/fixture.js'
import { change, remove } from '../support/attacks/statements.js'
import { runProcess } from '../support/cli.js'
import { type TestDatabase, testDatabase } from '../support/postgres.js'
import { noTerminal, runOnTerminal } from '../support/terminal.js'

interface Case {
  readonly name: string
  readonly exit: number
  /** The first word of the text on stdout; absent when there is no verdict. */
  readonly says?: string
  readonly words: () => readonly string[]
}

let fixture: AttackFixture
let empty: TestDatabase
const fields: Record<string, Field> = {}

beforeAll(async () => {
  fixture = await attackFixture()
  empty = await testDatabase()
  fields.intact = await fixture.attacked('')
  fields.tampered = await fixture.attacked(change(4, { relation: 'x' }))
  fields.gap = await fixture.attacked(remove('seq = 4'))
})

afterAll(async () => {
  for (const field of Object.values(fields)) await field.drop()
  await empty.drop()
  await fixture.drop()
})

const on = (name: string, ...words: string[]) => [...words, '--database-url', fields[name]?.url ?? '']
const ofA = ['--domain', A]
const UNKNOWN = '0190a8b8-a0c0-7a0a-8a0a-a0a0a0a0a0ff'
const NOWHERE = 'postgresql://postgres@/audit?host=/nonexistent'

const CASES: readonly Case[] = [
  { name: 'intact', exit: 0, says: 'intact', words: () => on('intact', ...ofA) },
  { name: 'intact, every chain', exit: 0, says: 'intact', words: () => on('intact', '--all') },
  { name: 'tampered', exit: 1, says: 'DIVERGED', words: () => on('tampered', ...ofA) },
  { name: 'tampered, every chain', exit: 1, says: 'DIVERGED', words: () => on('tampered', '--all') },
  { name: 'gap', exit: 1, says: 'DIVERGED', words: () => on('gap', ...ofA) },
  { name: 'gap, every chain', exit: 1, says: 'DIVERGED', words: () => on('gap', '--all') },
  { name: 'unreachable', exit: 3, words: () => [...ofA, '--database-url', NOWHERE] },
  { name: 'unreachable, every chain', exit: 3, words: () => ['--all', '--database-url', NOWHERE] },
  { name: 'unknown Domain', exit: 4, words: () => on('intact', '--domain', UNKNOWN) },
  { name: 'empty', exit: 4, words: () => ['--platform', '--database-url', empty.url] },
  { name: 'empty, every chain', exit: 4, words: () => ['--all', '--database-url', empty.url] },
]

const without = noTerminal()
const onTerminal = `%s: the same one on a terminal${without === undefined ? '' : ` (skipped: ${without})`}`
const cases = CASES.map((row) => [row.name, row] as const)

describe.concurrent.each([
  ['text', []],
  ['JSON', ['--json']],
] as const)('verify, %s', (form, json) => {
  it.each(cases)('%s: has this exit status in a pipe', async (_name, { exit, says, words }) => {
    const { code, stdout, stderr } = await runProcess(['verify', ...words(), ...json])
    expect(code).toBe(exit)
    if (says === undefined) expect(stdout).toBe('')
    else if (form === 'text') expect(stdout).toMatch(new RegExp(`^${says} `))
    else expect(JSON.parse(stdout.split('\n')[0] ?? '')).toMatchObject({ ok: exit === 0 })
    if (says === undefined) expect(stderr).toMatch(form === 'text' ? /^Error: / : /^\{"error":\{"code":/)
  })

  it.skipIf(without !== undefined).each(cases)(onTerminal, async (_name, { exit, says, words }) => {
    const { code, stdout } = await runOnTerminal(['verify', ...words(), ...json])
    expect(code).toBe(exit)
    const verdict = form === 'text' ? says : says && `{"ok":${exit === 0},`
    expect(stdout).toContain(verdict ?? (form === 'text' ? 'Error:' : '{"error":{"code":'))
  })
})
