import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { A, B, mismatch } from '../support/attacks/attack.js'
import { a, type PlainRow, rehashed } from '../support/attacks/chains.js'
import { type AttackFixture, attackFixture, type Field } from '../support/attacks/fixture.js'
import { change, moveHead, NO_CHECKS } from '../support/attacks/statements.js'
import { textVerdicts } from '../support/attacks/verdict.js'
import { type CliResult, jsonLines, runCli } from '../support/cli.js'
import { MirrorCopy } from '../support/mirror-attacks/mirror-copy.js'
import { noTerminal, runOnTerminal } from '../support/terminal.js'

/** Text that a terminal executes, or shows as something else. Each one tries to print INJECTED. */
const HOSTILE = {
  ansi: '\u001b[31mINJECTED\u001b[0m',
  title: '\u001b]0;INJECTED\u0007',
  c1: '\u009b2JINJECTED',
  bidi: '\u202eINJECTED\u202c\u2066\u2069\u200f\u061c',
  newline: '\nINJECTED\r\nINJECTED\rINJECTED',
  separators: '\u0085INJECTED\u2028INJECTED\u2029INJECTED',
  backspace: 'x\b\u007f\tINJECTED',
  invisible: '\u200b\ufeff\u00adINJECTED\u{e0041}',
}
const ALL = Object.values(HOSTILE).join('|')
const [FIRST, SECOND] = [ALL.slice(0, ALL.length / 2), ALL.slice(ALL.length / 2)]

