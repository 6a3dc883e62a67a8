import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'
import { PLATFORM_ANCHOR } from '../../src/chain/uuid.js'
import { jsonLines } from '../support/cli.js'
import { asSuperuser } from '../support/postgres.js'
import { EARLY, ProvenLog, ROWS, SIGNED } from '../support/proven-log.js'

let log: ProvenLog

beforeAll(async () => {
  log = await ProvenLog.make()
})
afterAll(() => log.close())
afterEach(() => rmSync(log.at('row.tlog-proof'), { force: true }))

const file = () => readFileSync(log.at('row.tlog-proof'), 'utf8')
const verify = (...words: readonly string[]) =>
  log.audit('verify-proof', 'row.tlog-proof', '--policy', 'audit.policy', '--json', ...words)

describe('audit get --proof FILE', () => {
  it('writes a file that proves the row', async () => {
    const { code, stdout, stderr } = await log.audit('get', '281', '--proof', 'row.tlog-proof')
    expect(code, stderr).toBe(0)
    expect(stdout.split('\n').map((line) => line.split(/ {2,}/)[0])).toEqual([
      'written',
      'proves',
      'entry_hash',
      'signed by',
      'policy',
      'check it',
      '',
    ])
    expect(stdout).toContain(`over ${SIGNED} rows`)
    const judged = await verify()
    expect(jsonLines(judged.stdout)).toMatchObject([
      { proven: true, domain_id: log.domainId, seq: 281, signed: { size: SIGNED }, entry: { seq: 281 } },
    ])
  })

  it.each([1, 2, 255, 256, 257, SIGNED])('proves row %i from either copy, by the same bytes', async (seq) => {
    expect(await log.audit('get', `${seq}`, '--proof', 'row.tlog-proof')).toMatchObject({ code: 0 })
    const written = file()
    expect(await verify()).toMatchObject({ code: 0 })
    expect(await log.offline('get', `${seq}`, '--proof', '-')).toMatchObject({ code: 0, stdout: written })
  })

  it('proves a row of the platform chain', async () => {
    const domain = ['--platform', '--proof', 'row.tlog-proof', '--json']
    const { code, stdout } = await log.audit('get', '1', ...domain)
    expect(code).toBe(0)
    expect(jsonLines(stdout)).toMatchObject([
      { file: 'row.tlog-proof', bare: false, domain_id: PLATFORM_ANCHOR, seq: 1 },
    ])
    expect(await verify()).toMatchObject({ code: 0 })
  })

  it('leaves the row out with --bare', async () => {
    expect(await log.audit('get', '7', '--proof', 'row.tlog-proof', '--bare')).toMatchObject({ code: 0 })
    expect(file()).not.toContain('extra')
    expect(await verify()).toMatchObject({ code: 2 })
    expect(await verify('--entry', await log.entryHashOf(8))).toMatchObject({ code: 5 })
    expect(await verify('--entry', await log.entryHashOf(7))).toMatchObject({ code: 0 })
  })

  it('proves a row under an earlier head with --size', async () => {
    for (const from of [log.audit.bind(log), log.offline.bind(log)]) {
      const { code, stdout } = await from('get', '7', '--proof', '-', '--size', `${EARLY}`)
      expect(code).toBe(0)
      writeFileSync(log.at('row.tlog-proof'), stdout)
      expect(jsonLines((await verify()).stdout)).toMatchObject([{ signed: { size: EARLY } }])
    }
  })

  it.each<[string, () => readonly string[], number, string]>([
    ['a row that no head covers', () => [`${SIGNED + 1}`], 4, 'not_signed'],
    ['a row of a chain without heads', () => ['1', '--domain', log.unsigned], 4, 'not_signed'],
    ['a size that was not signed', () => ['7', '--size', '150'], 4, 'not_signed'],
    ['a size below the row', () => ['7', '--size', '6'], 2, 'usage'],
    ['a size of no rows', () => ['7', '--size', '0'], 2, 'usage'],
    ['a size that is no number', () => ['7', '--size', '1e2'], 2, 'usage'],
    ['a row that is not there', () => [`${ROWS + 1}`], 4, 'entry_not_found'],
    ['a file that is there', () => ['7', '--proof', 'audit.policy'], 2, 'output_exists'],
    ['a folder', () => ['7', '--proof', 'mirror'], 2, 'usage'],
    ['a folder that is not there', () => ['7', '--proof', 'none/row.tlog-proof'], 3, 'output_failed'],
    ['no name', () => ['7', '--proof', ''], 2, 'usage'],
    ['stdout, with --json', () => ['7', '--proof', '-'], 2, 'usage'],
    ['an evidence file', () => ['7', 'evidence.tar'], 2, 'usage'],
    [
      'a database that is not there',
      () => ['7', '--database-url', 'postgresql://x@/x?host=/nonexistent'],
      3,
      'database_unavailable',
    ],
    [
      'a mirror that is not there',
      () => ['7', '--source', 'mirror', '--mirror', 'file:///nonexistent'],
      3,
      'mirror_unavailable',
    ],
  ])('refuses %s', async (_why, words, exit, error) => {
    const given = words()
    const proof = given.includes('--proof') ? [] : ['--proof', 'row.tlog-proof']
    const before = readFileSync(log.policy, 'utf8')
    const { code, stderr } = await log.audit('get', ...given, ...proof, '--json')
    expect([code, JSON.parse(stderr).error.code]).toEqual([exit, error])
    expect(readdirSync(log.dir).filter((name) => name.includes('proof') || name.endsWith('.tmp'))).toEqual([])
    expect(readFileSync(log.policy, 'utf8')).toBe(before)
  })

  it.each([['--bare'], ['--size', '5']])('refuses %s without --proof', async (...words) => {
    expect(await log.audit('get', '7', ...words)).toMatchObject({ code: 2 })
  })

  it('names the head that is there, and what signs more rows', async () => {
    const { stderr } = await log.audit('get', `${SIGNED + 1}`, '--proof', 'row.tlog-proof')
    expect(stderr).toContain(`covers row ${SIGNED + 1}: the newest one is over ${SIGNED} rows`)
    expect(stderr).toContain('audit archiver --once')
  })

  it('is enough for the role audit_reader', async () => {
    await asSuperuser(log.database.url, 'CREATE ROLE proof_reader LOGIN; GRANT audit_reader TO proof_reader')
    const url = log.database.url.replace(/\/\/[^@]*@/, '//proof_reader@')
    const { code, stderr } = await log.audit('get', '7', '--proof', 'row.tlog-proof', '--database-url', url)
    expect(code, stderr).toBe(0)
  })
})

