import { randomUUID } from 'node:crypto'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { CliDatabase } from '../support/append-process.js'
import { jsonLines, runCli } from '../support/cli.js'
import { asSuperuser, rowsOf, type TestDatabase, testDatabase } from '../support/postgres.js'
import { THEFTS, withThief } from '../support/thief.js'

const dir = mkdtempSync(join(tmpdir(), 'withheld-'))
let mirrors = 0
let database: TestDatabase
let cli: CliDatabase

beforeAll(async () => {
  database = await testDatabase()
  cli = new CliDatabase(database.url)
})

afterAll(async () => {
  cli.remove()
  await database.drop()
  rmSync(dir, { recursive: true, force: true })
})

const line = (extra: object = {}) =>
  JSON.stringify({
    subject_id: 'alice',
    relation: 'order.read',
    object: 'order:1',
    context: { ip: '192.0.2.1' },
    subject: { plaintext: 'Alice A.' },
    ...extra,
  })

/** Runs a command that must succeed, and returns its first line. */
async function done(...args: string[]): Promise<Record<string, unknown>> {
  const { code, stdout, stderr } = await cli.run(...args, '--json')
  expect([args.join(' '), code, stderr]).toEqual([args.join(' '), 0, expect.anything()])
  return (jsonLines(stdout)[0] ?? {}) as Record<string, unknown>
}

/** Returns a Domain with one row of alice, with personal data, a context and an idempotency key. */
async function peopled(): Promise<string> {
  const domainId = await cli.create()
  const input = line({ idempotency_key: randomUUID() })
  const appended = await cli.runWith(input, 'append', '--stdin', '--domain', domainId, '--json')
  expect(appended).toMatchObject({ code: 0 })
  return domainId
}

const ERASE = ['erase-identity', '--subject', 'alice', '--confirm']
const IDENTIFY = ['identify', '--subject-id', 'alice', '--reason', "case 4711, Alice's request"]
const HOLD = ['hold', 'place', '--reason', 'case 4711']
const OLGA = ['--relation', 'owner', '--subject', 'user:olga']
const KEY = ['key', 'create', ...OLGA, '--read-only', '--expires', '30d']
const POLICY = ['retention', 'set', '--personal-days', '30']

/** Returns a Domain whose data is 400 days old, and whose policy is of 365 days. */
async function old(): Promise<string> {
  const domainId = await peopled()
  await asSuperuser(
    database.url,
    `UPDATE audit_log_entry SET recorded_at = recorded_at - interval '400 days' WHERE domain_id = '${domainId}';
     UPDATE audit_subject_pii SET last_seen_at = last_seen_at - interval '400 days' WHERE domain_id = '${domainId}'`,
  )
  return domainId
}

/** Returns the ids of this many new findings. */
async function findings(count: number): Promise<string[]> {
  const domainId = await cli.create()
  const ids: string[] = []
  for (let n = 1; n <= count; n += 1) {
    const [row] = await rowsOf(
      database.url,
      `INSERT INTO audit_tamper_quarantine (domain_id, divergent_seq, code, seq_from, seq_to, source, detail)
       VALUES ($1, $2, 'seq_gap', $2, $2, 'postgres', '') RETURNING id::text`,
      [domainId, n],
    )
    ids.push(String(row?.id))
  }
  return ids
}

interface Row {
  readonly name: string
  /** The writes that the trigger steals. */
  readonly steals: readonly string[]
  /** Makes what the command needs, and returns its words. */
  readonly command: () => Promise<string[]>
}

const onDomain = (words: readonly string[], make = () => cli.create()) => ({
  command: async () => [...words, '--domain', await make()],
})

