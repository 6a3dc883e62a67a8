import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { styleOf } from '../../src/cli/output/style.js'
import { textWidth } from '../../src/cli/output/text-width.js'
import { CliDatabase } from '../support/append-process.js'
import { A } from '../support/attacks/attack.js'
import { type AttackFixture, attackFixture, type Field } from '../support/attacks/fixture.js'
import { change } from '../support/attacks/statements.js'
import { runCli, runProcess } from '../support/cli.js'
import { type TestDatabase, testDatabase } from '../support/postgres.js'
import { noTerminal, runOnTerminal, shownLines } from '../support/terminal.js'

const COLORED = { isTerminal: true, color: true, unicode: true }

let fixture: AttackFixture
let intact: Field
let tampered: Field

beforeAll(async () => {
  fixture = await attackFixture()
  intact = await fixture.attacked('')
  tampered = await fixture.attacked(change(4, { relation: 'x' }))
})

afterAll(async () => {
  await intact.drop()
  await tampered.drop()
  await fixture.drop()
})

const verify = (field: Field, ...words: string[]) => [
  'verify',
  '--domain',
  A,
  '--database-url',
  field.url,
  ...words,
]

const ESC = '\u001b['
const SHOW_CURSOR = `${ESC}?25h`

/** Returns what a terminal shows once the progress line, which a busy machine may show, is erased. */
function afterProgress(stdout: string): string {
  // The cursor is shown again at the end of the command, after the answer, by each program that hid it.
  let answer = stdout.trimEnd()
  while (answer.endsWith(SHOW_CURSOR)) answer = answer.slice(0, -SHOW_CURSOR.length).trimEnd()
  const erased = [`${ESC}K`, SHOW_CURSOR, `${ESC}G`].map((code) => answer.lastIndexOf(code) + code.length)
  const from = Math.max(...erased)
  return answer.slice(answer.includes(`${ESC}K`) ? from : 0)
}

describe.skipIf(noTerminal() !== undefined)('a verdict on a terminal', () => {
  it.each([
    { name: 'is green with a check mark', env: {}, starts: `${ESC}32m✓ intact` },
    { name: 'has no mark outside of UTF-8', env: { LANG: 'C' }, starts: `${ESC}32mintact` },
    { name: 'has no colour with NO_COLOR', env: { NO_COLOR: '1' }, starts: '✓ intact' },
    { name: 'has no colour on a dumb terminal', env: { TERM: 'dumb' }, starts: '✓ intact' },
    { name: 'is plain ASCII with both', env: { NO_COLOR: '1', LC_ALL: 'POSIX' }, starts: 'intact' },
  ])('$name', async ({ env, starts }) => {
    const { code, stdout } = await runOnTerminal(verify(intact), { env })
    expect({ code, starts: afterProgress(stdout).slice(0, starts.length) }).toEqual({ code: 0, starts })
  })

  it.each([
    { name: 'NO_COLOR gives way to --color always', words: ['--color', 'always'], starts: `${ESC}32m✓` },
    { name: '--color never', words: ['--color=never'], starts: '✓ intact' },
  ])('is coloured as the flag says: $name', async ({ words, starts }) => {
    const { stdout } = await runOnTerminal(verify(intact, ...words), { env: { NO_COLOR: '1' } })
    expect(afterProgress(stdout).slice(0, starts.length)).toBe(starts)
  })

  it('is red with a cross for a finding, and so is the code of the finding', async () => {
    const { code, stdout } = await runOnTerminal(verify(tampered))
    expect(code).toBe(1)
    expect(stdout).toContain('✗ DIVERGED')
    expect(stdout).toContain(`  ${styleOf(COLORED).paint('bad', 'entry_hash_mismatch')}  row 4`)
  })

  it('has neither colour nor marks with --json, whatever --color says', async () => {
    const { stdout } = await runOnTerminal(verify(intact, '--json', '--color=always'))
    expect(JSON.parse(afterProgress(stdout))).toMatchObject({ ok: true })
  })
})

describe('a verdict in a pipe', () => {
  it('has neither colour nor marks, also with FORCE_COLOR', async () => {
    const { stdout } = await runProcess(verify(intact), { env: { FORCE_COLOR: '1', LANG: 'C.UTF-8' } })
    expect(stdout).toMatch(/^intact {4}[0-9a-f-]{36} /)
  })

  it('has colour with --color always', async () => {
    const { stdout } = await runProcess(verify(intact, '--color', 'always'))
    expect(stdout.startsWith(`${ESC}32mintact`)).toBe(true)
  })

  it('is refused with another value of --color', async () => {
    const { code, stderr } = await runProcess(verify(intact, '--color', 'blue'))
    expect({ code, stderr }).toEqual({
      code: 2,
      stderr: expect.stringContaining('--color: expected one of auto, always, never'),
    })
  })
})

