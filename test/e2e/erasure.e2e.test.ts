import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { gunzipSync } from 'node:zlib'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type CliResult, jsonLines, ROOT, runCli } from '../support/cli.js'
import { rowsOf } from '../support/postgres.js'
import { filesBelow, tracesIn, tracesInTables } from '../support/traces.js'

const EVENTS = join(ROOT, 'docs/demo/cloudtrail')
const FILES = readdirSync(EVENTS)
  .filter((name) => name.endsWith('.json.gz'))
  .map((name) => join(EVENTS, name))
/** The subject of 2,642 of the 2,900 events. */
const BUSIEST = 'AIDATFQR7NSC5AU2ZV3IE'
const OFF_CHAIN = ['audit_subject_pii', 'audit_entry_context']

const home = mkdtempSync(join(tmpdir(), 'audit-erase-'))
const mirror = join(home, 'mirror')
const serverLog = join(home, 'postgres', 'server.log')
/** The output of every command, except of those that show personal data. */
const printed = new Map<string, string>()
let url = ''

async function audit(...args: string[]): Promise<CliResult> {
  return runCli([...args, '--json'], { env: { AUDIT_HOME: home, AUDIT_DEBUG: '1' } })
}

async function audited(args: readonly string[], input = ''): Promise<CliResult> {
  const result = await runCli(args, { env: { AUDIT_HOME: home, AUDIT_DEBUG: '1' }, input })
  // The name is a number because the words may contain the planted data.
  printed.set(`output ${printed.size} of ${args[0]}`, `${result.stdout}\n${result.stderr}`)
  return result
}

async function newDomain(): Promise<string> {
  const { stdout } = await audit('domain', 'create')
  return (jsonLines(stdout)[0] as { domain_id: string }).domain_id
}

beforeAll(async () => {
  url = (jsonLines((await audit('db', 'url')).stdout)[0] as { url: string }).url
})

afterAll(async () => {
  await audit('db', 'stop')
  rmSync(home, { recursive: true, force: true })
})

describe('the busiest of 2,900 real events', () => {
  interface Event {
    readonly sourceIPAddress?: string
    readonly userIdentity: {
      readonly principalId?: string
      readonly arn?: string
      readonly userName?: string
    }
  }

  const heads = join(home, 'heads')
  let domainId = ''
  let texts: string[] = []
  let before: unknown[] = []

  const hashes = () =>
    rowsOf(
      url,
      `SELECT seq::int, encode(entry_hash, 'hex') AS hash FROM audit_log_entry WHERE domain_id = $1 ORDER BY seq`,
      [domainId],
    )

  /** The person's own data: id, name, arn, and addresses that no other subject used. */
  function namesOf(principalId: string): string[] {
    const events = FILES.flatMap(
      (file) => (JSON.parse(gunzipSync(readFileSync(file)).toString()) as { Records: Event[] }).Records,
    )
    const addresses = (theirs: boolean) =>
      events
        .filter(({ userIdentity }) => (userIdentity.principalId === principalId) === theirs)
        .map(({ sourceIPAddress }) => sourceIPAddress ?? '')
        .filter((address) => /^[\d.]+$/.test(address))
    const shared = new Set(addresses(false))
    const own = addresses(true).filter((address) => !shared.has(address))
    const { arn = '', userName = '' } =
      events.find(({ userIdentity }) => userIdentity.principalId === principalId && userIdentity.arn)
        ?.userIdentity ?? {}
    return [...new Set([principalId, arn, userName, ...own])].filter((text) => text !== '')
  }

  it('are appended and archived, and name the person outside the chain only', async () => {
    texts = namesOf(BUSIEST)
    expect(texts.length).toBeGreaterThan(3)
    domainId = await newDomain()
    expect((await audit('append', '--domain', domainId, '--format', 'cloudtrail', ...FILES)).code).toBe(0)
    expect((await audit('archiver', '--once')).code).toBe(0)
    before = await hashes()
    const saved = await audit('verify', '--all', '--source', 'both')
    expect(saved.code).toBe(0)
    writeFileSync(heads, saved.stdout)
    expect(await tracesInTables(url, texts, OFF_CHAIN)).toEqual([])
    expect(await tracesInTables(url, texts)).not.toEqual([])
  })

  it('are 2,642 rows, which a run without --confirm counts and keeps', async () => {
    const { code, stdout } = await audited([
      'erase-identity',
      '--domain',
      domainId,
      '--subject',
      BUSIEST,
      '--json',
    ])
    expect(code).toBe(2)
    expect(jsonLines(stdout)).toMatchObject([{ mappings: 1, contexts: 2_642, rows: 2_642, holds: [] }])
    expect(await hashes()).toEqual(before)
  })

  it('are forgotten, with a receipt', async () => {
    const { code, stdout } = await audited([
      ...['erase-identity', '--all', '--subject', BUSIEST, '--confirm', '--json'],
    ])
    expect(code).toBe(0)
    expect(jsonLines(stdout)).toMatchObject([
      { domain_id: domainId, mappings_deleted: 1, contexts_deleted: 2_642, seq: 2_902, remaining: [] },
      { summary: { chains: 1, failed: 0, mappings_deleted: 1, contexts_deleted: 2_642 } },
    ])
  })

  it('keep their hashes, and every copy verifies against the heads from before', async () => {
    expect((await hashes()).slice(0, -1)).toEqual(before)
    expect((await audit('archiver', '--once')).code).toBe(0)
    for (const source of ['postgres', 'mirror', 'both']) {
      const { code, stdout } = await audit('verify', '--all', '--source', source, '--expect-heads', heads)
      expect([source, code, jsonLines(stdout).at(-1)]).toMatchObject([
        source,
        0,
        { summary: { ok: true, findings: 0 } },
      ])
    }
  })

  it('name the person in no table, no object of the mirror and no listing afterwards', async () => {
    expect(await tracesInTables(url, texts)).toEqual([])
    expect(tracesIn(await filesBelow(mirror), texts)).toEqual([])
    await audited(['list', '--domain', domainId, '--all', '--json'])
    await audited(['get', '--domain', domainId, '--seq', '2000', '--json'])
    expect(tracesIn(printed, texts)).toEqual([])
  })
})