const ROWS: readonly Row[] = [
  { name: 'erase-identity: the mapping', steals: ['DELETE audit_subject_pii'], ...onDomain(ERASE, peopled) },
  { name: 'erase-identity: contexts', steals: ['DELETE audit_entry_context'], ...onDomain(ERASE, peopled) },
  {
    name: 'erase-identity: keys',
    steals: ['DELETE audit_idempotency_key'],
    ...onDomain(ERASE, peopled),
  },
  {
    name: 'erase-identity --block: the block',
    steals: ['INSERT audit_subject_block'],
    ...onDomain([...ERASE, '--block'], peopled),
  },
  {
    name: 'erase-identity: everything at once',
    steals: [
      'DELETE audit_subject_pii',
      'DELETE audit_entry_context',
      'DELETE audit_idempotency_key',
      'INSERT audit_subject_block',
    ],
    ...onDomain([...ERASE, '--block'], peopled),
  },
  {
    name: 'erase-identity: reasons of reveals',
    steals: ['DELETE audit_identity_reveal'],
    ...onDomain(ERASE, async () => {
      const domainId = await peopled()
      await done(...IDENTIFY, '--domain', domainId)
      return domainId
    }),
  },
  { name: 'identify: the reason', steals: ['INSERT audit_identity_reveal'], ...onDomain(IDENTIFY, peopled) },
  {
    name: 'identify: another reason',
    steals: [`INSERT audit_identity_reveal ${JSON.stringify({ reason: 'x' })}`],
    ...onDomain(IDENTIFY, peopled),
  },
  {
    name: 'erase-identity: reasons of released holds',
    steals: ['UPDATE audit_legal_hold'],
    ...onDomain(ERASE, async () => {
      const domainId = await peopled()
      const { id } = await done(...HOLD, '--domain', domainId, '--subject', 'alice')
      await done('hold', 'release', String(id), '--reason', 'closed')
      return domainId
    }),
  },
  {
    name: 'erase-identity: a block asked for later',
    steals: ['INSERT audit_subject_block'],
    ...onDomain([...ERASE, '--block'], async () => {
      const domainId = await peopled()
      await done(...ERASE, '--domain', domainId)
      return domainId
    }),
  },
  {
    name: 'erase-identity, repeated: keys of a row that came after the erasure',
    steals: ['DELETE audit_idempotency_key'],
    ...onDomain(ERASE, async () => {
      const domainId = await peopled()
      await done(...ERASE, '--domain', domainId)
      const bare = { context: undefined, subject: undefined, idempotency_key: randomUUID() }
      const appended = await cli.runWith(line(bare), 'append', '--stdin', '--domain', domainId)
      expect(appended).toMatchObject({ code: 0 })
      return domainId
    }),
  },
  {
    name: 'erase-identity, repeated: keys that the first erasure could not delete',
    steals: ['DELETE audit_idempotency_key'],
    ...onDomain(ERASE, async () => {
      const domainId = await peopled()
      const erase = () => cli.run(...ERASE, '--domain', domainId)
      const first = await withThief(database.url, 'undo', ['DELETE audit_idempotency_key'], erase)
      expect(first).toMatchObject({ code: 3 })
      return domainId
    }),
  },
  {
    name: 'erase-identity, repeated: reasons of released holds',
    steals: ['UPDATE audit_legal_hold'],
    ...onDomain(ERASE, async () => {
      const domainId = await peopled()
      await done(...ERASE, '--domain', domainId)
      const { id } = await done(...HOLD, '--domain', domainId, '--subject', 'alice')
      await done('hold', 'release', String(id), '--reason', 'closed')
      return domainId
    }),
  },
  { name: 'hold place', steals: ['INSERT audit_legal_hold'], ...onDomain(HOLD) },
  {
    name: 'hold place on a person',
    steals: ['INSERT audit_legal_hold'],
    ...onDomain([...HOLD, '--subject', 'alice'], peopled),
  },
  {
    name: 'hold place: another reason',
    steals: ['INSERT audit_legal_hold {"reason":"other"}'],
    ...onDomain(HOLD),
  },
  {
    name: 'hold place: the chain in place of the person',
    steals: ['INSERT audit_legal_hold {"subject_pseudonym":null}'],
    ...onDomain([...HOLD, '--subject', 'alice'], peopled),
  },
  {
    name: 'hold place: another identity',
    steals: [`INSERT audit_legal_hold {"identity_id":"${randomUUID()}"}`],
    ...onDomain([...HOLD, '--identity', randomUUID()], peopled),
  },
  ...['{"relation":"admin"}', '{"read_only":false}', '{"owner_only":true}', '{"expires_at":null}'].map(
    (values) => ({
      name: `key create: ${values}`,
      steals: [`INSERT audit_api_key ${values}`],
      ...onDomain(KEY),
    }),
  ),
  {
    name: 'hold release',
    steals: ['UPDATE audit_legal_hold'],
    command: async () => {
      const { id } = await done(...HOLD, '--domain', await cli.create())
      return ['hold', 'release', String(id), '--reason', 'closed']
    },
  },
  {
    name: 'retention set: the first policy',
    steals: ['INSERT audit_retention_policy'],
    ...onDomain(POLICY),
  },
  {
    name: 'retention set: another policy',
    steals: ['UPDATE audit_retention_policy'],
    ...onDomain(POLICY, async () => {
      const domainId = await cli.create()
      await done('retention', 'set', '--personal-days', '60', '--domain', domainId)
      return domainId
    }),
  },
  {
    name: 'retention apply: mappings',
    steals: ['DELETE audit_subject_pii'],
    ...onDomain(['retention', 'apply'], old),
  },
  {
    name: 'retention apply: contexts',
    steals: ['DELETE audit_entry_context'],
    ...onDomain(['retention', 'apply'], old),
  },
  {
    name: 'retention apply: both',
    steals: ['DELETE audit_subject_pii', 'DELETE audit_entry_context'],
    ...onDomain(['retention', 'apply'], old),
  },
  {
    name: 'quarantine acknowledge of one finding',
    steals: ['UPDATE audit_tamper_quarantine'],
    command: async () => ['quarantine', 'acknowledge', ...(await findings(1)), '--reason', 'seen'],
  },
  {
    name: 'quarantine acknowledge of several findings',
    steals: ['UPDATE audit_tamper_quarantine'],
    command: async () => ['quarantine', 'acknowledge', ...(await findings(3)), '--reason', 'seen'],
  },
  {
    name: 'domain name',
    steals: ['UPDATE audit_domain'],
    ...onDomain(['domain', 'name', '--name', 'orders']),
  },
  {
    name: 'relation grant',
    steals: ['INSERT audit_relation_tuple'],
    ...onDomain(['relation', 'grant', ...OLGA]),
  },
  {
    name: 'relation revoke',
    steals: ['DELETE audit_relation_tuple'],
    ...onDomain(['relation', 'revoke', ...OLGA], async () => {
      const domainId = await cli.create()
      await done('relation', 'grant', ...OLGA, '--domain', domainId)
      return domainId
    }),
  },
  {
    name: 'relation grant to a group',
    steals: ['INSERT audit_relation_tuple'],
    command: async () => [
      'relation',
      'grant',
      '--group',
      `g-${randomUUID()}`,
      '--relation',
      'member',
      '--subject',
      'user:eve',
    ],
  },
  { name: 'key create: the key', steals: ['INSERT audit_api_key'], ...onDomain(['key', 'create', ...OLGA]) },
  {
    name: 'key create: the relation',
    steals: ['INSERT audit_relation_tuple'],
    ...onDomain(['key', 'create', ...OLGA]),
  },
  {
    name: 'key revoke',
    steals: ['UPDATE audit_api_key'],
    command: async () => {
      const { id } = await done('key', 'create', ...OLGA, '--domain', await cli.create())
      return ['key', 'revoke', String(id)]
    },
  },
  {
    name: 'key policy: the first policy',
    steals: ['INSERT audit_access_policy'],
    ...onDomain(['key', 'policy', '--erase', 'owner-only']),
  },
  {
    name: 'key policy: another policy',
    steals: ['UPDATE audit_access_policy'],
    ...onDomain(['key', 'policy', '--erase', 'manage'], async () => {
      const domainId = await cli.create()
      await done('key', 'policy', '--erase', 'owner-only', '--domain', domainId)
      return domainId
    }),
  },
]