/** Control characters, except for LF and the CR that a terminal puts before LF. */
const RAW = /[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/u
const lines = (text: string) => text.replaceAll('\r\n', '\n').split('\n')

const hostile: Partial<PlainRow> = {
  relation: FIRST,
  object: `project:${ALL}`,
  correlationId: ALL,
  zedtoken: ALL,
  relationPath: [ALL, SECOND],
}
const quote = (text: string) => `'${text}'`

/** Makes the last row of A hostile, with a correct hash. */
const row8 = rehashed({ ...a(8), ...hostile })
const ROWS = `
  ${change(8, { ...hostile, entryHash: row8.entryHash })} ${moveHead(8, row8.entryHash)}
  INSERT INTO audit_entry_context (domain_id, seq, user_agent) VALUES ('${A}', 8, ${quote(ALL)});
  INSERT INTO audit_archive_stamp VALUES ('${A}', 8, now(), ${quote(ALL)});
  UPDATE audit_domain SET name = ${quote(ALL)} WHERE domain_id = '${A}';
  UPDATE audit_domain SET mirror_url = ${quote(`file:///${ALL}`)} WHERE domain_id = '${B}';
  INSERT INTO audit_tamper_quarantine
    (domain_id, divergent_seq, code, seq_from, seq_to, source, detail, acknowledged_at, acknowledge_reason)
    VALUES ('${A}', 1, ${quote(ALL)}, 1, 1, ${quote(ALL)}, ${quote(ALL)}, now(), ${quote(ALL)});`

let fixture: AttackFixture
let field: Field
let damaged: Field

beforeAll(async () => {
  fixture = await attackFixture()
  field = await fixture.attacked(ROWS)
  damaged = await fixture.attacked(NO_CHECKS + change(4, hostile) + change(5, { relation: '' }))
})

afterAll(async () => {
  await field.drop()
  await damaged.drop()
  await fixture.drop()
})

/**
 * Commands that print rows, the number of hostile texts that each must show escaped, and its exit code. Nothing on a chain
 * names the mirror of B, which `domain list` reports.
 */
const COMMANDS: readonly (readonly [string, readonly string[], number, number])[] = [
  ['list', ['list', '--domain', A], 3, 0],
  ['list --all', ['list', '--domain', A, '--all'], 3, 0],
  ['list, filtered by a hostile text', ['list', '--domain', A, '--correlation-id', ALL], 3, 0],
  ['get', ['get', '--domain', A, '--seq', '8'], 7, 0],
  ['domain list', ['domain', 'list'], 2, 3],
  ['quarantine list', ['quarantine', 'list', '--domain', A], 2, 0],
  ['quarantine show', ['quarantine', 'show', '1'], 4, 0],
]

/** `indented`: whether the text may make a line of its own, indented so that it cannot look like one of audit's lines. */
function assertHarmless(
  { stdout, stderr }: CliResult,
  indented: 'no' | 'in errors' | 'wrapped' = 'no',
): void {
  for (const line of [...lines(stdout), ...lines(stderr)]) {
    expect(line).not.toMatch(RAW)
    // A cell that is wrapped goes on below itself, in its column.
    if (indented !== 'wrapped') expect(line).not.toMatch(indented === 'no' ? /^\s*INJECTED/ : /^INJECTED/)
  }
}

describe.concurrent('hostile text', () => {
  it.each(COMMANDS)('is escaped by %s', async (_name, words, texts, code) => {
    const result = await runCli([...words, '--database-url', field.url])
    expect(result.code).toBe(code)
    assertHarmless(result, 'in errors')
    expect(result.stdout.match(/\\x1b\[31mINJECTED\\x1b\[0m/g)).toHaveLength(texts)
    expect(result.stdout).toContain(String.raw`\x9b2JINJECTED`)
    expect(result.stdout).toContain(String.raw`\nINJECTED\r\nINJECTED\rINJECTED`)
  })

  it.each(COMMANDS)('is escaped in the JSON of %s without a loss', async (_name, words, _texts, code) => {
    const result = await runCli([...words, '--json', '--database-url', field.url])
    expect(result.code).toBe(code)
    assertHarmless(result)
    expect(JSON.stringify(jsonLines(result.stdout))).toContain(JSON.stringify(ALL).slice(1, -1))
  })

  const without = noTerminal()
  const reason = without === undefined ? '' : ` (skipped: ${without})`
  it.skipIf(without !== undefined).each(COMMANDS)(
    `is escaped on a terminal by %s${reason}`,
    async (_name, words, _texts, code) => {
      // Without colour no character of the output may be a control character.
      const on = (columns: number) =>
        runOnTerminal([...words, '--database-url', field.url], { columns, env: { NO_COLOR: '1' } })
      const [wide, narrow] = [await on(2000), await on(80)]
      expect([wide.code, narrow.code]).toEqual([code, code])
      assertHarmless(wide, 'in errors')
      assertHarmless(narrow, 'wrapped')
      expect(wide.stdout).toContain(String.raw`\x1b[31mINJECTED`)
    },
  )

  it('is escaped in the rows around a finding, and makes no line of its own', async () => {
    const result = await runCli(['verify', '--domain', A, '--database-url', damaged.url])
    expect(result.code).toBe(1)
    assertHarmless(result)
    expect(result.stdout).toContain(String.raw`\x1b[31mINJECTED\x1b[0m`)
    const json = await runCli(['verify', '--domain', A, '--database-url', damaged.url, '--json'])
    assertHarmless(json)
    expect(json.stdout).toContain('INJECTED')
    const [verdict] = textVerdicts(result.stdout)
    expect(verdict?.findings).toEqual([mismatch({ ...a(4), ...hostile }, 5)])
  })

  it('leaves an intact chain intact', async () => {
    const result = await runCli(['verify', '--domain', A, '--database-url', field.url])
    expect(result).toMatchObject({ code: 0, stderr: '' })
    assertHarmless(result)
  })
})

describe('hostile text in the key of an object', () => {
  let mirror: MirrorCopy
  beforeAll(async () => {
    mirror = await MirrorCopy.ofChains()
    await writeFile(join(mirror.dir, 'audit', A, ALL.slice(0, 80)), '')
  })
  afterAll(() => mirror.drop())

  it('is escaped in the note of the verdict and makes no line of its own', async () => {
    const source = ['--source', 'mirror', '--mirror', pathToFileURL(mirror.dir).href]
    const text = await runCli(['verify', '--domain', A, ...source])
    expect(text.code).toBe(0)
    assertHarmless(text)
    expect(`${text.stdout}${text.stderr}`).toContain(String.raw`\x1b[31mINJECTED\x1b[0m`)
    const json = await runCli(['verify', '--domain', A, ...source, '--json'])
    assertHarmless(json)
    expect(JSON.stringify(jsonLines(json.stdout))).toContain(JSON.stringify(HOSTILE.ansi).slice(1, -1))
  })
})

describe.concurrent('hostile text in a row that is malformed', () => {
  it.each([[[]], [['--json']]])('is escaped: get %j', async (json) => {
    const own = await fixture.attacked(NO_CHECKS + change(4, { object: ALL }))
    try {
      const words = ['get', '--domain', A, '--seq', '4', '--database-url', own.url]
      const result = await runCli([...words, ...json])
      expect(result.code).toBe(1)
      assertHarmless(result, 'in errors')
    } finally {
      await own.drop()
    }
  })
})

/** An error of the server with hostile text. */
const SAYS = (table: string) => `
  ALTER TABLE ${table} RENAME TO stolen;
  CREATE FUNCTION say() RETURNS boolean LANGUAGE plpgsql AS $$ BEGIN RAISE EXCEPTION USING MESSAGE = ${quote(ALL)}; END $$;
  CREATE VIEW ${table} AS SELECT * FROM stolen WHERE say();`

/** The view raises no error when it has no rows. */
const RECORD = `INSERT INTO audit_tamper_quarantine (domain_id, divergent_seq, code, seq_from, seq_to, source)
  VALUES ('${A}', 1, 'seq_gap', 1, 1, 'postgres');`

/** Errors and the SQL that causes them. */
const ERRORS: readonly (readonly [string, string, readonly string[], number])[] = [
  ['the server’s, of list', SAYS('audit_log_entry'), ['list', '--domain', A], 3],
  ['the server’s, of get', SAYS('audit_log_entry'), ['get', '--domain', A, '--seq', '1'], 3],
  ['the server’s, of verify', SAYS('audit_log_entry'), ['verify', '--domain', A], 3],
  ['the server’s, of verify --all', SAYS('audit_log_entry'), ['verify', '--all'], 3],
  ['the server’s, of domain list', SAYS('audit_domain'), ['domain', 'list'], 3],
  [
    'the server’s, of quarantine list',
    RECORD + SAYS('audit_tamper_quarantine'),
    ['quarantine', 'list', '--all'],
    3,
  ],
  ['the server’s, of the schema', SAYS('audit_schema_migration'), ['verify', '--domain', B], 3],
  ['a Domain', '', ['verify', '--domain', ALL], 2],
  ['a cursor', '', ['list', '--domain', A, '--cursor', ALL], 2],
  ['a seq', '', ['get', '--domain', A, '--seq', ALL], 2],
  ['a pin', '', ['verify', '--domain', A, '--expect-head', ALL], 2],
  ['a file', '', ['verify', '--domain', A, '--expect-heads', `/nonexistent/${ALL}`], 3],
  ['an object', '', ['list', '--domain', A, '--object', ALL.replaceAll(':', '')], 2],
  ['a reason', '', ['list', '--domain', A, '--reason', ALL], 2],
  ['a quarantine id', '', ['quarantine', 'show', ALL], 2],
  ['a flag', '', ['verify', '--domain', A, `--${ALL}`], 2],
  ['a command', '', [ALL], 2],
  [
    'a database',
    '',
    ['verify', '--domain', A, '--database-url', `postgresql://postgres@/${ALL}?host=/tmp`],
    3,
  ],
]

describe.concurrent('hostile text in an error', () => {
  it.each(ERRORS)('is escaped: %s', async (_name, sql, words, exit) => {
    const own = await fixture.attacked(sql)
    const url = words.includes('--database-url') ? [] : ['--database-url', own.url]
    try {
      for (const json of [[], ['--json']]) {
        const result = await runCli([...words, ...url, ...json])
        expect({ code: result.code, stdout: result.stdout }).toEqual({ code: exit, stdout: '' })
        expect(result.stderr).not.toBe('')
        // A message of several lines from another program keeps its lines.
        assertHarmless(result, 'in errors')
      }
    } finally {
      await own.drop()
    }
  })
})