describe('planted personal data', () => {
  const IDENTITY = '018f0000-0000-7000-8000-0000feedbeef'
  const PLANTED = {
    subject_id: IDENTITY,
    relation: 'project.read',
    object: 'user:planted-object-person',
    subject: {
      plaintext: 'Planted Plaintext',
      email_claim: 'planted@mail.example',
      source_ip: '203.0.113.77',
      idp_claim_names: ['planted_claim'],
    },
    context: { ip: '203.0.113.78', user_agent: 'PlantedAgent/9', metadata: { planted_key: 'planted value' } },
  }
  const TEXTS = [
    ...[IDENTITY, 'planted-object-person', 'Planted Plaintext', 'planted@mail.example', '203.0.113.77'],
    ...['planted_claim', '203.0.113.78', 'PlantedAgent/9', 'planted_key', 'planted value', 'planted-alias'],
  ]
  const line = (patch: object = {}) => `${JSON.stringify({ ...PLANTED, ...patch })}\n`
  let domainId = ''
  let holdId = ''
  const chain = () => ['--domain', domainId, '--json']

  /** Lines that are refused, most of them because of the planted data. */
  const REFUSED: [string, string][] = [
    ['a person in the object', line({ object: `project:${IDENTITY}` })],
    ['an address in the path', line({ relation_path: ['from 203.0.113.77'] })],
    ['an e-mail claim in the correlation id', line({ correlation_id: 'x planted@mail.example' })],
    ['an address with a port', line({ context: { ip: '203.0.113.78:443' } })],
    ['an unknown key', line({ 'Planted Plaintext': 1 })],
    ['metadata that is a list', line({ context: { metadata: ['planted value'] } })],
    ['a line that is cut', line().slice(0, -20)],
    ['a key given twice', line().replace('{', '{"subject_id":"planted-alias",')],
  ]

  it('is appended, archived and verified', async () => {
    domainId = await newDomain()
    expect((await audited(['append', '--stdin', ...chain()], line() + line())).code).toBe(0)
    expect(
      (await audited(['append', '--stdin', ...chain()], line({ subject_id: 'planted-alias' }))).code,
    ).toBe(0)
    expect((await audited(['archiver', '--once', '--json'])).code).toBe(0)
    expect((await audited(['verify', '--source', 'both', ...chain()])).code).toBe(0)
  })

  it('stays out of the errors of refused lines', async () => {
    const lines = REFUSED.map(([, input]) => input.trimEnd()).join('\n')
    const rejects = join(home, 'rejects')
    const { code, stderr } = await audited(['append', '--stdin', '--rejects', rejects, ...chain()], lines)
    expect(code).toBe(2)
    expect(stderr).not.toBe('')
    expect(readFileSync(rejects, 'utf8').trimEnd().split('\n')).toHaveLength(REFUSED.length)
    rmSync(rejects)
  })

  it.each(REFUSED.slice(0, 3))('stays out of the error for %s', async (_what, input) => {
    const { code, stderr } = await audited(['append', '--stdin', ...chain()], input)
    expect(code).toBe(2)
    expect(stderr).toContain('"error"')
  })

  it('stays out of the output of hold, erase and retention', async () => {
    const held = await audited([
      'hold',
      'place',
      '--subject',
      'planted-alias',
      '--reason',
      'case 1',
      ...chain(),
    ])
    holdId = String((jsonLines(held.stdout)[0] as { id: number }).id)
    const codes: (number | null)[] = []
    for (const words of [
      ['erase-identity', '--subject', 'planted-alias', '--confirm'],
      ['erase-identity', '--subject', 'planted-alias'],
      ['erase-identity', '--identity', `${IDENTITY}x`, '--confirm'],
      ['erase-identity', '--subject', 'Planted Plaintext', '--identity', IDENTITY],
      ['hold', 'place', '--subject', 'planted-alias', '--reason', 'it is Planted-Alias'],
      ['hold', 'list', '--released'],
      ['retention', 'show'],
      ['retention', 'apply', '--dry-run'],
    ]) {
      codes.push((await audited([...words, ...chain()])).code)
    }
    expect(codes).toEqual([2, 2, 2, 2, 2, 0, 0, 0])
  })

  it('is in no output, log or object, and only in the two tables that an erasure deletes from', async () => {
    expect(tracesIn(printed, TEXTS)).toEqual([])
    expect(tracesIn(await filesBelow(mirror), TEXTS)).toEqual([])
    expect(tracesIn(new Map([['server.log', readFileSync(serverLog, 'utf8')]]), TEXTS)).toEqual([])
    expect(await tracesInTables(url, TEXTS, OFF_CHAIN)).toEqual([])
    const kept = await tracesInTables(url, TEXTS)
    expect(kept).toContain('audit_subject_pii: Planted Plaintext')
    expect(kept).toContain('audit_entry_context: planted value')
  })

  it('is shown by list and get until it is erased', async () => {
    const { stdout } = await audit('get', '--domain', domainId, '--seq', '2')
    expect(jsonLines(stdout)).toMatchObject([
      {
        entry: {
          subject: { identity_id_ref: IDENTITY },
          request_context: { ip: '203.0.113.78', user_agent: 'PlantedAgent/9' },
        },
      },
    ])
    const listed = await audit('list', '--domain', domainId, '--limit', '2')
    expect(listed.stdout).toContain(IDENTITY)
  })

  it('is nowhere after its erasure, and is not shown', async () => {
    await audited(['hold', 'release', holdId, '--reason', 'closed', '--json'])
    for (const who of [
      ['--identity', IDENTITY.toUpperCase()],
      ['--subject', 'planted-alias'],
    ]) {
      expect((await audited(['erase-identity', ...who, '--confirm', ...chain()])).code).toBe(0)
    }
    expect(await tracesInTables(url, TEXTS)).toEqual([])
    const { stdout } = await audited(['get', '--domain', domainId, '--seq', '2', '--json'])
    expect(jsonLines(stdout)).toMatchObject([{ entry: { request_context: {} } }])
    await audited(['list', '--all', ...chain()])
    expect(tracesIn(printed, TEXTS)).toEqual([])
    expect((await audited(['verify', '--source', 'both', ...chain()])).code).toBe(0)
  })
})