/** A command on a database and a mirror of its own. */
interface MirrorRow {
  readonly name: string
  readonly steals: readonly string[]
  /** Makes what the command needs. Returns its words. */
  readonly command: (mirror: Mirrored) => Promise<string[]>
  /** What the summary on stdout says, where one is printed. */
  readonly summary?: Record<string, unknown>
}

interface Mirrored {
  readonly database: TestDatabase
  readonly cli: CliDatabase
  readonly url: string
  readonly env: Readonly<Record<string, string>>
}

async function mirrored(): Promise<Mirrored> {
  const own = await testDatabase()
  const program = new CliDatabase(own.url)
  mirrors += 1
  const url = pathToFileURL(join(dir, `mirror-${mirrors}`)).href
  return { database: own, cli: program, url, env: { ...program.env, AUDIT_MIRROR_URL: url } }
}

/** Creates a Domain with a name and two rows, archives everything, and empties the database. */
async function lost({ cli: own, env, database: { url } }: Mirrored): Promise<string> {
  const { stdout } = await runCli(['domain', 'create', '--name', 'orders', '--json'], { env })
  const [{ domain_id: domainId }] = jsonLines(stdout) as [{ domain_id: string }]
  expect(await own.runWith(line(), 'append', '--stdin', '--domain', domainId)).toMatchObject({ code: 0 })
  expect(await runCli(['archiver', '--once', '--init-mirror'], { env })).toMatchObject({ code: 0 })
  await asSuperuser(
    url,
    `TRUNCATE audit_log_entry, audit_log_chain_head, audit_domain, audit_subject_pii, audit_entry_context,
       audit_idempotency_key, audit_mirror_marker`,
  )
  return domainId
}

