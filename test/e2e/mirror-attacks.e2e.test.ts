import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { stampSql } from '../support/archive-stamps.js'
import { A, B, HEADS, PLATFORM } from '../support/attacks/attack.js'
import { type AttackFixture, attackFixture, type Field } from '../support/attacks/fixture.js'
import { expectRecorded } from '../support/attacks/recorded.js'
import { type ChainVerdict, isSummary, jsonVerdicts, textVerdicts } from '../support/attacks/verdict.js'
import { type CliResult, jsonLines, runCli } from '../support/cli.js'
import type { MirrorAttack, Verdict } from '../support/mirror-attacks/attack.js'
import { FORKED } from '../support/mirror-attacks/forked.js'
import { MARKER_ID, MirrorCopy } from '../support/mirror-attacks/mirror-copy.js'
import { OBJECTS_EDITED } from '../support/mirror-attacks/objects-edited.js'
import { OBJECTS_MOVED } from '../support/mirror-attacks/objects-moved.js'
import { ROWS_ATTACKED } from '../support/mirror-attacks/rows.js'
import { STAMPS_ATTACKED } from '../support/mirror-attacks/stamps.js'
import { UNKNOWN_CHAINS } from '../support/mirror-attacks/unknown-chains.js'
import { rowsOf } from '../support/postgres.js'

/** Marks every row as archived. */
const ARCHIVED = stampSql()
const NOWHERE = 'postgresql://postgres@/audit?host=/nonexistent'

let fixture: AttackFixture
let honest: MirrorCopy
let dir: string
let heads: string

/** The id is recorded after the stamps, so that their order proves nothing. */
const MARKED = `; INSERT INTO audit_mirror_marker (marker_id, recorded_at) VALUES ('${MARKER_ID}', now() + interval '1 day');`

beforeAll(async () => {
  fixture = await attackFixture()
  honest = await MirrorCopy.ofChains()
  dir = await mkdtemp(join(tmpdir(), 'mirror-attacks-'))
  heads = join(dir, 'heads.ndjson')
  const field = await fixture.attacked(ARCHIVED + MARKED)
  const all = [A, B, PLATFORM].map((chain) => ({ chain, ok: true, findings: [] }))
  for (const source of SOURCES) {
    const { code, stdout, stderr } = await audit(source, field, honest, ['--all', '--json'])
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' })
    expect(jsonVerdicts(stdout)).toEqual(all)
    await writeFile(heads, stdout)
  }
  await field.drop()
})

afterAll(async () => {
  await fixture.drop()
  await honest.drop()
  await rm(dir, { recursive: true })
})

const SOURCES = ['mirror', 'both'] as const
type Source = (typeof SOURCES)[number]

/** Runs verify. The mirror is verified without a database and without a home. */
function audit(
  source: Source,
  field: Field,
  mirror: MirrorCopy,
  words: readonly string[],
): Promise<CliResult> {
  const url = source === 'mirror' ? NOWHERE : field.url
  const env = { AUDIT_DATABASE_URL: url, AUDIT_HOME: '/nonexistent/home', AUDIT_MIRROR_URL: mirror.url }
  return runCli(['verify', '--source', source, ...words], { env })
}

/** Expects every finding on its chain, and every chain without findings to be intact. */
function assertVerdicts({ findings, exit }: Verdict, verdicts: readonly ChainVerdict[]): void {
  expect(verdicts.flatMap((verdict) => verdict.findings)).toEqual(findings)
  for (const { chain, ok } of verdicts) expect(ok).toBe(findings.every((found) => found.chain !== chain))
  if (exit < 2) expect(verdicts.some(({ ok }) => !ok)).toBe(exit === 1)
}

function assertError({ error }: Verdict, json: CliResult, text: CliResult): void {
  if (error === undefined) {
    expect(`${json.stderr}${text.stderr}`).not.toMatch(/error/i)
    return
  }
  const errors = json.stderr.split('\n').filter((line) => line.startsWith('{"error"'))
  expect(errors.map((line) => JSON.parse(line).error.code)).toContain(error)
  expect(text.stderr).toMatch(/^Error: \S/m)
}

async function assertSource(source: Source, attack: MirrorAttack, field: Field, mirror: MirrorCopy) {
  const expected = attack[source]
  const words = (attack.verify ?? ['--domain', A]).map((word) => (word === HEADS ? heads : word))
  const run = (...more: string[]) => audit(source, field, mirror, [...words, ...more])
  const [json, text] = await Promise.all([run('--json'), run()])
  expect([json.code, text.code], `${json.stderr}${text.stderr}`).toEqual([expected.exit, expected.exit])
  assertVerdicts(expected, jsonVerdicts(json.stdout))
  assertResults(source, expected, json)
  assertText(expected, json, text)
}

function assertResults(source: Source, { unarchived = 0, stray }: Verdict, { stdout }: CliResult): void {
  const results = jsonLines(stdout).filter((line) => !isSummary(line))
  const facts = source === 'both' ? { source, unarchived } : { source }
  for (const result of results) expect(result).toMatchObject(facts)
  const found = (results as { stray?: unknown }[]).flatMap((result) =>
    'stray' in result ? [result.stray] : [],
  )
  if (stray !== undefined) expect(found).toEqual([stray])
}

function assertText(expected: Verdict, json: CliResult, text: CliResult): void {
  assertError(expected, json, text)
  assertVerdicts(expected, textVerdicts(text.stdout))
  if (expected.says !== undefined) expect(text.stdout).toMatch(expected.says)
}

/** Expects each finding once in the quarantine, although the chain was verified more than once. */
async function assertQuarantined({ verify = [], both }: MirrorAttack, field: Field): Promise<void> {
  const records = await rowsOf(
    field.url,
    `SELECT domain_id AS chain, code, seq_from::float8, seq_to::float8,
       encode(expected_hash, 'hex') AS expected, encode(observed_hash, 'hex') AS observed
     FROM audit_tamper_quarantine WHERE source = 'both'`,
  )
  const present = (record: object) =>
    Object.fromEntries(Object.entries(record).filter(([, value]) => value !== null))
  expectRecorded(records.map(present), both.findings, verify)
}

const TABLES = { OBJECTS_EDITED, OBJECTS_MOVED, ROWS_ATTACKED, FORKED, STAMPS_ATTACKED, UNKNOWN_CHAINS }

it('gives every attack a name of its own', () => {
  const names = Object.values(TABLES).flatMap((table) => table.map(({ name }) => name))
  expect(names.filter((name, index) => names.indexOf(name) !== index)).toEqual([])
})

describe.concurrent.each(Object.entries(TABLES))('%s', (_table, attacks) => {
  it.each(attacks.map((attack) => [attack.name, attack] as const))('%s', async (_name, attack) => {
    const [field, mirror] = await Promise.all([
      fixture.attacked(ARCHIVED + MARKED + (attack.sql ?? '')),
      honest.copied(),
    ])
    try {
      await attack.objects?.(mirror)
      await assertSource('mirror', attack, field, mirror)
      await assertSource('both', attack, field, mirror)
      await assertQuarantined(attack, field)
    } finally {
      await Promise.all([field.drop(), mirror.drop()])
    }
  })
})
