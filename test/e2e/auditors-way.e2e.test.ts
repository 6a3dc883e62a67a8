import { randomBytes } from 'node:crypto'
import { cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { PLATFORM_ANCHOR } from '../../src/chain/uuid.js'
import { CliDatabase } from '../support/append-process.js'
import { jsonLines, runCli } from '../support/cli.js'
import { type TestDatabase, testDatabase } from '../support/postgres.js'
import { byPolicy, HAS_GO, RECIPES, RecipeFolder } from '../support/proof-recipes.js'
import { SignedField } from '../support/signed-site.js'

const dir = mkdtempSync(join(tmpdir(), 'auditors-way-'))
const at = (...names: readonly string[]) => join(dir, ...names)
const urlOf = (...names: readonly string[]) => pathToFileURL(at(...names)).href

/** Each is signed. */
const SIZES = [20, 40, 60]
const REWRITTEN = 31

let database: TestDatabase
let cli: CliDatabase
let domainId: string
/** The place of the operator, and the place of the auditor, who has a copy of the bucket alone. */
let operator: SignedField
let auditor: SignedField

const line = (seq: number) =>
  JSON.stringify({ subject_id: 'alice', relation: 'project.read', object: `project:${seq}` })

/** Runs a command with the key of the log, as its operator does. */
function operate(...words: readonly string[]) {
  const signing = { AUDIT_LOG_KEY: urlOf('log.key'), AUDIT_LOG_NAME: 'audit.example.com' }
  const env = { ...cli.env, ...signing, AUDIT_MIRROR_URL: urlOf('operator', 'mirror') }
  return runCli(words, { env })
}

/** Runs a command without a database, a home or the key of the log. */
function audit(...words: readonly string[]) {
  const env = { AUDIT_HOME: '/nonexistent/home', AUDIT_MIRROR_URL: urlOf('auditor', 'mirror') }
  return runCli(words, { env, cwd: at('auditor') })
}

beforeAll(async () => {
  database = await testDatabase()
  cli = new CliDatabase(database.url)
  domainId = await cli.create()
  writeFileSync(at('log.key'), randomBytes(32), { mode: 0o600 })
  mkdirSync(at('operator', 'mirror'), { recursive: true })
  mkdirSync(at('auditor'))
  for (const [turn, size] of SIZES.entries()) {
    const from = turn === 0 ? 2 : (SIZES[turn - 1] ?? 0) + 1
    const lines = Array.from({ length: size - from + 1 }, (_, offset) => line(from + offset)).join('\n')
    expect((await cli.runWith(lines, 'append', '--stdin', '--domain', domainId)).code).toBe(0)
    const archived = await operate('archiver', '--once', ...(turn === 0 ? ['--init-mirror'] : []))
    expect(archived.code, archived.stderr).toBe(0)
    // With an external database only this command begins to sign.
    if (turn === 0) expect(await operate('log', 'init')).toMatchObject({ code: 0 })
  }
  // The auditor gets the keys from the operator, and nobody else, and writes them down.
  const platform = (await operate('log', 'policy')).stdout
  const domain = (await operate('log', 'policy', '--domain', domainId)).stdout
  const vkeys = [domain, platform].map((policy) => /^log (\S+)$/m.exec(policy)?.[1])
  writeFileSync(at('auditor', 'audit.policy'), `log ${vkeys[0]}\nlog ${vkeys[1]}\nquorum none\n`)
  // The signed heads first: a copy in the other order may lack rows that they cover.
  for (const folder of ['tlog', 'audit'])
    cpSync(at('operator', 'mirror', folder), at('auditor', 'mirror', folder), { recursive: true })
  const field = (name: string) => new SignedField(database.url, at(name), domainId, domainId, async () => {})
  operator = field('operator')
  auditor = field('auditor')
})
afterAll(async () => {
  cli.remove()
  await database.drop()
  rmSync(dir, { recursive: true, force: true })
})

const OFFLINE = ['--source', 'mirror', '--policy', 'audit.policy']

describe('an auditor with a copy of the bucket and a policy', () => {
  it('verifies a chain, and reads how far it is signed', async () => {
    const { code, stdout, stderr } = await audit('verify', '--domain', domainId, ...OFFLINE)
    expect(code, stderr).toBe(0)
    expect(stdout).toMatch(/^verified {2}/)
    expect(stdout).toMatch(/^ +signed through row 60 by audit\.example\.com/m)
  })

  it('verifies every chain', async () => {
    const { code, stdout, stderr } = await audit('verify', '--all', ...OFFLINE)
    expect(code, stderr).toBe(0)
    expect(stdout).toMatch(/^2 chains, \d+ rows: 2 verified, 0 intact, 0 diverged, 0 unproven, 0 findings$/m)
  })

  it('proves one row by verify-proof, by openssl and by a Go program', async () => {
    const read = ['--domain', domainId, '--source', 'mirror', '--proof', 'row.tlog-proof']
    expect(await audit('get', `${REWRITTEN}`, ...read)).toMatchObject({ code: 0 })
    const judged = await audit('verify-proof', 'row.tlog-proof', '--policy', 'audit.policy', '--json')
    expect(judged.code, judged.stderr).toBe(0)
    expect(jsonLines(judged.stdout)).toMatchObject([
      {
        proven: true,
        domain_id: domainId,
        seq: REWRITTEN,
        signed: { size: 60 },
        entry: { object: { type: 'project', id: `${REWRITTEN}` } },
      },
    ])
    const proof = readFileSync(at('auditor', 'row.tlog-proof'), 'utf8')
    const folder = new RecipeFolder(at('auditor'), {})
    const openssl = folder.run(byPolicy(RECIPES.openssl), proof)
    expect(openssl.status, openssl.stderr).toBe(0)
    if (!HAS_GO) return
    const go = folder.run(byPolicy(RECIPES.go), proof)
    expect(go.status, go.stderr).toBe(0)
    expect(go.stdout).toMatch(new RegExp(`^row ${REWRITTEN} of audit\\.example\\.com/${domainId} `))
  })
})

/** The holder of a copy hashes it anew from one row on, so that no row contradicts another one. */
describe('a copy whose rows were rewritten from one row on', () => {
  it('is named to the owner of both copies, with its first wrong row', async () => {
    await operator.rewrite(domainId, REWRITTEN, ['postgres'])
    const policy = ['--policy', at('auditor', 'audit.policy')]
    const { code, stdout } = await operate('verify', '--domain', domainId, '--source', 'both', ...policy)
    expect(code).toBe(1)
    expect(stdout).toMatch(/^DIVERGED/)
    expect(stdout).toMatch(
      /checkpoint_mismatch {2}rows 21 to 40: not the rows that were signed; rows 1 to 20 are/,
    )
    expect(stdout).toContain('the mirror has the signed rows, PostgreSQL has others')
    expect(stdout).toMatch(new RegExp(`copies_differ {2}rows ${REWRITTEN} to 60`))
  })

  it('is found by the log alone, without a policy and without a pin', async () => {
    const { code, stdout } = await operate('verify', '--domain', domainId, '--json')
    expect(code).toBe(1)
    expect(jsonLines(stdout)).toMatchObject([
      { ok: false, findings: [{ code: 'checkpoint_mismatch', seq_from: 21, seq_to: 40 }] },
    ])
  })

  it('is not signed any more', async () => {
    expect((await cli.runWith(line(61), 'append', '--stdin', '--domain', domainId)).code).toBe(0)
    const { code, stdout, stderr } = await operate('archiver', '--once')
    expect(code, stderr).toBe(1)
    expect(stdout).not.toMatch(new RegExp(`^${domainId} {2}signed`, 'm'))
  })

  it('is found in the copy of the bucket', async () => {
    await auditor.rewrite(domainId, REWRITTEN, ['mirror'])
    const { code, stdout } = await audit('verify', '--all', ...OFFLINE)
    expect(code).toBe(1)
    expect(stdout).toMatch(/^DIVERGED/m)
    expect(stdout).toMatch(
      /checkpoint_mismatch {2}rows 21 to 40: not the rows that were signed; rows 1 to 20 are/,
    )
    // For one chain the newest head in the mirror is enough.
    const one = await audit('verify', '--domain', domainId, ...OFFLINE)
    expect([one.code, one.stdout]).toEqual([1, expect.stringContaining('checkpoint_mismatch')])
    const read = ['--domain', domainId, '--source', 'mirror', '--proof', '-']
    const proof = await audit('get', `${REWRITTEN}`, ...read)
    expect([proof.code, proof.stdout]).toEqual([3, ''])
  })

  it('proves nothing to somebody who has another key in the policy', async () => {
    const policy = readFileSync(at('auditor', 'audit.policy'), 'utf8')
    const foreign = policy
      .split('\n')
      .filter((text) => text.includes(PLATFORM_ANCHOR) || text.startsWith('quorum'))
    writeFileSync(at('auditor', 'platform.policy'), `${foreign.join('\n')}\n`)
    const { code } = await audit('verify-proof', 'row.tlog-proof', '--policy', 'platform.policy')
    expect(code).toBe(5)
  })
})

describe('a chain with rows that the archiver held back and that were signed over', () => {
  const BAD = 7
  let holed: string

  beforeAll(async () => {
    holed = await cli.create()
    const append = (...rows: readonly number[]) =>
      cli.runWith(rows.map(line).join('\n'), 'append', '--stdin', '--domain', holed)
    await append(2, 3, 4, 5)
    await operate('archiver', '--once')
    await append(6, BAD, 8, 9, 10, 11)
    await operator.sql(`UPDATE audit_log_entry SET reason = 2 WHERE domain_id = '${holed}' AND seq = ${BAD}`)
    await operate('archiver', '--once')
    const over = ['--over-findings', '--reason', 'rows_damaged', '--confirm']
    const signed = await operate('checkpoint', 'create', '--domain', holed, ...over)
    expect(signed.code, signed.stderr).toBe(0)
    // The rows of the platform chain that say so go to the mirror.
    await operate('archiver', '--once')
    const policy = await operate('log', 'policy', '--domain', holed)
    writeFileSync(at('holed.policy'), policy.stdout)
  })

  it.each([
    [2, 'postgres', 0],
    [2, 'mirror', 0],
    [BAD - 1, 'postgres', 4],
    [BAD, 'postgres', 1],
    [BAD + 1, 'postgres', 0],
    [BAD + 1, 'mirror', 0],
    [11, 'mirror', 0],
  ])('has a proof of every other row: row %i from %s ends with %i', async (seq, source, exit) => {
    const file = at(`${seq}-${source}.tlog-proof`)
    const read = ['--domain', holed, '--source', source, '--proof', file]
    const { code, stderr } = await operate('get', `${seq}`, ...read)
    expect(code, stderr).toBe(exit)
    if (exit === 4) expect(stderr).toContain('was signed over')
    if (exit !== 0) return
    expect(await operate('verify-proof', file, '--policy', at('holed.policy'))).toMatchObject({ code: 0 })
  })
})
