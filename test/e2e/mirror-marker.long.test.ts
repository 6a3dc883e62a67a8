import { cp, mkdir, readdir, readFile, rename, rm, writeFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import type { ChainedEntry } from '../../src/chain/entry.js'
import { ArchiveFixture, NEVER } from '../support/archive-fixture.js'
import { unstampSql } from '../support/archive-stamps.js'
import { chainRows, insertRows } from '../support/chain-rows.js'
import { jsonLines, runCli } from '../support/cli.js'
import { asSuperuser, rowsOf } from '../support/postgres.js'

const ROWS = 12
const MARKER = 'audit/mirror.json'

let fixture: ArchiveFixture
let rows: ChainedEntry[]
let domainId: string
let dir: string

beforeEach(async () => {
  fixture = await ArchiveFixture.make({ marked: false })
  dir = join(fixture.dir, 'mirror')
  rows = await fixture.chain(ROWS)
  domainId = rows[0]?.domainId ?? ''
})
afterEach(() => fixture.drop())

const audit = (...args: string[]) => auditAt(dir, ...args)

function auditAt(path: string, ...args: string[]) {
  const env = {
    AUDIT_DATABASE_URL: fixture.url,
    AUDIT_MIRROR_URL: pathToFileURL(path).href,
    AUDIT_HOME: join(fixture.dir, 'home'),
  }
  return runCli(args, { env })
}

const stamped = async () => ROWS - (await fixture.unstamped(domainId)).length
const marker = (path = dir) => readFile(join(path, MARKER), 'utf8').catch(() => undefined)
const recorded = async () =>
  (await rowsOf(fixture.url, 'SELECT marker_id FROM audit_mirror_marker'))[0]?.marker_id
/** Returns the code of each error on stderr, once. */
const codesOf = (stderr: string) => [
  ...new Set(
    stderr.split('\n').flatMap((line) => (line.startsWith('{"error"') ? [JSON.parse(line).error.code] : [])),
  ),
]
const chain = () => ['--domain', domainId]

/** Returns the codes of the findings of the first result, sorted. */
function findingsOf(stdout: string): string[] {
  const [result] = jsonLines(stdout) as { findings?: { code: string }[] }[]
  return (result?.findings ?? []).map(({ code }) => code).sort()
}

/** Archives as programs did before there were markers. */
async function archiveAsBefore(): Promise<void> {
  const archiver = fixture.archiver()
  await archiver.once(NEVER, { assertOurs: async () => undefined })
}

async function append(count: number): Promise<void> {
  const last = rows.at(-1)
  await insertRows(
    fixture.url,
    chainRows(domainId, Array(count).fill({}), (last?.seq ?? 0) + 1, last?.entryHash),
  )
}

async function putMarker(text: string, path = dir): Promise<void> {
  await mkdir(dirname(join(path, MARKER)), { recursive: true })
  await writeFile(join(path, MARKER), text)
}

describe('a place without a marker', () => {
  it.each([
    ['archiver', '--once'],
    ['archive', 'backfill', '--all'],
    ['archive', 'backfill', '--all', '--dry-run'],
  ])('is refused by %s %s, and nothing is written', async (...command) => {
    const refused = await audit(...command, '--json')
    expect([refused.code, codesOf(refused.stderr)]).toEqual([3, ['mirror_unmarked']])
    expect(refused.stderr).toContain(
      `audit archiver --once --init-mirror --mirror ${pathToFileURL(dir).href}`,
    )
    expect([await readdir(dir), await stamped(), await recorded()]).toEqual([[], 0, undefined])
  })

  it('becomes the mirror with --init-mirror, once', async () => {
    expect(await audit('archiver', '--once', '--init-mirror')).toMatchObject({
      code: 0,
      stderr: `began the mirror ${pathToFileURL(dir).href}\n`,
    })
    const id = await recorded()
    expect(await marker()).toBe(`{"format":"audit-mirror-1","id":"${id}"}\n`)
    expect(await fixture.problems(rows)).toEqual([])
    await append(3)
    expect(await audit('archiver', '--once')).toMatchObject({ code: 0, stderr: '' })
    expect(await audit('archive', 'backfill', '--all', '--init-mirror')).toMatchObject({ code: 0 })
    expect(await recorded()).toBe(id)
    expect(jsonLines((await audit('archive', 'status', ...chain(), '--json')).stdout)).toMatchObject([
      { marker: 'present', gaps: { count: 0 } },
    ])
    // The marker is neither a chain nor a stray object of one.
    expect((await audit('verify', ...chain(), '--source', 'mirror')).code).toBe(0)
    const all = await audit('verify', '--all', '--source', 'mirror')
    expect(all.stdout + all.stderr).not.toContain('mirror.json')
  })

  it('is not begun by a dry run', async () => {
    const refused = await audit('archive', 'backfill', '--all', '--dry-run', '--init-mirror')
    expect([refused.code, await readdir(dir)]).toEqual([2, []])
  })

  it.each([
    ['missing', 'elsewhere', [3, 'mirror_unavailable'], 0],
    ['missing, and its parent too', 'not/there', [3, 'mirror_unavailable'], 3],
  ])(
    'that is %s is created by --init-mirror alone, without its parents',
    async (_name, path, refusal, init) => {
      const place = join(fixture.dir, path)
      const refused = await auditAt(place, 'archiver', '--once', '--json')
      expect([refused.code, ...codesOf(refused.stderr)]).toEqual(refusal)
      expect(refused.stderr).toContain('not mounted?')
      for (const source of ['mirror', 'both']) {
        expect((await auditAt(place, 'verify', '--domain', domainId, '--source', source)).code).toBe(3)
      }
      await expect(readdir(place)).rejects.toThrow('ENOENT')
      expect((await auditAt(place, 'archiver', '--once', '--init-mirror')).code).toBe(init)
      if (init === 0) expect(await marker(place)).toContain(await recorded())
      else await expect(readdir(dirname(place))).rejects.toThrow('ENOENT')
    },
  )
})

describe('a place with another marker', () => {
  const OTHER = '{"format":"audit-mirror-1","id":"018f0000-0000-7000-8000-00000000aaaa"}\n'

  it.each([
    ['of another database', OTHER],
    ['that is empty', ''],
    ['that is a web page', '<html>'],
    ['of another format', OTHER.replace('mirror-1', 'mirror-2')],
    ['with the nil id', OTHER.replace(/018f[^"]*/, '00000000-0000-0000-0000-000000000000')],
    ['that is larger than a marker', OTHER + ' '.repeat(100_000)],
    ['with another field', OTHER.replace('}', ',"x":1}')],
  ])('%s is refused, with --init-mirror too, and the marker stays', async (_name, text) => {
    for (const before of ['never archived', 'archived']) {
      if (before === 'archived') {
        await rm(join(dir, MARKER))
        expect((await audit('archiver', '--once', '--init-mirror')).code).toBe(0)
        await rm(join(dir, MARKER))
        await append(1)
      }
      await putMarker(text)
      const objects = (await fixture.objects(domainId)).length
      for (const command of [
        ['archiver', '--once'],
        ['archive', 'backfill', '--all'],
      ]) {
        for (const init of [[], ['--init-mirror']]) {
          const refused = await audit(...command, ...init, '--json')
          expect([refused.code, codesOf(refused.stderr)]).toEqual([3, ['mirror_mismatch']])
        }
      }
      expect([await marker(), (await fixture.objects(domainId)).length]).toEqual([text, objects])
    }
  })
})

describe('an empty or wrong place after the mirror was begun', () => {
  beforeEach(async () => {
    expect((await audit('archiver', '--once', '--init-mirror')).code).toBe(0)
    await append(1)
  })

  const PLACES: [string, (place: string) => Promise<unknown>][] = [
    ['an empty mount point', (place) => mkdir(place)],
    ['a prefix beside the mirror', (place) => mkdir(join(place, 'audit'), { recursive: true })],
    [
      'an old copy without a marker',
      async (place) => {
        await cp(dir, place, { recursive: true })
        await rm(join(place, MARKER))
        const files = await readdir(join(place, 'audit', domainId))
        await rm(join(place, 'audit', domainId, files.sort().at(-1) ?? ''))
      },
    ],
  ]

  it.each(PLACES)('is refused: %s', async (_name, make) => {
    const place = join(fixture.dir, 'place')
    await make(place)
    const before = await readdir(place, { recursive: true })
    for (const command of [
      ['archiver', '--once'],
      ['archive', 'backfill', '--all'],
    ]) {
      const refused = await auditAt(place, ...command, '--json')
      expect([refused.code, codesOf(refused.stderr)]).toEqual([3, ['mirror_unmarked']])
    }
    expect(await readdir(place, { recursive: true })).toEqual(before)
    expect(await stamped()).toBe(ROWS - 1)
    const both = await auditAt(place, 'verify', '--domain', domainId, '--source', 'both', '--json')
    expect([both.code, codesOf(both.stderr)]).toEqual([3, ['mirror_unmarked']])
    const status = await auditAt(place, 'archive', 'status', ...chain(), '--json')
    expect([status.code, codesOf(status.stderr)]).toEqual([3, ['mirror_unmarked']])
    expect(jsonLines(status.stdout)).toMatchObject([{ marker: 'missing' }])
  })

  it('is nothing to verify with the mirror alone', async () => {
    const place = join(fixture.dir, 'place')
    await mkdir(place)
    expect((await auditAt(place, 'verify', '--all', '--source', 'mirror')).code).toBe(4)
    await putMarker(String(await marker()), place)
    expect((await auditAt(place, 'verify', '--all', '--source', 'mirror')).code).toBe(4)
  })

  it('hides no edited row: what differs stays a finding, and what is absent a doubt', async () => {
    const place = join(fixture.dir, 'place')
    await cp(dir, place, { recursive: true })
    await rm(join(place, MARKER))
    await rm(join(place, 'audit', domainId, '00000000000000000012.json.zst'))
    await asSuperuser(
      fixture.url,
      `UPDATE audit_log_entry SET reason = 2 WHERE domain_id = '${domainId}' AND seq = 5`,
    )
    const both = await auditAt(place, 'verify', '--domain', domainId, '--source', 'both', '--json')
    expect([both.code, codesOf(both.stderr)]).toEqual([1, ['mirror_unmarked']])
    expect(findingsOf(both.stdout)).toEqual(['copies_differ', 'entry_hash_mismatch'])
  })

  it('keeps a lost object a finding in the mirror itself, also where its marker was removed', async () => {
    await rm(join(dir, 'audit', domainId, '00000000000000000004.json.zst'))
    for (const remove of [false, true]) {
      if (remove) await rm(join(dir, MARKER))
      const both = await audit('verify', '--domain', domainId, '--source', 'both', '--json')
      expect([both.code, findingsOf(both.stdout)]).toEqual([1, ['object_missing']])
    }
  })

  it('can become a new mirror with backfill --init-mirror, which uploads every row again and finds nothing', async () => {
    const place = join(fixture.dir, 'place')
    await mkdir(place)
    const begun = await auditAt(place, 'archive', 'backfill', '--all', '--init-mirror', '--json')
    expect([begun.code, begun.stderr]).toEqual([0, `began the mirror ${pathToFileURL(place).href}\n`])
    expect(jsonLines(begun.stdout)).toContainEqual(
      expect.objectContaining({ missing: ROWS + 1, lost: 0, uploaded: ROWS + 1, findings: [] }),
    )
    expect(await fixture.quarantine()).toEqual([])
    expect(await marker(place)).toBe(await marker())
    expect((await auditAt(place, 'verify', '--domain', domainId, '--source', 'both')).code).toBe(0)
  })

  it('stops no chain whose mirror is in order', async () => {
    const place = join(fixture.dir, 'own')
    await mkdir(place)
    const own = await fixture.chain(3)
    const id = own[0]?.domainId ?? ''
    const url = pathToFileURL(place).href
    await asSuperuser(fixture.url, `UPDATE audit_domain SET mirror_url = '${url}' WHERE domain_id = '${id}'`)
    const env = { AUDIT_MIRROR_MAP: join(fixture.dir, 'map') }
    await writeFile(env.AUDIT_MIRROR_MAP, `${id} ${url}\n`)
    const once = await runCli(['archiver', '--once', '--json'], {
      env: { ...env, AUDIT_DATABASE_URL: fixture.url, AUDIT_MIRROR_URL: pathToFileURL(dir).href },
    })
    expect([once.code, codesOf(once.stderr)]).toEqual([3, ['mirror_unmarked']])
    expect([await fixture.unstamped(domainId), await fixture.unstamped(id)]).toEqual([[], [1, 2, 3]])
    expect(await readdir(place)).toEqual([])
  })
})

describe('an upgrade of an archiver that worked before', () => {
  const adopted = () =>
    `adopted the mirror ${pathToFileURL(dir).href}: it holds the row that was archived last, and has a marker now\n`

  it.each([0, 3])('says that the mirror is adopted, once, with %i rows waiting', async (waiting) => {
    await archiveAsBefore()
    expect([await marker(), await recorded()]).toEqual([undefined, undefined])
    expect((await audit('verify', '--domain', domainId, '--source', 'both')).code).toBe(0)
    await append(waiting)
    const once = await audit('archiver', '--once')
    expect(once).toMatchObject({
      code: 0,
      stderr: adopted() + (waiting === 0 ? 'nothing to archive\n' : ''),
    })
    await append(waiting === 0 ? 1 : 0)
    expect((await audit('archiver', '--once')).stderr).not.toContain('adopted')
    expect(await marker()).toContain(await recorded())
    expect(await fixture.unstamped(domainId)).toEqual([])
    expect((await audit('verify', '--domain', domainId, '--source', 'both')).code).toBe(0)
  })

  it('adopts the mirror where the archiver died before its first stamp', async () => {
    await archiveAsBefore()
    await asSuperuser(fixture.url, unstampSql())
    expect(await audit('archiver', '--once')).toMatchObject({ code: 0, stderr: adopted() })
    expect(await marker()).toContain(await recorded())
  })

  it('recognises its marker where the first archiver died before it recorded the id', async () => {
    expect((await audit('archiver', '--once', '--init-mirror')).code).toBe(0)
    const before = await marker()
    await rm(join(dir, 'audit', domainId), { recursive: true })
    await asSuperuser(fixture.url, `DELETE FROM audit_mirror_marker; ${unstampSql()}`)
    expect(await audit('archiver', '--once')).toMatchObject({ code: 0, stderr: '' })
    expect([await marker(), String(before).includes(String(await recorded()))]).toEqual([before, true])
  })

  it('takes over the marker of the mirror where the database has lost its record', async () => {
    expect((await audit('archiver', '--once', '--init-mirror')).code).toBe(0)
    const before = await marker()
    await asSuperuser(fixture.url, 'DELETE FROM audit_mirror_marker')
    await append(1)
    expect(await audit('archiver', '--once')).toMatchObject({ code: 0, stderr: '' })
    expect([await marker(), before]).toEqual([before, expect.stringContaining(String(await recorded()))])
  })

  it('is refused where the mirror does not hold the row that was archived last', async () => {
    await archiveAsBefore()
    await rm(join(dir, 'audit', domainId, '00000000000000000012.json.zst'))
    await append(1)
    const refused = await audit('archiver', '--once', '--json')
    expect([refused.code, codesOf(refused.stderr)]).toEqual([3, ['mirror_unmarked']])
  })
})

it('begins the mirror of a home in its first run, wherever it is, and never again', async () => {
  const [home, place] = [join(fixture.dir, 'home'), join(fixture.dir, 'new')]
  const run = (...args: string[]) => runCli(args, { env: { AUDIT_HOME: home, AUDIT_MIRROR_URL: '' } })
  try {
    expect((await run('domain', 'create', '--name', 'a')).code).toBe(0)
    const mirror = ['--mirror', pathToFileURL(place).href]
    expect((await run('archiver', '--once', '--mirror', pathToFileURL(join(place, 'deep')).href)).code).toBe(
      3,
    )
    expect((await run('archiver', '--once', ...mirror)).code).toBe(0)
    expect(await marker(place)).toContain('audit-mirror-1')
    await rename(place, `${place}-gone`)
    expect((await run('domain', 'create', '--name', 'b')).code).toBe(0)
    expect((await run('archiver', '--once', ...mirror)).code).toBe(3)
    await expect(readdir(place)).rejects.toThrow('ENOENT')
    await mkdir(place)
    expect((await run('archiver', '--once', ...mirror)).code).toBe(3)
    expect(await readdir(place)).toEqual([])
    await rm(place, { recursive: true })
    await rename(`${place}-gone`, place)
    expect((await run('archiver', '--once', ...mirror)).code).toBe(0)
  } finally {
    await run('db', 'stop')
  }
})
