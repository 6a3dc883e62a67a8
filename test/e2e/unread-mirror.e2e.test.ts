import { cpSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { PLATFORM_ANCHOR } from '../../src/chain/uuid.js'
import { CliDatabase } from '../support/append-process.js'
import { jsonLines, runCli } from '../support/cli.js'
import { keyOf } from '../support/mirror-attacks/objects.js'
import { asSuperuser, type TestDatabase, testDatabase } from '../support/postgres.js'

const root = mkdtempSync(join(tmpdir(), 'unread-mirror-'))
const urlOf = (name: string) => pathToFileURL(join(root, name)).href
let database: TestDatabase
let cli: CliDatabase
let pins: string
/** `ordinary` is in the default mirror, and `resident` in the mirror of its line. */
const ids = { ordinary: '', resident: '', platform: PLATFORM_ANCHOR }
type Name = keyof typeof ids

beforeAll(async () => {
  database = await testDatabase()
  cli = new CliDatabase(database.url)
  ids.ordinary = await cli.create()
  const { stdout } = await cli.run('domain', 'create', '--mirror', urlOf('own'), '--json')
  ids.resident = String(JSON.parse(stdout).domain_id)
  for (const id of [ids.ordinary, ids.resident]) {
    const line = ['--subject', 'a', '--relation', 'r', '--object', 'o:1']
    expect(await cli.run('append', '--domain', id, ...line)).toMatchObject({ code: 0 })
  }
  const mirrors = ['--mirror', urlOf('default'), '--mirror-map', mapTo('own')]
  expect(await cli.run('archiver', '--once', '--init-mirror', ...mirrors)).toMatchObject({ code: 0 })
  pins = join(root, 'heads.ndjson')
  writeFileSync(pins, (await cli.run('verify', '--all', '--json')).stdout)
  cpSync(join(root, 'default'), join(root, 'damaged'), { recursive: true })
  writeFileSync(join(root, 'damaged', keyOf(ids.ordinary, 2)), 'junk')
  for (const name of ['empty', 'marked', 'emptied']) mkdirSync(join(root, name, 'audit'), { recursive: true })
  cpSync(join(root, 'own', 'audit', 'mirror.json'), join(root, 'marked', 'audit', 'mirror.json'))
  mkdirSync(join(root, 'emptied', 'audit', ids.resident))
  writeFileSync(join(root, 'emptied', 'audit', ids.resident, '.DS_Store'), '')
})

afterAll(async () => {
  cli.remove()
  await database.drop()
  rmSync(root, { recursive: true, force: true })
})

/** Returns a map whose line leads to the mirror of this name. */
function mapTo(name: string): string {
  const path = join(root, `map-to-${name.replace('/', '-')}`)
  writeFileSync(path, `${ids.resident} ${urlOf(name)}\n`)
  return path
}

interface Case {
  readonly name: string
  readonly source: 'both' | 'mirror'
  readonly words?: () => readonly string[]
  /** Names of mirrors; `dead` does not exist. Null: no --mirror. */
  readonly mirror?: string | null
  readonly line?: string
  /** The Domain whose row in PostgreSQL is edited. */
  readonly edited?: Name
  readonly exit: number
  /** The chains that were judged, with what was found and where. */
  readonly judged: Partial<Record<Name, string>>
  /** The codes of the errors, in order, and a part of the last one's hint. */
  readonly errors: readonly string[]
  readonly hint?: string
}

const pinned = () => ['--all', '--expect-heads', pins]
const one = () => ['--domain', ids.resident]
const down = 'mirror_unavailable'

const CASES: readonly Case[] = [
  {
    name: 'the mirror of a line is down',
    source: 'both',
    line: 'dead',
    exit: 3,
    judged: { ordinary: 'both', platform: 'both' },
    errors: [down],
    hint: '--mirror-map',
  },
  {
    name: 'the mirror of a line is down, and another chain is edited',
    source: 'both',
    line: 'dead',
    edited: 'ordinary',
    exit: 1,
    judged: { ordinary: 'both entry_hash_mismatch copies_differ', platform: 'both' },
    errors: [down],
  },
  {
    name: 'the mirror of a line is down, and its own chain is edited',
    source: 'both',
    line: 'dead',
    edited: 'resident',
    exit: 1,
    judged: { ordinary: 'both', platform: 'both', resident: 'postgres entry_hash_mismatch' },
    errors: [down],
  },
  {
    name: 'the default mirror is down',
    source: 'both',
    mirror: 'dead',
    exit: 3,
    judged: { resident: 'both' },
    errors: [down, down, down],
  },
  {
    name: 'the default mirror is down, and a chain there is edited',
    source: 'both',
    mirror: 'dead',
    edited: 'ordinary',
    exit: 1,
    judged: { ordinary: 'postgres entry_hash_mismatch', resident: 'both' },
    errors: [down, down, down],
  },
  {
    name: 'its mirror is down',
    source: 'both',
    words: one,
    line: 'dead',
    exit: 3,
    judged: {},
    errors: [down],
  },
  {
    name: 'its mirror is down, and it is edited',
    source: 'both',
    words: one,
    line: 'dead',
    edited: 'resident',
    exit: 1,
    judged: { resident: 'postgres entry_hash_mismatch' },
    errors: [down],
  },
  {
    name: 'the mirror of a line is down',
    source: 'mirror',
    line: 'dead',
    exit: 3,
    judged: { ordinary: 'mirror', platform: 'mirror' },
    errors: [down],
  },
  {
    name: 'the mirror of a line is down, and another is damaged',
    source: 'mirror',
    mirror: 'damaged',
    line: 'dead',
    exit: 1,
    judged: { ordinary: 'mirror object_malformed', platform: 'mirror' },
    errors: [down],
  },
  {
    name: 'the default mirror is down',
    source: 'mirror',
    mirror: 'dead',
    exit: 3,
    judged: { resident: 'mirror' },
    errors: [down],
  },
  {
    name: 'the default mirror is down, and every chain is pinned',
    source: 'mirror',
    words: pinned,
    mirror: 'dead',
    exit: 3,
    judged: { resident: 'mirror' },
    errors: [down, down, down],
  },
  {
    name: 'no default mirror is given',
    source: 'mirror',
    mirror: null,
    exit: 3,
    judged: { resident: 'mirror' },
    errors: ['mirror_not_mapped'],
  },
  {
    name: 'every mirror is down',
    source: 'mirror',
    mirror: 'dead',
    line: 'dead',
    exit: 3,
    judged: {},
    errors: [down, down],
  },
  {
    name: 'the default mirror is empty',
    source: 'mirror',
    mirror: 'empty',
    exit: 3,
    judged: { resident: 'mirror' },
    errors: ['platform_chain_absent'],
  },
  ...(['empty', 'emptied'] as const).flatMap((line): Case[] =>
    [undefined, pinned].map((words) => ({
      name: `the place of a line is ${line}${words === undefined ? '' : ', pinned'}`,
      source: 'mirror',
      ...(words === undefined ? {} : { words }),
      line,
      exit: 3,
      judged: { ordinary: 'mirror', platform: 'mirror' },
      errors: ['mirror_unmarked'],
      hint: 'its line in the file of --mirror-map',
    })),
  ),
  {
    name: 'its place is empty',
    source: 'mirror',
    words: one,
    line: 'empty',
    exit: 4,
    judged: {},
    errors: ['domain_not_found'],
    hint: 'its line in the file of --mirror-map',
  },
  {
    name: 'its line is too deep',
    source: 'mirror',
    words: one,
    line: 'own/audit',
    exit: 4,
    judged: {},
    errors: ['domain_not_found'],
    hint: 'the line in the file of --mirror-map (AUDIT_MIRROR_MAP) is then: ',
  },
  {
    name: 'the place of a line is empty',
    source: 'both',
    line: 'empty',
    exit: 3,
    judged: { ordinary: 'both', platform: 'both' },
    errors: ['mirror_unmarked'],
  },
  ...['marked', 'default'].map(
    (line): Case => ({
      name: `the mirror of a line is ${line} and lacks the chain`,
      source: 'mirror',
      line,
      exit: 1,
      judged: { ordinary: 'mirror', platform: 'mirror', resident: 'mirror chain_missing' },
      errors: [],
    }),
  ),
]

interface Result {
  readonly domain_id: string
  readonly source: string
  readonly mirror?: string
  readonly findings: readonly { readonly code: string }[]
}

async function run({ source, words = () => ['--all'], mirror = 'default', line = 'own' }: Case) {
  const env =
    source === 'both' ? cli.env : { AUDIT_DATABASE_URL: 'postgresql://postgres@/a?host=/nonexistent' }
  const mirrors = mirror === null ? [] : ['--mirror', urlOf(mirror)]
  const args = ['verify', '--source', source, ...words(), ...mirrors, '--mirror-map', mapTo(line)]
  return runCli([...args, ...(source === 'both' ? ['--no-quarantine'] : []), '--json'], { env })
}

async function edited<T>(name: Name | undefined, use: () => Promise<T>): Promise<T> {
  const set = (relation: string) =>
    name === undefined
      ? undefined
      : asSuperuser(
          database.url,
          `UPDATE audit_log_entry SET relation = '${relation}' WHERE domain_id = '${ids[name]}' AND seq = 2`,
        )
  await set('forged')
  try {
    return await use()
  } finally {
    await set('r')
  }
}

/** The cases run one after the other, because some edit a row. */
describe('verify with a mirror that cannot be read', () => {
  it.each(CASES.map((row) => [row.source, row.name, row] as const))('%s: %s', async (_source, _name, row) => {
    const { code, stdout, stderr } = await edited(row.edited, () => run(row))
    const results = (jsonLines(stdout) as Result[]).filter((line) => !('summary' in line))
    const judged = Object.fromEntries(
      results.map(({ domain_id, source, findings }) => [
        Object.entries(ids).find(([, id]) => id === domain_id)?.[0],
        [source, ...findings.map((found) => found.code)].join(' '),
      ]),
    )
    expect([code, judged], stderr).toEqual([row.exit, row.judged])
    // A verdict names the mirror that it read, and no other.
    for (const { source, mirror } of results) expect(mirror !== undefined).toBe(source !== 'postgres')
    if (row.line === 'dead') expect(stderr).toContain(ids.resident)
    const lines = stderr.split('\n').filter((line) => line.startsWith('{"error"'))
    const errors = lines.map((line) => JSON.parse(line).error)
    expect(errors.map((error) => error.code)).toEqual(row.errors)
    if (row.hint !== undefined) expect(errors.at(-1).hint).toContain(row.hint)
  })
})
