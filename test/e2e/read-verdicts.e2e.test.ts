import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { compress } from '@mongodb-js/zstd'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { ChainedEntry } from '../../src/chain/entry.js'
import type { CheckedEntryProof } from '../../src/json/checked-entry.js'
import { mirrorCodec } from '../../src/mirror/object/codec.js'
import { writeObject } from '../../src/mirror/object/object-json.js'
import { chainRows, dropChecks } from '../support/chain-rows.js'
import { runCli } from '../support/cli.js'
import { asSuperuser } from '../support/postgres.js'
import { CHAIN, ReadCopies } from '../support/read-copies.js'

const READ = { relation: 'project.read', object: 'project:secret' }
const WRITE = { relation: 'project.write', object: 'project:secret' }
/** Row 5 is damaged in each case. A filter by `project.write` selects the rows 2, 4, 6 and 8. */
const ROWS = chainRows(CHAIN, [READ, WRITE, READ, WRITE, READ, WRITE, READ, WRITE, READ])
const FIFTH = ROWS[4] as ChainedEntry

const FILTER = ['--relation', 'project.write']
const COMMANDS = {
  list: ['list', '--all'],
  'list of a filter': ['list', '--all', ...FILTER],
  'list --verify': ['list', '--all', '--verify'],
  'list --verify of a filter': ['list', '--all', '--verify', ...FILTER],
  stats: ['stats'],
  'stats of a filter': ['stats', ...FILTER],
  'stats --verify': ['stats', '--verify'],
  'stats --verify of a filter': ['stats', '--verify', ...FILTER],
  'get of row 5': ['get', '5'],
  'get of row 6': ['get', '6'],
  export: ['export'],
  'export of a filter': ['export', ...FILTER],
} as const

type Command = keyof typeof COMMANDS
type Codes = Readonly<Partial<Record<Command, number>>>

interface Damage {
  readonly rows: readonly ChainedEntry[]
  /** Damages the copies that hold the rows. */
  readonly apply?: (copies: ReadCopies) => Promise<void>
  /** The exit codes that are not 0, for every copy. */
  readonly codes: Codes
  /** The exit codes that differ in PostgreSQL. */
  readonly postgres?: Codes
}

const FOUND: Codes = { 'list --verify': 1, 'stats --verify': 1, 'get of row 5': 1, export: 1 }

const DAMAGES: Readonly<Record<string, Damage>> = {
  'no damage': { rows: ROWS, codes: {} },
  'a row that cannot be decoded': {
    rows: ROWS,
    apply: undecodable,
    codes: {
      ...FOUND,
      'list of a filter': 1,
      'list --verify of a filter': 1,
      'stats of a filter': 1,
      'stats --verify of a filter': 1,
      'export of a filter': 1,
    },
    // PostgreSQL can read the other columns: NULL is no value that a filter selects.
    postgres: filtersComplete(),
  },
  'an edited row': {
    rows: ROWS.map((row) => (row.seq === 5 ? { ...row, object: 'project:public' } : row)),
    codes: FOUND,
  },
  'a missing row': {
    rows: ROWS.filter(({ seq }) => seq !== 5),
    codes: {
      ...FOUND,
      'get of row 5': 4,
      // Row 6 does not follow row 4.
      'list --verify of a filter': 1,
      'stats --verify of a filter': 1,
    },
  },
}

function filtersComplete(): Codes {
  const filtered = Object.keys(COMMANDS).filter((name) => name.endsWith('of a filter'))
  return Object.fromEntries(filtered.map((name) => [name, 0]))
}

async function undecodable(copies: ReadCopies): Promise<void> {
  await asSuperuser(copies.database.url, async (client) => {
    await dropChecks(client)
    await client.query('UPDATE audit_log_entry SET relation = NULL WHERE seq = 5')
  })
  const forged = writeObject(FIFTH).replace('project:secret', 'project:public')
  const path = join(fileURLToPath(copies.directoryUrl), mirrorCodec.key(CHAIN, 5))
  writeFileSync(path, await compress(Buffer.from(forged)))
}