const restoring = (steals: readonly string[], summary?: Record<string, unknown>): MirrorRow => ({
  name: `archive restore: ${steals.join(', ')}`,
  steals,
  command: async (mirror) => {
    await lost(mirror)
    return ['archive', 'restore', '--all']
  },
  ...(summary !== undefined && { summary }),
})

const MIRROR_ROWS: readonly MirrorRow[] = [
  {
    name: 'archiver --once: the id of the mirrors',
    steals: ['INSERT audit_mirror_marker'],
    command: async ({ cli: own }) => {
      await own.create()
      return ['archiver', '--once', '--init-mirror']
    },
    summary: { archived: 0 },
  },
  {
    name: 'archiver --once: stamps',
    steals: ['INSERT audit_archive_stamp'],
    command: async ({ cli: own }) => {
      await own.create()
      return ['archiver', '--once', '--init-mirror']
    },
    summary: { archived: 0 },
  },
  {
    name: 'archive backfill: stamps',
    steals: ['INSERT audit_archive_stamp'],
    command: async ({ cli: own, env }) => {
      const domainId = await own.create()
      expect(await runCli(['archiver', '--once', '--init-mirror'], { env })).toMatchObject({ code: 0 })
      expect(await own.runWith(line(), 'append', '--stdin', '--domain', domainId)).toMatchObject({ code: 0 })
      return ['archive', 'backfill', '--domain', domainId]
    },
  },
  restoring(['INSERT audit_log_entry'], { ok: false, restored: 0 }),
  restoring(['INSERT audit_log_entry NEW.seq = 2'], { ok: false, restored: 0 }),
  restoring(['INSERT audit_log_chain_head'], { ok: false, restored: 0 }),
  restoring(['INSERT audit_domain'], { ok: false, restored: 1, failed: 1 }),
  restoring(['INSERT audit_restore']),
  restoring(['DELETE audit_restore'], { ok: false, restored: 0 }),
  restoring(['INSERT audit_mirror_marker']),
]

const codesOf = (stderr: string) =>
  stderr.split('\n').flatMap((one) => (one.startsWith('{"error"') ? [JSON.parse(one).error.code] : []))