/** Commands that print a table, and a title that an 80-column terminal has no room for. */
const TABLES = [
  { words: ['list', '--domain', A], without: 'correlation_id' },
  { words: ['quarantine', 'list', '--all'], without: 'source' },
  { words: ['domain', 'list'], without: 'mirror_url' },
  { words: ['key', 'list', '--all'], without: 'last_used_at' },
  { words: ['relation', 'list', '--all'], without: 'created_at' },
  { words: ['hold', 'list', '--all'], without: 'placed_at' },
  { words: ['retention', 'show', '--all'], without: 'rows_older_than_floor' },
]

describe.skipIf(noTerminal() !== undefined)('an answer in 80 columns', () => {
  /** Commands are one line each, so that they can be copied. */
  const isCommand = (text: string) => /^ +(?:next|with both copies)?:? *audit |: audit /.test(text)

  it.each([
    ['an intact chain', () => verify(intact), 0, 'head 8:'],
    ['a chain that diverges', () => verify(tampered), 1, 'rows around it'],
    ['every chain', () => ['verify', '--all', '--database-url', intact.url], 0, 'head 8:'],
  ])('has no longer line: %s', async (_name, words, exit, has) => {
    const { code, stdout } = await runOnTerminal(words(), { env: { NO_COLOR: '1' } })
    const lines = await shownLines(stdout)
    expect([code, lines.join('\n')]).toEqual([exit, expect.stringContaining(has)])
    for (const text of lines.filter((one) => !isCommand(one)))
      expect(textWidth(text), text).toBeLessThanOrEqual(80)
  })
})

describe.skipIf(noTerminal() !== undefined)('a table on a terminal', () => {
  let database: TestDatabase
  let cli: CliDatabase
  beforeAll(async () => {
    database = await testDatabase()
    cli = new CliDatabase(database.url)
    const domain = ['--domain', await cli.create()]
    const reason = 'a reason that is long, and hard to fit into any column at all'
    await cli.run('key', 'create', ...domain, '--relation', 'owner', '--subject', 'user:alice')
    await cli.run('relation', 'grant', ...domain, '--relation', 'auditor', '--subject', 'user:bob')
    await cli.run('hold', 'place', ...domain, '--reason', reason)
    await runCli(verify(tampered))
  })
  afterAll(async () => {
    cli.remove()
    await database.drop()
  })

  const show = (words: readonly string[], columns: number) => {
    const isOfTampered = ['list', 'quarantine'].includes(words[0] ?? '')
    const env = { ...cli.env, ...(isOfTampered && { AUDIT_DATABASE_URL: tampered.url }), NO_COLOR: '1' }
    return runOnTerminal(words, { columns, env })
  }

  it.each(TABLES)('fits into 80 columns and says what it leaves out: $words', async ({ words, without }) => {
    const { code, stdout } = await show(words, 80)
    expect(code).toBe(0)
    const lines = await shownLines(stdout)
    expect(lines.length).toBeGreaterThan(1)
    const table = lines.filter((line) => !line.startsWith('note: '))
    for (const line of table) expect(textWidth(line), line).toBeLessThanOrEqual(80)
    const said = lines.filter((line) => line.startsWith('no room for: ')).join('')
    expect(said).toContain(without)
  })

  it('has a line for each appended row that fits into 80 columns', async () => {
    const row = ['--subject', 's', '--relation', 'r', '--object', 'o:1']
    const { code, stdout } = await show(['append', '--platform', ...row], 80)
    const lines = await shownLines(stdout)
    expect([code, lines[0]]).toEqual([
      0,
      expect.stringMatching(/^[0-9a-f-]{36} +\d+ {2}[0-9a-f]{8}… {2}\S+Z$/),
    ])
    for (const text of lines) expect(textWidth(text), text).toBeLessThanOrEqual(80)
  })

  it.each(TABLES)('shows every column in 250 columns, and whole ids: $words', async ({ words, without }) => {
    const { stdout } = await show(words, 250)
    expect(stdout).not.toContain('no room for')
    expect(stdout).not.toMatch(/\b[0-9a-f]{8}(?:-[0-9a-f]{4})*…/)
    expect(stdout).toContain(without)
  })
})