describe('the policy that audit log policy prints', () => {
  /** Returns the exit code of verify-proof with this policy, or the code of its refusal. */
  async function judgedBy(policy: string): Promise<unknown[]> {
    writeFileSync(log.at('printed.policy'), policy)
    await log.audit('get', '281', '--proof', 'row.tlog-proof')
    const { code, stdout, stderr } = await log.audit(
      'verify-proof',
      'row.tlog-proof',
      '--policy',
      'printed.policy',
      '--json',
    )
    return [
      code,
      code === 2 ? JSON.parse(stderr).error.code : (jsonLines(stdout)[0] as { code: string }).code,
    ]
  }

  beforeAll(() => writeFileSync(log.at('log.key'), log.log.signer.seed, { mode: 0o600 }))
  const withKey = () => ['--log-key', `file://${log.at('log.key')}`, '--log-name', log.log.signer.logName]

  it('proves a row of the Domain that it names', async () => {
    const { stdout } = await log.audit('log', 'policy', '--domain', log.domainId, ...withKey())
    expect(await judgedBy(stdout)).toEqual([0, 'proven'])
  })

  it.each<[string, () => readonly string[]]>([
    ['the platform chain', () => []],
    ['another Domain', () => ['--domain', log.unsigned]],
  ])('proves nothing where it names %s', async (_what, words) => {
    const { stdout } = await log.audit('log', 'policy', ...words(), ...withKey())
    expect(await judgedBy(stdout)).toEqual([5, 'not_signed'])
  })

  it('is refused where its key comes from rows, until somebody has removed the line that says so', async () => {
    const { stdout } = await log.audit('log', 'policy', '--domain', log.domainId)
    expect(await judgedBy(stdout)).toEqual([2, 'policy_invalid'])
    expect(await judgedBy(stdout.replace(/^#.*\n/, ''))).toEqual([0, 'proven'])
  })
})

describe('a copy that somebody has changed', () => {
  const key = () => `domain_id = '${log.domainId}'`

  /** Changes the database for one test. */
  async function changed(sql: string, undo: string, check: () => Promise<void>): Promise<void> {
    await asSuperuser(log.database.url, sql)
    await check().finally(() => asSuperuser(log.database.url, undo))
  }

  it('gives the proof from rows where tiles were changed', async () => {
    const all = `audit_tlog_tile WHERE ${key()}`
    await changed(
      `CREATE TABLE kept AS SELECT * FROM ${all}; UPDATE ${all.replace(' WHERE', " SET hashes = decode(repeat('00', 8192), 'hex') WHERE")}`,
      `DELETE FROM ${all}; INSERT INTO audit_tlog_tile SELECT * FROM kept; DROP TABLE kept`,
      async () => {
        expect(await log.audit('get', '7', '--proof', 'row.tlog-proof')).toMatchObject({ code: 0 })
        expect(await verify()).toMatchObject({ code: 0 })
      },
    )
  })

  it('gives no proof where another row was rewritten', async () => {
    const row = `audit_log_entry SET entry_hash = sha256(entry_hash) WHERE ${key()} AND seq = 290`
    await changed(
      `CREATE TABLE kept AS SELECT * FROM audit_log_entry WHERE ${key()} AND seq = 290; UPDATE ${row}`,
      `UPDATE audit_log_entry e SET entry_hash = k.entry_hash FROM kept k WHERE e.domain_id = k.domain_id AND e.seq = k.seq; DROP TABLE kept`,
      async () => {
        const { code, stderr } = await log.audit('get', '281', '--proof', 'row.tlog-proof')
        expect([code, existsSync(log.at('row.tlog-proof'))]).toEqual([3, false])
        expect(stderr).toMatch(/signed root of 300 rows: PostgreSQL has other rows than were signed/)
        expect(stderr).toContain(`audit verify --domain ${log.domainId}`)
        // The other copy still has the rows that were signed.
        expect(await log.offline('get', '281', '--proof', 'row.tlog-proof')).toMatchObject({ code: 0 })
      },
    )
  })

  it('gives no proof of a row that does not recompute, and ends with 1', async () => {
    const set = (relation: string) =>
      `UPDATE audit_log_entry SET relation = '${relation}' WHERE ${key()} AND seq = 281`
    await changed(set('project.forged'), set('project.read'), async () => {
      const { code, stderr } = await log.audit('get', '281', '--proof', 'row.tlog-proof')
      expect([code, existsSync(log.at('row.tlog-proof'))]).toEqual([1, false])
      expect(stderr).toContain('no proof was written')
      const streamed = await log.audit('get', '281', '--proof', '-')
      expect([streamed.code, streamed.stdout]).toEqual([1, ''])
    })
  })

  it('names the object that a mirror lacks', async () => {
    const path = join(log.mirror, 'audit', log.domainId, `${String(3).padStart(20, '0')}.json.zst`)
    const bytes = readFileSync(path)
    rmSync(path)
    const { code, stderr } = await log.offline('get', '7', '--proof', 'row.tlog-proof')
    writeFileSync(path, bytes)
    expect(code).toBe(3)
    expect(stderr).toMatch(/signed root of 300 rows: row 3 of chain .* is not in the mirror/)
  })

  it('ignores foreign objects beside the kept checkpoints', async () => {
    const folder = join(log.mirror, 'tlog', log.domainId, 'checkpoints')
    const name = join(folder, `${String(SIGNED + 5).padStart(20, '0')}-0123456789abcdef.tlog-proof`)
    writeFileSync(name, 'forged')
    mkdirSync(join(folder, 'folder'))
    const { code } = await log.offline('get', '7', '--proof', 'row.tlog-proof')
    rmSync(name)
    rmSync(join(folder, 'folder'), { recursive: true })
    expect(code).toBe(0)
  })
})
