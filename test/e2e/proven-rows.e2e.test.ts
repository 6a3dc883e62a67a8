import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { CheckedAuditEntry, CheckedEntryList, CheckedEntryProof } from '../../src/json/checked-entry.js'
import { dropChecks, insertDomain } from '../support/chain-rows.js'
import { type CliResult, jsonLines, runCli } from '../support/cli.js'
import { asSuperuser, type TestDatabase, testDatabase } from '../support/postgres.js'

const DOMAIN = '018f0000-0000-7000-8000-000000000001'

/** What was done to each row, by seq from 1, and what is said of it on stderr; undefined for an intact row. */
const ROWS: readonly (readonly [edit: string | undefined, problem: string | undefined])[] = [
  [undefined, undefined],
  ["relation = 'project.write'", 'does not recompute: expected entry_hash '],
  ['prev_hash = NULL', 'does not recompute: prev_hash is no SHA-256 hash'],
  ['entry_hash = NULL', 'got NULL'],
  ['correlation_id = NULL', 'has no canonical bytes: correlation_id'],
  ['reason = 9', 'has no canonical bytes: reason'],
  [undefined, undefined],
]

let database: TestDatabase
let dir: string

beforeAll(async () => {
  database = await testDatabase()
  dir = mkdtempSync(join(tmpdir(), 'audit-proven-'))
  writeFileSync(join(dir, 'cursor.key'), Buffer.alloc(32, 5), { mode: 0o600 })
  const rows = ROWS.map(([edit]) => ({ object: `o:${edit === undefined ? 'intact' : 'edited'}` }))
  await insertDomain(database.url, DOMAIN, rows)
  await asSuperuser(database.url, async (client) => {
    await dropChecks(client)
    for (const [index, [edit]] of ROWS.entries()) {
      const where = `domain_id = '${DOMAIN}' AND seq = ${index + 1}`
      if (edit !== undefined) await client.query(`UPDATE audit_log_entry SET ${edit} WHERE ${where}`)
    }
  })
})

afterAll(async () => {
  await database.drop()
  rmSync(dir, { recursive: true })
})

function audit(...args: string[]): Promise<CliResult> {
  const env = { AUDIT_CURSOR_KEY_FILE: join(dir, 'cursor.key') }
  const chain = args.includes('--domain') ? [] : ['--domain', DOMAIN]
  return runCli([...args, ...chain, '--database-url', database.url], { env })
}

const ALL = ROWS.map((_, index) => index + 1)
const EDITED = ALL.filter((seq) => ROWS[seq - 1]?.[0] !== undefined)

/** The words of a list, the rows that it prints, and the rows that it names on stderr. */
const LISTS: readonly (readonly [words: string[], printed: number[], named: number[]])[] = [
  [[], ALL, []],
  [['--verify'], ALL, EDITED],
  [['--verify', '--limit', '2'], [1, 2], [2]],
  [['--verify', '--limit', '1'], [1], []],
  [['--verify', '--object-id', 'intact'], [1, 7], []],
  [['--verify', '--object-id', 'edited'], EDITED, EDITED],
  [['--verify', '--relation', 'project.write'], [2], [2]],
  [['--verify', '--reason', 'unknown'], [6], [6]],
  [['--verify', '--relation', 'nothing'], [], []],
]

describe.each(ROWS.map((row, index) => [index + 1, ...row] as const))(
  'get of row %i with %s',
  (seq, _, problem) => {
    it.each([[['--json']], [[]]])('prints the row and names the problem: %j', async (flags) => {
      const { code, stdout, stderr } = await audit('get', '--seq', String(seq), ...flags)
      expect({ code, isNamed: stderr.includes(`row ${seq} `) }).toEqual({
        code: problem === undefined ? 0 : 1,
        isNamed: problem !== undefined,
      })
      expect(stderr).toContain(problem ?? '')
      if (flags.length > 0) {
        const { entry } = JSON.parse(stdout) as CheckedEntryProof
        expect(entry).toMatchObject({ seq, check: problem === undefined ? 'ok' : 'damaged' })
      } else expect(stdout).toMatch(new RegExp(`^seq +${seq}$`, 'm'))
    })
  },
)

describe('list', () => {
  const WAYS: readonly string[][] = [['--json'], ['--all', '--json'], [], ['--all']]

  it.each(LISTS)('with %j prints rows %j and names rows %j', async (words, printed, named) => {
    for (const way of WAYS) {
      if (way.includes('--all') && words.includes('--limit')) continue
      const { code, stdout, stderr } = await audit('list', ...words, ...way)
      const seqs = [...stderr.matchAll(/^row (\d+) /gm)].map(([, seq]) => Number(seq))
      expect({ way, code, seqs }).toEqual({ way, code: named.length === 0 ? 0 : 1, seqs: named })
      if (!way.includes('--json')) continue
      const entries = entriesOf(stdout)
      expect(entries.map(({ seq }) => seq)).toEqual(printed)
      const damaged = entries.filter(({ check }) => check === 'damaged').map(({ seq }) => seq)
      expect(damaged).toEqual(printed.filter((seq) => EDITED.includes(seq)))
    }
  })
})

function entriesOf(stdout: string): CheckedAuditEntry[] {
  return (jsonLines(stdout) as (CheckedEntryList | CheckedAuditEntry)[]).flatMap((document) =>
    'items' in document ? document.items : [document],
  )
}

describe('a row after a removed row', () => {
  const CUT = '018f0000-0000-7000-8000-000000000002'

  it('is unlinked, also where a filter hides the rows around it', async () => {
    await insertDomain(database.url, CUT, [{}, {}, {}, { object: 'o:4' }, { object: 'o:5' }])
    await asSuperuser(database.url, `DELETE FROM audit_log_entry WHERE domain_id = '${CUT}' AND seq = 3`)
    const list = (...words: string[]) => audit('list', '--json', ...words, '--domain', CUT)
    const checks = entriesOf((await list()).stdout).map(({ seq, check }) => [seq, check])
    expect(checks).toEqual([
      [1, 'ok'],
      [2, 'ok'],
      [4, 'unlinked'],
      [5, 'ok'],
    ])
    for (const [object, code] of [
      ['4', 1],
      ['5', 0],
    ] as const)
      expect(await list('--object-type', 'o', '--object-id', object, '--verify')).toMatchObject({ code })
    const got = await audit('get', '--seq', '4', '--json', '--domain', CUT)
    expect(got).toMatchObject({ code: 0 })
    expect((JSON.parse(got.stdout) as CheckedEntryProof).entry.check).toBe('unlinked')
    expect(got.stderr).toContain('row 4 is not linked: expected prev_hash to be the entry_hash of row 2')
  })
})

describe('a row of a generation that this program does not know', () => {
  it.each([
    ['list', [EDITED.length, 1]],
    ['an intact answer', [0, 3]],
  ])('is an error beside what was found: %s', async (name, [found, exit]) => {
    const where = `domain_id = '${DOMAIN}' AND seq = 7`
    await asSuperuser(database.url, `UPDATE audit_log_entry SET generation = 2 WHERE ${where}`)
    const words = name === 'list' ? [] : ['--object-id', 'intact']
    const { code, stderr } = await audit('list', '--verify', ...words)
    await asSuperuser(database.url, `UPDATE audit_log_entry SET generation = 1 WHERE ${where}`)
    expect({ code, found: [...stderr.matchAll(/^row \d+ (?:does|has)/gm)].length }).toEqual({
      code: exit,
      found,
    })
    expect(stderr).toContain('is of generation 2')
  })
})