describe.each(THEFTS)('a trigger that may %s a write', (theft) => {
  it.each(ROWS)('ends $name with 3 and prints no success', async ({ steals, command }) => {
    const words = await command()
    const { code, stdout, stderr } = await withThief(database.url, theft, steals, () =>
      cli.run(...words, '--json'),
    )
    expect([code, codesOf(stderr), stdout]).toEqual([3, ['write_undone'], ''])
    expect(stderr).toContain('audit db status')
    // The command works once the trigger is gone.
    expect(await cli.run(...words, '--json')).toMatchObject({ code: 0 })
  })

  it.each(MIRROR_ROWS)('ends $name with 3 and prints no success', async ({ steals, command, summary }) => {
    const mirror = await mirrored()
    try {
      const words = await command(mirror)
      const run = () => runCli([...words, '--json'], { env: mirror.env })
      const { code, stdout, stderr } = await withThief(mirror.database.url, theft, steals, run)
      expect([code, new Set(codesOf(stderr)), stderr]).toEqual([
        3,
        new Set(['write_undone']),
        expect.anything(),
      ])
      if (summary !== undefined) expect(jsonLines(stdout).at(-1)).toMatchObject({ summary })
      expect(await run()).toMatchObject({ code: 0 })
    } finally {
      mirror.cli.remove()
      await mirror.database.drop()
    }
  })

  it('ends domain create with 3, and the chain is no Domain', async () => {
    const domainId = randomUUID()
    const create = () => cli.run('domain', 'create', '--domain', domainId, '--json')
    const { code, stdout, stderr } = await withThief(database.url, theft, ['INSERT audit_domain'], create)
    // What the append itself sees withheld keeps its code: nothing was appended.
    const expected = theft === 'withhold' ? 'database_failed' : 'write_undone'
    expect([code, codesOf(stderr), stdout]).toEqual([3, [expected], ''])
  })

  it.each([
    { values: { name: 'other' } },
    { values: { mirror_url: 'file:///other' } },
    { values: { mirror_url: null } },
  ])('ends domain create with 3 where the registry gets $values', async ({ values }) => {
    const words = ['--name', 'orders', '--mirror', 'file:///orders', '--json']
    const create = () => cli.run('domain', 'create', ...words)
    const steals = [`INSERT audit_domain ${JSON.stringify(values)}`]
    const { code, stdout, stderr } = await withThief(database.url, theft, steals, create)
    expect([code, codesOf(stderr), stdout]).toEqual([3, ['write_undone'], ''])
    expect(await create()).toMatchObject({ code: 0 })
  })

  it('keeps the finding of a verify, which says that it was not quarantined', async () => {
    const domainId = await peopled()
    await asSuperuser(
      database.url,
      `UPDATE audit_log_entry SET relation = 'forged' WHERE domain_id = '${domainId}' AND seq = 2`,
    )
    const verify = () => cli.run('verify', '--domain', domainId, '--json')
    const { code, stderr } = await withThief(database.url, theft, ['INSERT audit_tamper_quarantine'], verify)
    expect([code, stderr]).toEqual([1, expect.stringContaining('the findings were not quarantined: ')])
    expect(await verify()).toMatchObject({ code: 1, stderr: expect.stringContaining('1 quarantined') })
  })
})

it('gives advice where a rule withholds the new head of a chain', async () => {
  const domainId = await cli.create()
  const append = () => cli.runWith(line(), 'append', '--stdin', '--domain', domainId, '--json')
  const rule = 'RULE thief_head'
  await asSuperuser(database.url, `CREATE ${rule} AS ON UPDATE TO audit_log_chain_head DO INSTEAD NOTHING`)
  const { code, stdout, stderr } = await append().finally(() =>
    asSuperuser(database.url, `DROP ${rule} ON audit_log_chain_head`),
  )
  expect([code, codesOf(stderr), stdout]).toEqual([3, ['chain_conflict'], ''])
  expect(stderr).toContain('audit db status')
  expect(await append()).toMatchObject({ code: 0 })
})
