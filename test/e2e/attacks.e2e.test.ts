import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { quarantineJson } from '../../src/json/quarantine-record.js'
import { streamQuarantine } from '../../src/quarantine/quarantine.js'
import { postgresQuarantine } from '../../src/repo/quarantine/quarantine.js'
import { Database } from '../../src/repo/session/database.js'
import { PostgresSource } from '../../src/repo/verify/postgres-source.js'
import { verifyChain } from '../../src/verify/verify-chain.js'
import { A, type Attack, B, HEADS, PLATFORM } from '../support/attacks/attack.js'
import { DISGUISED } from '../support/attacks/disguised.js'
import { EDITED } from '../support/attacks/edited.js'
import { type AttackFixture, attackFixture, type Field } from '../support/attacks/fixture.js'
import { FORCED } from '../support/attacks/forced.js'
import { FORKED } from '../support/attacks/forked.js'
import { expectRecorded } from '../support/attacks/recorded.js'
import { REMOVED } from '../support/attacks/removed.js'
import { SEGMENTED } from '../support/attacks/segments.js'
import { STAMPS_ATTACKED } from '../support/attacks/stamps.js'
import { UNKNOWN_CHAINS } from '../support/attacks/unknown-chains.js'
import { type ChainVerdict, jsonVerdicts, quarantined, textVerdicts } from '../support/attacks/verdict.js'
import { type CliResult, jsonLines, runCli } from '../support/cli.js'

let fixture: AttackFixture
let dir: string
let heads: string

beforeAll(async () => {
  fixture = await attackFixture()
  dir = await mkdtemp(join(tmpdir(), 'attacks-'))
  heads = join(dir, 'heads.ndjson')
  const before = await fixture.attacked('')
  const { code, stdout } = await audit(before, ['verify', '--all', '--json'])
  await before.drop()
  expect(code).toBe(0)
  expect(jsonVerdicts(stdout)).toEqual([A, B, PLATFORM].map((chain) => ({ chain, ok: true, findings: [] })))
  await writeFile(heads, stdout)
})

afterAll(async () => {
  await fixture.drop()
  await rm(dir, { recursive: true })
})

function audit(field: Field, args: readonly string[]): Promise<CliResult> {
  return runCli([...args, '--database-url', field.url])
}

/** Returns the chains that the attack's `verify` checks. */
function asked({ verify = ['--domain', A] }: Attack): readonly string[] {
  if (verify.includes('--all')) return [A, B, PLATFORM]
  if (verify.includes('--platform')) return [PLATFORM]
  return [verify[1] ?? A]
}

/** Expects every finding on its chain, and every chain without findings to be intact. */
function assertVerdicts({ findings, exit }: Attack, verdicts: readonly ChainVerdict[]): void {
  expect(verdicts.flatMap((verdict) => verdict.findings)).toEqual(findings)
  for (const { chain, ok } of verdicts) expect(ok).toBe(findings.every((found) => found.chain !== chain))
  if (exit < 2) expect(verdicts.some(({ ok }) => !ok)).toBe(exit === 1)
}

async function assertNobodyElseAccused(attack: Attack, field: Field): Promise<void> {
  const left = [...asked(attack), ...(attack.alsoDamaged ?? [])]
  await withDatabase(field, async (database) => {
    const source = new PostgresSource(database)
    for (const domainId of [A, B, PLATFORM].filter((chain) => !left.includes(chain))) {
      const request = { domainId, fromSeq: 1, pins: [] }
      const { findings } = await verifyChain(source, request, () => undefined, AbortSignal.timeout(60_000))
      expect(findings).toEqual([])
    }
  })
}

function assertError({ error }: Attack, json: CliResult, text: CliResult): void {
  if (error === undefined) {
    expect(`${json.stderr}${text.stderr}`).not.toMatch(/error/i)
    return
  }
  const errors = json.stderr.split('\n').filter((line) => line.startsWith('{"error"'))
  expect(errors.map((line) => JSON.parse(line).error.code)).toContain(error)
  expect(text.stderr).toMatch(/^Error: \S/m)
}

/** Reads the quarantine: by the command when there are several records, otherwise in process, which costs less. */
async function quarantineOf({ findings }: Attack, field: Field): Promise<readonly unknown[]> {
  if (findings.length > 2) {
    const { code, stdout } = await audit(field, ['quarantine', 'list', '--all', '--json'])
    expect(code).toBe(0)
    return jsonLines(stdout)
  }
  return withDatabase(field, async (database) => {
    const filter = { domainId: undefined, unacknowledgedOnly: false }
    const records: unknown[] = []
    for await (const record of streamQuarantine(postgresQuarantine(database), filter)) {
      records.push(quarantineJson(record))
    }
    return records
  })
}

async function withDatabase<T>(field: Field, use: (database: Database) => Promise<T>): Promise<T> {
  const database = new Database(field.url)
  try {
    return await use(database)
  } finally {
    await database.close()
  }
}

async function assertAttack(attack: Attack, field: Field): Promise<void> {
  const words = (attack.verify ?? ['--domain', A]).map((word) => (word === HEADS ? heads : word))
  const json = await audit(field, ['verify', ...words, '--json'])
  const text = await audit(field, ['verify', ...words])
  expect([json.code, text.code], json.stderr + text.stderr).toEqual([attack.exit, attack.exit])
  assertError(attack, json, text)
  assertVerdicts(attack, jsonVerdicts(json.stdout))
  assertVerdicts(attack, textVerdicts(text.stdout))
  if (attack.exit === 1 && asked(attack).length === 1) expect(text.stdout).toMatch(/^DIVERGED {2}/)
  // The chain was verified twice, and each finding is recorded once.
  const records = await quarantineOf(attack, field)
  expectRecorded(quarantined(records), attack.findings, words)
  await assertNobodyElseAccused(attack, field)
}

const TABLES = { EDITED, REMOVED, FORCED, FORKED, SEGMENTED, DISGUISED, STAMPS_ATTACKED, UNKNOWN_CHAINS }

it('gives every attack a name of its own', () => {
  const names = Object.values(TABLES).flatMap((table) => table.map(({ name }) => name))
  expect(names.filter((name, index) => names.indexOf(name) !== index)).toEqual([])
})

describe.concurrent.each(Object.entries(TABLES))('%s', (_table, attacks) => {
  it.each(attacks.map((attack) => [attack.name, attack] as const))('%s', async (_name, attack) => {
    const field = await fixture.attacked(attack.sql)
    try {
      await assertAttack(attack, field)
    } finally {
      await field.drop()
    }
  })
})
