import { cpSync, mkdtempSync, rmSync, utimesSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { basename, join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { PLATFORM_ANCHOR } from '../../src/chain/uuid.js'
import { CliDatabase } from '../support/append-process.js'
import { jsonLines, runCli } from '../support/cli.js'
import { keyOf } from '../support/mirror-attacks/objects.js'
import { asSuperuser, rowsOf, type TestDatabase, testDatabase } from '../support/postgres.js'

const root = mkdtempSync(join(tmpdir(), 'restore-all-'))
const urlOf = (name: string) => pathToFileURL(join(root, name)).href
let source: TestDatabase
let cli: CliDatabase
/** Two Domains in the default mirror, and one in its own. */
let created: string[]
let first: string
let second: string
let resident: string
let heads: string
let map: string
/** Returns the rows of a chain, to compare before and after. */
const ROWS = 3

beforeAll(async () => {
  source = await testDatabase()
  cli = new CliDatabase(source.url)
  created = [await cli.create(), await cli.create()]
  const ids = [...created].sort()
  first = ids[0] ?? ''
  second = ids[1] ?? ''
  const { stdout } = await cli.run('domain', 'create', '--mirror', urlOf('own'), '--json')
  resident = String(JSON.parse(stdout).domain_id)
  for (const id of [first, second, resident]) {
    const lines = [1, 2].map((i) => JSON.stringify({ subject_id: 'a', relation: 'r', object: `o:${i}` }))
    const appended = await cli.runWith(lines.join('\n'), 'append', '--stdin', '--domain', id)
    expect(appended).toMatchObject({ code: 0 })
  }
  map = join(root, 'mirrors')
  writeFileSync(map, `${resident} ${urlOf('own')}\n`)
  const archived = await cli.run(
    'archiver',
    '--once',
    '--init-mirror',
    '--mirror',
    urlOf('default'),
    '--mirror-map',
    map,
  )
  expect(archived).toMatchObject({ code: 0 })
  const verified = await cli.run('verify', '--all', '--json')
  heads = join(root, 'heads.ndjson')
  writeFileSync(heads, verified.stdout)
})

afterAll(async () => {
  cli.remove()
  await source.drop()
  rmSync(root, { recursive: true, force: true })
})

interface Line {
  readonly domain_id?: string
  readonly outcome?: string
  readonly summary?: object
}

/** An empty Postgres, and a copy of the default mirror. */
async function withLoss(use: (loss: Loss) => Promise<void>): Promise<void> {
  const database = await testDatabase()
  const name = basename(mkdtempSync(join(root, 'copy-')))
  cpSync(join(root, 'default'), join(root, name), { recursive: true })
  try {
    await use(new Loss(database, name))
  } finally {
    await database.drop()
  }
}

class Loss {
  constructor(
    readonly database: TestDatabase,
    readonly mirror: string,
  ) {}

  run(...args: string[]) {
    const env = {
      ...cli.env,
      AUDIT_DATABASE_URL: this.database.url,
      AUDIT_MIRROR_URL: urlOf(this.mirror),
      AUDIT_MIRROR_MAP: map,
    }
    return runCli([...args, '--json'], { env })
  }

  async restoreAll(...words: string[]) {
    const { code, stdout, stderr } = await this.run('archive', 'restore', '--all', ...words)
    const lines = jsonLines(stdout) as Line[]
    const said = lines.map(({ domain_id, outcome }) => [domain_id, outcome]).slice(0, -1)
    const errors = stderr.split('\n').filter((line) => line.startsWith('{"error"'))
    return { code, said, summary: lines.at(-1)?.summary, errors, lines, stderr }
  }

  path(domainId: string, seq: number): string {
    return join(root, this.mirror, keyOf(domainId, seq))
  }

  marks() {
    return rowsOf(this.database.url, 'SELECT domain_id::text AS id FROM audit_restore ORDER BY 1')
  }
}

const outcomes = (of: Readonly<Record<string, string>>) => [
  [PLATFORM_ANCHOR, of[PLATFORM_ANCHOR] ?? 'restored'],
  ...[first, second, resident].sort().map((id) => [id, of[id] ?? 'restored']),
]

describe.concurrent('archive restore --all', () => {
  it('restores every chain from its own mirror, the platform chain first', () =>
    withLoss(async (loss) => {
      // The newest object is 90 s younger than its row.
      const [newest] = await rowsOf(
        source.url,
        'SELECT extract(epoch FROM recorded_at)::float AS at FROM audit_log_entry WHERE domain_id = $1 AND seq = 3',
        [first],
      )
      const storedAt = Number(newest?.at) + 90
      utimesSync(loss.path(first, 3), storedAt, storedAt)

      const { code, said, summary, lines, stderr } = await loss.restoreAll('--expect-heads', heads)
      expect([code, said], stderr).toEqual([0, outcomes({})])
      expect(summary).toMatchObject({ ok: true, chains: 4, restored: 4, present: 0, broken: 0, failed: 0 })
      const line = lines.find(({ domain_id }) => domain_id === first)
      expect(line).toMatchObject({ rows: ROWS, complete: true, mirror_lag_seconds: 90 })
      expect(line).toHaveProperty('newest_row_age_seconds')
      expect(await loss.marks()).toEqual([])

      const verified = await loss.run('verify', '--all', '--source', 'both', '--expect-heads', heads)
      expect([verified.code, verified.stderr]).toEqual([0, ''])
      const domains = await rowsOf(
        loss.database.url,
        `SELECT d.domain_id::text AS id, d.mirror_url, d.name, d.created_at = e.recorded_at AS dated
         FROM audit_domain d JOIN audit_log_entry e ON e.domain_id = d.domain_id AND e.seq = 1 ORDER BY 1`,
      )
      expect(domains).toEqual(
        [first, second, resident].sort().map((id) => ({
          id,
          mirror_url: id === resident ? urlOf('own') : null,
          name: '',
          dated: true,
        })),
      )
    }))

  it.each<[string, () => readonly (readonly string[])[]]>([
    ['--all', () => [['--all']]],
    ['one after the other', () => [['--platform'], ['--domain', first], ['--domain', second]]],
  ])(
    'records a Domain whose creation the mirror had not yet, so that it never looks planted: %s',
    (_, runs) =>
      withLoss(async (loss) => {
        // The Domain in a mirror of its own is left out.
        const none = join(root, `${loss.mirror}.map`)
        writeFileSync(none, '')
        const run = (...words: string[]) => loss.run(...words, '--mirror-map', none)
        for (const seq of [3, 4]) rmSync(loss.path(PLATFORM_ANCHOR, seq))
        let said = ''
        for (const words of runs()) {
          const { code, stderr } = await run('archive', 'restore', ...words)
          expect(code, stderr).toBe(0)
          said += stderr
        }
        const note = `the platform chain did not record the creation of ${created[1]}; it now records this restore`
        expect(said).toContain(note)
        expect(await loss.run('domain', 'create')).toMatchObject({ code: 0 })
        expect(await loss.run('verify', '--all')).toMatchObject({ code: 0 })
        expect(await run('archiver', '--once')).toMatchObject({ code: 0 })
        for (const source of ['mirror', 'both'])
          expect(await run('verify', '--all', '--source', source)).toMatchObject({ code: 0 })
      }),
  )

  it('restores every chain that is there where the platform chain is absent, and ends with 3', () =>
    withLoss(async (loss) => {
      rmSync(join(root, loss.mirror, 'audit', PLATFORM_ANCHOR), { recursive: true })
      const { code, said, errors } = await loss.restoreAll()
      const all = [first, second, resident].sort().map((id) => [id, 'restored'])
      expect([code, said]).toEqual([3, all])
      expect(JSON.parse(errors.at(-1) ?? '')).toMatchObject({ error: { code: 'platform_chain_absent' } })
    }))

  it('can run again after a kill: skips complete chains that grew, and completes partial ones', () =>
    withLoss(async (loss) => {
      for (const words of [['--platform'], ['--domain', first]])
        expect(await loss.run('archive', 'restore', ...words)).toMatchObject({ code: 0 })
      const line = ['--subject', 'a', '--relation', 'r', '--object', 'o:1']
      expect(await loss.run('append', '--domain', first, ...line)).toMatchObject({ code: 0 })
      // The state after a kill: the restore is announced, and one row is inserted.
      await asSuperuser(
        loss.database.url,
        `INSERT INTO audit_restore (domain_id, mirror_url) VALUES ('${second}', 'file:///m'), ('${resident}', 'file:///m')`,
      )
      const before = await loss.run('verify', '--all')
      expect([before.code, before.stderr.match(/restore_unfinished/g)?.length]).toEqual([3, 2])

      const { code, said, summary } = await loss.restoreAll()
      expect([code, said]).toEqual([0, outcomes({ [PLATFORM_ANCHOR]: 'present', [first]: 'present' })])
      expect(summary).toMatchObject({ ok: true, restored: 2, present: 2, rows: 2 * ROWS })
      expect(await loss.run('verify', '--all')).toMatchObject({ code: 0 })
    }))

  it('names a chain that exists with other content, and restores the others', () =>
    withLoss(async (loss) => {
      await loss.run('archive', 'restore', '--domain', first)
      await asSuperuser(
        loss.database.url,
        `UPDATE audit_log_entry SET relation = 'forged' WHERE domain_id = '${first}' AND seq = 2`,
      )
      const { code, said, errors, summary } = await loss.restoreAll()
      expect([code, said]).toEqual([2, outcomes({}).filter(([id]) => id !== first)])
      expect(errors).toHaveLength(1)
      expect(errors[0]).toMatch(
        new RegExp(`"chain_exists".*${first}.*copies_differ.*--source both --mirror `),
      )
      expect(summary).toMatchObject({ ok: false, restored: 3, failed: 1 })
    }))

  it('ends with 1 for a chain whose mirror is broken, and restores the others', () =>
    withLoss(async (loss) => {
      writeFileSync(loss.path(second, 2), 'junk')
      const { code, said, summary } = await loss.restoreAll()
      expect([code, said]).toEqual([1, outcomes({ [second]: 'broken' })])
      expect(summary).toMatchObject({ ok: false, restored: 3, broken: 1 })
      expect(await loss.marks()).toEqual([])
      // The chain is missing, and no restore of it is unfinished.
      const verified = await loss.run('verify', '--all')
      expect([verified.code, verified.stdout.match(/chain_missing/g)?.length]).toEqual([1, 1])
    }))

  it('reports a Domain that only the platform chain names', () =>
    withLoss(async (loss) => {
      rmSync(join(root, loss.mirror, 'audit', first), { recursive: true })
      const { code, said, lines } = await loss.restoreAll()
      expect([code, said]).toEqual([1, outcomes({ [first]: 'broken' })])
      expect(lines.find(({ domain_id }) => domain_id === first)).toMatchObject({
        findings: [{ code: 'chain_missing' }],
      })
    }))

  it('follows no mirror that only the platform chain names, and prints the line to add', () =>
    withLoss(async (loss) => {
      const none = join(root, 'no-mirrors')
      writeFileSync(none, '# none\n')
      const { code, said, errors } = await loss.restoreAll('--mirror-map', none)
      expect([code, said]).toEqual([3, outcomes({}).filter(([id]) => id !== resident)])
      expect(errors).toHaveLength(1)
      const { error } = JSON.parse(errors[0] ?? '')
      expect(error.code).toBe('mirror_not_mapped')
      expect(error.hint).toMatch(new RegExp(`: ${resident} ${urlOf('own')}$`))
      expect(await loss.marks()).toEqual([])
      // Once the line is there, the restore goes on with the Domain that is missing.
      expect((await loss.restoreAll()).code).toBe(0)
    }))

  it('restores a Domain from the mirror of its line while the platform chain is broken', () =>
    withLoss(async (loss) => {
      writeFileSync(loss.path(PLATFORM_ANCHOR, 2), 'junk')
      const { code, said } = await loss.restoreAll()
      expect([code, said]).toEqual([1, outcomes({ [PLATFORM_ANCHOR]: 'broken' })])
    }))

  it('restores a Domain from the mirror of its line where the platform chain does not record it', () =>
    withLoss(async (loss) => {
      rmSync(loss.path(PLATFORM_ANCHOR, 4))
      const { code, said, errors } = await loss.restoreAll()
      expect([code, said, errors]).toEqual([0, outcomes({}), []])
    }))

  it('restores the Domain of a line while the default mirror is empty, and ends with 3', () =>
    withLoss(async (loss) => {
      const empty = mkdtempSync(join(root, 'empty-'))
      const { code, said, errors } = await loss.restoreAll('--mirror', pathToFileURL(empty).href)
      expect([code, said]).toEqual([3, [[resident, 'restored']]])
      expect(errors).toHaveLength(1)
      expect(JSON.parse(errors[0] ?? '')).toMatchObject({ error: { code: 'platform_chain_absent' } })
    }))

  it.each(['recorded', 'not recorded'])(
    'restores the others while the mirror of a line cannot be read: a Domain that is %s',
    (recorded) =>
      withLoss(async (loss) => {
        if (recorded === 'not recorded') rmSync(loss.path(PLATFORM_ANCHOR, 4))
        const dead = join(root, 'dead-mirrors')
        writeFileSync(dead, `${resident} ${urlOf('not mounted')}\n`)
        const { code, said, errors } = await loss.restoreAll('--mirror-map', dead)
        expect([code, said]).toEqual([3, outcomes({}).filter(([id]) => id !== resident)])
        expect(errors).toHaveLength(1)
        expect(JSON.parse(errors[0] ?? '')).toMatchObject({ error: { code: 'mirror_unavailable' } })
      }),
  )

  it('refuses the wrong pepper chain by chain, and an empty mirror', () =>
    withLoss(async (loss) => {
      const other = join(root, 'other.key')
      writeFileSync(other, Buffer.alloc(32, 7), { mode: 0o600 })
      const { code, errors } = await loss.restoreAll('--pepper', pathToFileURL(other).href)
      const codes = errors.map((line) => JSON.parse(line).error.code)
      expect([code, codes]).toEqual([2, Array(4).fill('pepper_mismatch')])
      expect(await loss.marks()).toEqual([])
      const empty = mkdtempSync(join(root, 'empty-'))
      const none = join(root, 'no-lines')
      writeFileSync(none, '# none\n')
      const nothing = await loss.restoreAll('--mirror', pathToFileURL(empty).href, '--mirror-map', none)
      expect([nothing.code, nothing.errors.length]).toEqual([4, 1])
    }))
})
