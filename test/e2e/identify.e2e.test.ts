import { spawnSync } from 'node:child_process'
import { existsSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { IdentifiedJson, SubjectJson } from '../../src/cli/identify/json.js'
import { CliDatabase } from '../support/append-process.js'
import { ensureBuilt, jsonLines, ROOT, runCli } from '../support/cli.js'
import { asSuperuser, rowsOf, type TestDatabase, testDatabase } from '../support/postgres.js'

const IDENTITY = '5F0C1E2A-3b4d-4c5e-8f60-718293a4b5c6'
const HOSTILE = 'Al\u001b[31m\u202eice\nSUPER'
const REASON = 'case 4711: asked by Ann O\'Neil \u001b[1m"\\'

let database: TestDatabase
let cli: CliDatabase
let a = ''
let b = ''

const line = (subject_id: string, extra: object = {}) =>
  JSON.stringify({ subject_id, relation: 'secret.read', object: 'secret:db', ...extra })

/** On `a`: rows 2 and 3 of alice, 4 of the identity itself, 5 of another subject of it, 6 of nobody known. On `b`: 2 of alice. */
beforeAll(async () => {
  await ensureBuilt()
  database = await testDatabase()
  cli = new CliDatabase(database.url)
  a = await cli.create()
  b = await cli.create()
  const subject = { plaintext: HOSTILE, email_claim: 'alice@example.org', idp_claim_names: ['sub', 'groups'] }
  const lines = [
    line('alice', { subject, context: { ip: '192.0.2.1', user_agent: HOSTILE } }),
    line('alice', { context: { ip: '192.0.2.1' } }),
    line(IDENTITY, { context: { ip: '192.0.2.3' } }),
    line('second', { subject: { plaintext: 'Second S.' } }),
    line('stranger'),
  ]
  await append(a, lines)
  await asSuperuser(
    database.url,
    `UPDATE audit_subject_pii SET identity_id = '${IDENTITY}' WHERE subject_plaintext = 'Second S.'`,
  )
  await append(b, [line('alice', { subject: { plaintext: 'Alice on b' } })])
})

afterAll(async () => {
  cli.remove()
  await database.drop()
})

async function append(domainId: string, lines: readonly string[]): Promise<void> {
  const { code, stderr } = await cli.runWith(lines.join('\n'), 'append', '--stdin', '--domain', domainId)
  expect(code, stderr).toBe(0)
}

const identify = (...args: string[]) => cli.run('identify', ...args)

async function identified(...args: string[]): Promise<IdentifiedJson[]> {
  const { code, stdout, stderr } = await identify(...args, '--reason', REASON, '--json')
  expect([code, stderr]).toEqual([0, ''])
  return jsonLines(stdout) as IdentifiedJson[]
}

async function one(...args: string[]): Promise<SubjectJson> {
  const [document, ...rest] = await identified(...args)
  expect([document?.subjects.length, rest]).toEqual([1, []])
  return document?.subjects[0] as SubjectJson
}

const lastSeq = async (domainId: string) =>
  Number(
    (
      await rowsOf(database.url, 'SELECT max(seq) AS n FROM audit_log_entry WHERE domain_id = $1', [domainId])
    )[0]?.n,
  )

describe('identify', () => {
  it('prints what is known of the subject of a row, and appends a row that records it', async () => {
    const before = await lastSeq(a)
    const subject = await one('--domain', a, '--seq', '3')
    expect(subject).toMatchObject({
      name: HOSTILE,
      email: 'alice@example.org',
      claims: ['sub', 'groups'],
      contexts: 2,
      addresses: [{ ip: '192.0.2.1', rows: 2 }],
      addresses_total: 1,
      user_agents: [{ user_agent: HOSTILE, rows: 1 }],
      rows: 2,
      first_seq: 2,
      last_seq: 3,
      first_seen_at: expect.stringMatching(/Z$/),
      last_seen_at: expect.stringMatching(/Z$/),
      reveal: { seq: before + 1 },
    })
    const { stdout } = await cli.run('get', '--domain', a, '--seq', String(before + 1), '--json')
    expect(jsonLines(stdout)[0]).toMatchObject({
      entry: {
        relation: 'audit.identity-reveal',
        object: { type: 'identity', id: subject.pseudonym },
        relation_path: ['mappings:1', 'contexts:2'],
        entry_hash: subject.reveal?.entry_hash,
        context: { covered_by_hash: false, reveal_reason: REASON },
      },
    })
    expect(
      await rowsOf(
        database.url,
        `SELECT reason, encode(subject_pseudonym, 'hex') AS pseudonym FROM audit_identity_reveal WHERE domain_id = $1 AND seq = $2`,
        [a, before + 1],
      ),
    ).toEqual([{ reason: REASON, pseudonym: subject.pseudonym }])
    expect((await cli.run('verify', '--domain', a)).code).toBe(0)
  })

  it('finds the same person by pseudonym and by subject_id', async () => {
    const { pseudonym } = await one('--domain', a, '--subject-id', 'alice')
    expect(await one('--domain', a, '--pseudonym', pseudonym.toUpperCase())).toMatchObject({
      pseudonym,
      name: HOSTILE,
    })
  })

  it('prints every subject of an identity, and appends a row for each', async () => {
    const before = await lastSeq(a)
    for (const args of [
      ['--subject-id', IDENTITY],
      ['--seq', '4'],
      ['--seq', '5'],
    ]) {
      const [document] = await identified('--domain', a, ...args)
      expect(document?.subjects.map(({ name }) => name).toSorted()).toEqual(['Second S.', undefined])
      expect(document?.subjects.every(({ identity_id }) => identity_id === IDENTITY.toLowerCase())).toBe(true)
    }
    expect(await lastSeq(a)).toBe(before + 6)
  })

  it('escapes hostile text', async () => {
    const { code, stdout } = await identify('--domain', a, '--seq', '2', '--reason', 'x')
    expect(code).toBe(0)
    expect(stdout).toContain('Al\\x1b[31m\\u{202e}ice\\nSUPER')
    expect(stdout.split('\n').every((text) => !/[\p{Cc}\u202e]/u.test(text))).toBe(true)
  })

  it('with --all prints each chain that has something, with a row on each', async () => {
    const [beforeA, beforeB] = [await lastSeq(a), await lastSeq(b)]
    const documents = await identified('--all', '--subject-id', 'alice')
    expect(documents.map(({ domain_id }) => domain_id).toSorted()).toEqual([a, b].toSorted())
    expect(documents.flatMap(({ subjects }) => subjects.map(({ name }) => name)).toSorted()).toEqual([
      HOSTILE,
      'Alice on b',
    ])
    expect([await lastSeq(a), await lastSeq(b)]).toEqual([beforeA + 1, beforeB + 1])
  })

  it('with several Domains prints each chain that has something, with a row on each, in one transaction', async () => {
    const c = await cli.create()
    const before = [await lastSeq(a), await lastSeq(b), await lastSeq(c)]
    const shown = await identified(
      '--domain',
      b,
      '--domain',
      a,
      '--domain',
      c,
      '--domain',
      b,
      '--subject-id',
      'alice',
    )
    expect(shown.map(({ domain_id }) => domain_id)).toEqual([b, a])
    expect(shown.map(({ subjects }) => subjects[0]?.reveal?.seq)).toEqual([
      (before[1] ?? 0) + 1,
      (before[0] ?? 0) + 1,
    ])
    expect([await lastSeq(a), await lastSeq(b), await lastSeq(c)]).toEqual([
      (before[0] ?? 0) + 1,
      (before[1] ?? 0) + 1,
      before[2],
    ])
    const written = await rowsOf(
      database.url,
      'SELECT count(DISTINCT xmin::text)::int AS n, count(*)::int AS rows FROM audit_log_entry WHERE (domain_id, seq) IN (($1, $2), ($3, $4))',
      [b, (before[1] ?? 0) + 1, a, (before[0] ?? 0) + 1],
    )
    expect(written).toEqual([{ n: 1, rows: 2 }])
  })

  it.each([
    ['is unknown', () => '0190a8b8-a0c0-7a0a-8a0a-a0a0a0a0a0a0', 4, ''],
    [
      'withholds the reason',
      () => b,
      3,
      `CREATE FUNCTION withhold() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NULL; END';
       CREATE TRIGGER withhold BEFORE INSERT ON audit_identity_reveal FOR EACH ROW WHEN (NEW.domain_id = 'B') EXECUTE FUNCTION withhold()`,
    ],
  ])(
    'with several Domains shows and records nothing where one chain %s',
    async (_title, other, code, sql) => {
      if (sql !== '') await asSuperuser(database.superuserUrl, sql.replace("'B'", `'${b}'`))
      const before = await lastSeq(a)
      const words = ['--domain', a, '--domain', other(), '--subject-id', 'alice', '--reason', REASON]
      const result = await identify(...words)
      if (sql !== '')
        await asSuperuser(
          database.superuserUrl,
          'DROP TRIGGER withhold ON audit_identity_reveal; DROP FUNCTION withhold()',
        )
      expect({ code: result.code, stdout: result.stdout, seq: await lastSeq(a) }).toEqual({
        code,
        stdout: '',
        seq: before,
      })
    },
  )

  it('appends nothing where nothing personal is stored', async () => {
    const before = await lastSeq(a)
    const subject = await one('--domain', a, '--seq', '6')
    expect(subject).toMatchObject({ claims: [], contexts: 0, addresses: [], rows: 1 })
    expect(subject.reveal).toBeUndefined()
    expect(await lastSeq(a)).toBe(before)
  })

  it.each<[string, () => string[], number, string]>([
    ['without --reason', () => ['--domain', a, '--seq', '2'], 2, 'usage'],
    ['with a blank reason', () => ['--domain', a, '--seq', '2', '--reason', ' '], 2, 'invalid_input'],
    [
      'with a reason of 1025 bytes',
      () => ['--domain', a, '--seq', '2', '--reason', 'x'.repeat(1025)],
      2,
      'invalid_input',
    ],
    ['without a person', () => ['--domain', a, '--reason', 'x'], 2, 'usage'],
    [
      'with two persons',
      () => ['--domain', a, '--seq', '2', '--subject-id', 'alice', '--reason', 'x'],
      2,
      'usage',
    ],
    ['with --seq and --all', () => ['--all', '--seq', '2', '--reason', 'x'], 2, 'usage'],
    [
      'with --seq and several Domains',
      () => ['--domain', a, '--domain', b, '--seq', '2', '--reason', 'x'],
      2,
      'usage',
    ],
    [
      'with --domain and --platform',
      () => ['--domain', a, '--domain', b, '--platform', '--subject-id', 'alice', '--reason', 'x'],
      2,
      'usage',
    ],
    [
      'with several Domains and a text that is no id',
      () => ['--domain', a, '--domain', 'x', '--subject-id', 'alice', '--reason', 'x'],
      2,
      'invalid_domain_id',
    ],
    ['without a chain', () => ['--seq', '2', '--reason', 'x'], 2, 'usage'],
    [
      'with an empty subject_id',
      () => ['--domain', a, '--subject-id', '', '--reason', 'x'],
      2,
      'invalid_subject',
    ],
    [
      'with a short pseudonym',
      () => ['--domain', a, '--pseudonym', 'ab', '--reason', 'x'],
      2,
      'invalid_subject',
    ],
    ['of a seq beyond the end', () => ['--domain', a, '--seq', '999', '--reason', 'x'], 4, 'entry_not_found'],
    ['of nobody', () => ['--domain', a, '--subject-id', 'nobody', '--reason', 'x'], 4, 'subject_not_found'],
    [
      'of nobody on any chain',
      () => ['--all', '--subject-id', 'nobody', '--reason', 'x'],
      4,
      'subject_not_found',
    ],
    [
      'on an unknown chain',
      () => ['--domain', '018f0000-0000-7000-8000-00000000000f', '--seq', '1', '--reason', 'x'],
      4,
      'domain_not_found',
    ],
  ])('%s ends with an error, and appends nothing', async (_name, args, exit, code) => {
    const before = await lastSeq(a)
    const result = await identify(...args(), '--json')
    expect([result.code, result.stdout]).toEqual([exit, ''])
    expect((jsonLines(result.stderr)[0] as { error: { code: string } }).error.code).toBe(code)
    expect(await lastSeq(a)).toBe(before)
  })

  it('refuses another pepper, with which the person would seem unknown', async () => {
    const env = { ...cli.env, AUDIT_PEPPER: 'env:OTHER', OTHER: Buffer.alloc(32, 9).toString('base64') }
    const args = ['identify', '--domain', a, '--subject-id', 'alice', '--reason', 'x', '--json']
    const { stdout, stderr, code } = await runCli(args, { env })
    expect([code, stdout, stderr.includes('pepper_mismatch')]).toEqual([2, '', true])
  })
})

describe('the reason', () => {
  it.each([
    ['audit_reader', false],
    ['audit_revealer', true],
    ['audit_writer', false],
  ])('is in get of the row for %s: %s', async (role, isThere) => {
    const { reveal } = await one('--domain', a, '--seq', '2')
    const url = `${database.url}&options=-c%20role%3D${role}`
    const args = ['get', '--domain', a, '--seq', String(reveal?.seq), '--database-url', url]
    const { code, stdout } = await cli.run(...args)
    expect([code, stdout.includes('case 4711')]).toEqual([0, isThere])
    expect(stdout.split('\n').every((text) => !/\p{Cc}/u.test(text))).toBe(true)
  })
})

describe('a closed pipe', () => {
  it('ends identify in order, and the row is there', async () => {
    const before = await lastSeq(a)
    const run = `"${process.execPath}" bin/run.js identify --domain ${a} --seq 2 --reason x | true; exit "\${PIPESTATUS[0]}"`
    const { status, stderr } = spawnSync('bash', ['-c', run], {
      cwd: ROOT,
      env: { ...process.env, ...cli.env },
      encoding: 'utf8',
    })
    expect([status, stderr]).toEqual([0, ''])
    expect(await lastSeq(a)).toBe(before + 1)
  })
})

describe('identify of an erased person', () => {
  it('prints that they were erased, and appends nothing', async () => {
    const domainId = await cli.create()
    const dora = line('dora', { subject: { plaintext: 'Dora D.' }, context: { ip: '192.0.2.9' } })
    await append(domainId, [dora])
    const { pseudonym } = await one('--domain', domainId, '--subject-id', 'dora')
    expect(
      (await cli.run('erase-identity', '--domain', domainId, '--subject', 'dora', '--confirm')).code,
    ).toBe(0)
    expect(
      await rowsOf(database.url, 'SELECT FROM audit_identity_reveal WHERE domain_id = $1', [domainId]),
    ).toEqual([])
    const before = await lastSeq(domainId)
    const subject = await one('--domain', domainId, '--subject-id', 'dora')
    expect(subject).toEqual({
      pseudonym,
      claims: [],
      contexts: 0,
      addresses: [],
      addresses_total: 0,
      user_agents: [],
      user_agents_total: 0,
      rows: 1,
      first_seq: 2,
      last_seq: 2,
      first_recorded_at: expect.any(String),
      last_recorded_at: expect.any(String),
      erasure: { seq: before, recorded_at: expect.any(String) },
    })
    const { stdout } = await identify('--domain', domainId, '--seq', '2', '--reason', 'x')
    expect(stdout).toContain(`not stored: erased by row ${before}`)
    expect(await lastSeq(domainId)).toBe(before)

    await append(domainId, [dora])
    expect(await one('--domain', domainId, '--subject-id', 'dora')).toMatchObject({
      name: 'Dora D.',
      erasure: { seq: before },
      reveal: { seq: before + 2 },
    })
  })
})

describe('the roles', () => {
  it.each([
    ['audit_revealer', 0],
    ['audit_reader', 3],
    ['audit_writer', 3],
    ['audit_archiver', 3],
    ['audit_eraser', 3],
    ['audit_access', 3],
  ])('%s ends identify with %i', async (role, exit) => {
    const login = `login_${role}`
    await asSuperuser(
      database.url,
      `DROP ROLE IF EXISTS ${login}; CREATE ROLE ${login} LOGIN; GRANT ${role} TO ${login}`,
    )
    const url = database.url.replace('postgres@', `${login}@`)
    const before = await lastSeq(a)
    const args = ['--domain', a, '--seq', '2', '--reason', 'x', '--json', '--database-url', url]
    const { code, stdout, stderr } = await identify(...args)
    expect([code, stderr.includes('database_permission_denied')]).toEqual([exit, exit === 3])
    expect([stdout === '', await lastSeq(a)]).toEqual([exit === 3, exit === 3 ? before : before + 1])
    await asSuperuser(database.url, `DROP ROLE ${login}`)
  })

  it('a UUID as actor works for audit_revealer, who gets a mapping as with any self-audit row', async () => {
    const url = `${database.url}&options=-c%20role%3Daudit_revealer`
    const actor = '5f0c1e2a-3b4d-4c5e-8f60-718293a4b5c7'
    const args = ['--domain', b, '--seq', '2', '--reason', 'x', '--database-url', url, '--actor', actor]
    expect((await identify(...args)).code).toBe(0)
  })
})

describe('pseudonym', () => {
  it('is that of the rows, and needs no database and no home', async () => {
    const { pseudonym } = await one('--domain', a, '--subject-id', 'alice')
    const home = join(mkdtempSync(join(tmpdir(), 'audit-pseudonym-')), 'home')
    const env = { AUDIT_HOME: home, AUDIT_PEPPER: cli.env.AUDIT_PEPPER ?? '' }
    const derive = (...args: string[]) => runCli(['pseudonym', '--subject-id', 'alice', ...args], { env })
    expect(await derive('--domain', a)).toMatchObject({ code: 0, stdout: `${pseudonym}\n`, stderr: '' })
    const json = await derive(
      '--domain',
      a.toUpperCase(),
      '--json',
      '--database-url',
      'postgresql://127.0.0.1:1/x',
    )
    expect(jsonLines(json.stdout)).toEqual([{ domain_id: a, pseudonym }])
    const platform = await derive('--platform')
    expect(platform.stdout).toMatch(/^[0-9a-f]{64}\n$/)
    expect(platform.stdout).not.toContain(pseudonym)
    expect(existsSync(home)).toBe(false)
    rmSync(join(home, '..'), { recursive: true })
  })

  it.each<[string, string[], Record<string, string>, number, string]>([
    ['a home without a key file', ['--domain', IDENTITY], {}, 3, 'pepper_unavailable'],
    [
      'a missing key file',
      ['--domain', IDENTITY, '--pepper', 'file:///nowhere/key'],
      {},
      3,
      'pepper_unavailable',
    ],
    [
      'an external database without a pepper',
      ['--domain', IDENTITY, '--database-url', 'postgresql://h/x'],
      {},
      2,
      'pepper_not_configured',
    ],
    ['no chain', [], {}, 2, 'usage'],
  ])('with %s ends with an error and creates nothing', async (_name, args, more, exit, code) => {
    const dir = mkdtempSync(join(tmpdir(), 'audit-pseudonym-'))
    const env = { AUDIT_HOME: join(dir, 'home'), ...more }
    const result = await runCli(['pseudonym', '--subject-id', 'alice', ...args, '--json'], { env })
    expect([result.code, result.stdout]).toEqual([exit, ''])
    expect((jsonLines(result.stderr)[0] as { error: { code: string } }).error.code).toBe(code)
    expect(existsSync(join(dir, 'home'))).toBe(false)
    rmSync(dir, { recursive: true })
  })
})