describe.each(Object.entries(DAMAGES))('of a chain with %s', (_name, { rows, apply, codes, postgres }) => {
  let copies: ReadCopies
  let dir: string
  const places: Record<string, readonly string[]> = {}

  beforeAll(async () => {
    copies = await ReadCopies.make([...rows])
    await apply?.(copies)
    dir = mkdtempSync(join(tmpdir(), 'audit-verdicts-'))
    places.PostgreSQL = ['--domain', CHAIN]
    places.mirror = ['--domain', CHAIN, '--source', 'mirror', '--mirror', copies.directoryUrl]
    places.bundle = [join(dir, 'whole.tar')]
    await run('export', ...places.mirror, '--output', join(dir, 'whole.tar'))
  }, 120_000)

  afterAll(async () => {
    await copies.drop()
    rmSync(dir, { recursive: true, force: true })
  })

  const run = (...args: string[]) =>
    runCli(args, { env: { AUDIT_DATABASE_URL: copies.database.url }, cwd: dir })

  const TABLE = ['PostgreSQL', 'mirror', 'bundle'].flatMap((copy) =>
    (Object.keys(COMMANDS) as Command[]).map((command) => {
      const own = copy === 'PostgreSQL' ? postgres?.[command] : undefined
      return [command, copy, own ?? codes[command] ?? 0] as const
    }),
  )

  it.each(TABLE)('%s from the copy %s ends with %i', async (command, copy, code) => {
    const output = command.startsWith('export') ? ['--output', `${copy}-${command.length}.tar`] : []
    const result = await run(...COMMANDS[command], ...(places[copy] ?? []), ...output)
    expect(result).toMatchObject({ code })
  })
})

describe('an object that cannot be decoded', () => {
  let copies: ReadCopies
  let dir: string
  let mirror: readonly string[]

  beforeAll(async () => {
    copies = await ReadCopies.make(ROWS)
    await undecodable(copies)
    dir = mkdtempSync(join(tmpdir(), 'audit-claims-'))
    mirror = ['--domain', CHAIN, '--source', 'mirror', '--mirror', copies.directoryUrl]
  }, 120_000)

  afterAll(async () => {
    await copies.drop()
    rmSync(dir, { recursive: true, force: true })
  })

  const run = (...args: string[]) => runCli(args, { cwd: dir })

  it('is shown with what it claims, as damaged', async () => {
    const { stdout, stderr } = await run('get', '5', ...mirror, '--json')
    const { entry, proof } = JSON.parse(stdout) as CheckedEntryProof
    expect(entry).toMatchObject({
      check: 'damaged',
      relation: 'project.read',
      object: { type: 'project', id: 'public' },
      reason: 'granted',
      occurred_at: '2026-01-01T00:00:05.000001Z',
      entry_hash: FIFTH.entryHash,
    })
    expect(Buffer.from(proof.canonical_bytes, 'base64').toString('latin1')).toContain('project:secret')
    expect(stderr).toContain('object: does not match canonical_bytes')
    const text = await run('get', '5', ...mirror)
    expect(text.stdout).toContain('as the malformed object claims them; no hash covers them')
    const list = await run('list', ...mirror, '--around', '5', '--context-rows', '0', '--format', 'csv')
    expect(list.stdout).toContain('5,damaged,2026-01-01T00:00:05.000001Z,granted,')
  })

  it('is not selected by what it claims', async () => {
    const { code, stdout, stderr } = await run(
      'list',
      ...mirror,
      '--all',
      '--relation',
      'project.read',
      '--json',
    )
    expect(code).toBe(1)
    expect(stdout).not.toContain('"seq":5')
    expect(stderr.match(/left out: row 5 /g)).toHaveLength(1)
    const counted = await run('stats', ...mirror, '--json')
    expect(JSON.parse(counted.stdout)).toMatchObject({ rows: 9, denied: 0, unreadable: 1 })
  })

  it('is named once where the copy is read in two passes', async () => {
    const words = ['export', ...mirror, ...FILTER, '--from', '2026-01-01T00:00:00Z', '--output', 'twice.tar']
    const { code, stderr } = await run(...words)
    expect(code).toBe(1)
    expect(stderr.match(/left out: /g)).toHaveLength(1)
  })

  it('keeps what it claims in an evidence file', async () => {
    await run('export', ...mirror, '--output', 'claims.tar')
    const { code, stderr } = await run('get', '5', 'claims.tar')
    expect(code).toBe(1)
    expect(stderr).toMatch(
      /row 5 .*object: does not match canonical_bytes; it claims granted, project.read, project:public, 2026-01-01T00:00:05/,
    )
  })
})
