import { cp, mkdir, readdir, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import type { ChainedEntry } from '../../src/chain/entry.js'
import { ArchiveFixture } from '../support/archive-fixture.js'
import { chainRows, insertRows } from '../support/chain-rows.js'
import { finished, runCli, spawnCli } from '../support/cli.js'
import { rowsOf } from '../support/postgres.js'

const ROWS = 4
/** Three Domains; the map gives the first one a place of its own. */
let chains: ChainedEntry[][]
let fixture: ArchiveFixture

beforeEach(async () => {
  fixture = await ArchiveFixture.make({ marked: false })
  chains = [await fixture.chain(ROWS), await fixture.chain(ROWS), await fixture.chain(ROWS)]
  await mkdir(join(fixture.dir, 'own'))
  await writeFile(join(fixture.dir, 'map'), `${idOf(0)} ${urlOf('own')}\n`)
})
afterEach(() => fixture.drop())

const idOf = (chain: number) => chains[chain]?.[0]?.domainId ?? ''
const urlOf = (place: string) => pathToFileURL(join(fixture.dir, place)).href
const envAt = (place: string, hasMap: boolean) => ({
  AUDIT_DATABASE_URL: fixture.url,
  AUDIT_MIRROR_URL: urlOf(place),
  AUDIT_HOME: join(fixture.dir, 'home'),
  ...(hasMap && { AUDIT_MIRROR_MAP: join(fixture.dir, 'map') }),
})
const mapped = (...args: string[]) => runCli(args, { env: envAt('mirror', true) })
const unmapped = (...args: string[]) => runCli(args, { env: envAt('mirror', false) })
const auditAt = (place: string, ...args: string[]) => runCli(args, { env: envAt(place, false) })
const filesIn = async (place: string) => (await readdir(join(fixture.dir, place), { recursive: true })).sort()

async function append(chain: number): Promise<void> {
  const last = chains[chain]?.at(-1)
  await insertRows(fixture.url, chainRows(idOf(chain), [{}], ROWS + 1, last?.entryHash))
}

/** Returns the exit code of verify for each chain. */
async function verifiedBoth() {
  const codes: unknown[] = []
  for (const chain of [0, 1, 2])
    codes.push((await mapped('verify', '--domain', idOf(chain), '--source', 'both')).code)
  return codes
}

/** Returns the codes of the errors on stderr. */
const codesOf = (stderr: string) =>
  stderr.split('\n').flatMap((line) => (line.startsWith('{"error"') ? [JSON.parse(line).error.code] : []))

/** Runs the command that a hint on stderr names, with its own flags for the mirrors alone. */
async function follow(stderr: string) {
  const [, command = ''] = /, run: audit (.*)/.exec(stderr) ?? []
  return runCli(command.split(' '), { env: { ...envAt('mirror', false), AUDIT_MIRROR_URL: '' } })
}

describe('the hint for a place of one line of the map', () => {
  it('keeps the map when the mirror is begun: followed to the letter, it uploads no other Domain there', async () => {
    const refused = await mapped('archiver', '--once')
    expect(refused.code).toBe(3)
    expect(refused.stderr).toContain(`--mirror ${urlOf('mirror')} --mirror-map ${join(fixture.dir, 'map')}\n`)
    expect((await follow(refused.stderr)).code).toBe(0)
    expect((await filesIn('own')).filter((name) => name.endsWith('0001.json.zst'))).toEqual([
      `audit/${idOf(0)}/00000000000000000001.json.zst`,
    ])
    expect(await fixture.objects(idOf(0))).toEqual([])
  })

  it('names the one Domain where its mirror is lost', async () => {
    expect((await mapped('archiver', '--once', '--init-mirror')).code).toBe(0)
    await rm(join(fixture.dir, 'own', 'audit'), { recursive: true })
    await append(0)
    const refused = await mapped('archiver', '--once')
    expect(refused.code).toBe(3)
    expect(refused.stderr).toContain(`audit archive backfill --domain ${idOf(0)} --init-mirror --mirror`)
    expect((await follow(refused.stderr)).code).toBe(0)
    expect(await verifiedBoth()).toEqual([0, 0, 0])
  })

  it('names the Domain where --mirror was given for it', async () => {
    const given = ['--domain', idOf(0), '--mirror', urlOf('own')]
    const refused = await unmapped('archive', 'backfill', ...given)
    expect(refused.code).toBe(3)
    expect(refused.stderr).toContain(
      `audit archive backfill --domain ${idOf(0)} --init-mirror --mirror ${urlOf('own')}`,
    )
  })
})

describe('an archiver without waiting rows', () => {
  beforeEach(async () => {
    expect((await unmapped('archiver', '--once', '--init-mirror')).code).toBe(0)
    await rm(join(fixture.dir, 'own'), { recursive: true })
    await cp(join(fixture.dir, 'mirror'), join(fixture.dir, 'other'), { recursive: true })
    await writeFile(
      join(fixture.dir, 'other/audit/mirror.json'),
      '{"format":"audit-mirror-1","id":"018f0000-0000-7000-8000-00000000aaaa"}\n',
    )
    await mkdir(join(fixture.dir, 'empty'))
  })

  it.each([
    ['mirror', 0, []],
    ['empty', 3, ['mirror_unmarked']],
    ['missing', 3, ['mirror_unavailable']],
    ['other', 3, ['mirror_mismatch']],
    ['mirror/audit', 3, ['mirror_unmarked']],
  ] as const)('judges the place %s: exit %i', async (place, code, codes) => {
    for (const init of [[], ['--init-mirror']]) {
      const once = await auditAt(place, 'archiver', '--once', ...init, '--json')
      expect([once.code, codesOf(once.stderr)]).toEqual([code, codes])
    }
    expect(await filesIn('empty')).toEqual([])
    await expect(filesIn('missing')).rejects.toThrow('ENOENT')
  })

  it.each([
    ['empty', 'audit archive backfill --all --init-mirror'],
    ['other', 'this place belongs to another database'],
  ])(
    'reports the place %s as trouble, with the hint, and goes on until it is in order',
    async (place, hint) => {
      const child = await spawnCli(['archiver'], { env: envAt(place, false) })
      const ended = finished(child)
      const said = { text: '' }
      child.stderr.on('data', (chunk: Buffer) => {
        said.text += chunk.toString()
      })
      const until = async (text: string) => {
        while (!said.text.includes(text)) await new Promise((resolve) => setTimeout(resolve, 20))
      }
      await until(hint)
      await rm(join(fixture.dir, place), { recursive: true })
      await cp(join(fixture.dir, 'mirror'), join(fixture.dir, place), { recursive: true })
      await until('works again')
      child.kill('SIGTERM')
      expect((await ended).code).toBe(143)
    },
  )

  it('says how many rows are archived where --init-mirror is given for an empty place', async () => {
    const once = await auditAt('empty', 'archiver', '--once', '--init-mirror')
    expect(once.stderr).toContain('the last of the 12 archived rows of its chains is not there')
    expect(once.stderr).toContain(`audit archive backfill --all --init-mirror --mirror ${urlOf('empty')}`)
  })

  it.each([
    ['verify', 'both'],
    ['archive', 'status', '--all'],
    ['archiver', '--once'],
    ['archive', 'backfill', '--all'],
  ])('names the right folder in a place one folder too deep: %s %s', async (...command) => {
    const isVerify = command[0] === 'verify'
    const words = isVerify ? ['verify', '--domain', idOf(0), '--source', 'both'] : command
    const refused = await auditAt('mirror/audit', ...words)
    expect(refused.code).toBe(3)
    expect(refused.stderr).toContain(`the mirror is in another folder; give: --mirror ${urlOf('mirror')},`)
    expect(refused.stderr).not.toContain('backfill')
  })

  it('begins a new place of the map for a Domain without archived rows', async () => {
    const added = await fixture.chain(ROWS)
    await writeFile(join(fixture.dir, 'map'), `${added[0]?.domainId} ${urlOf('own')}\n`)
    const once = await mapped('archiver', '--once', '--init-mirror')
    expect(once).toMatchObject({ code: 0, stderr: `began the mirror ${urlOf('own')}\n` })
    expect(await fixture.objects(added[0]?.domainId ?? '', urlOf('own'))).toHaveLength(ROWS)
  })

  it('uploads a Domain again to a new place of the map with backfill --init-mirror, and finds nothing', async () => {
    const begun = await mapped('archive', 'backfill', '--domain', idOf(0), '--init-mirror')
    expect([begun.code, await fixture.quarantine()]).toEqual([0, []])
    expect(begun.stderr).toContain(`began the mirror ${urlOf('own')}`)
    expect(await verifiedBoth()).toEqual([0, 0, 0])
  })

  it('keeps a lost object a finding of backfill in a mirror that was begun before', async () => {
    await rm(fixture.pathOf(idOf(1), 2))
    expect((await unmapped('archive', 'backfill', '--all', '--init-mirror')).code).toBe(1)
    expect(await fixture.quarantine()).toMatchObject([{ code: 'object_missing', seq_from: 2 }])
  })

  it('keeps a lost object a finding where the marker was removed together with it', async () => {
    for (const name of ['audit/mirror.json', `audit/${idOf(2)}`])
      await rm(join(fixture.dir, 'mirror', name), { recursive: true })
    await rm(fixture.pathOf(idOf(1), 2))
    const begun = await unmapped('archive', 'backfill', '--all', '--init-mirror')
    expect([begun.code, begun.stderr.includes('object_missing')]).toEqual([1, true])
  })
})

it('begins the mirror of a database without rows where --init-mirror is given', async () => {
  const empty = await ArchiveFixture.make({ marked: false })
  try {
    const env = { AUDIT_DATABASE_URL: empty.url, AUDIT_MIRROR_URL: empty.mirrorUrl }
    expect(await runCli(['archiver', '--once'], { env })).toMatchObject({
      code: 0,
      stderr: 'nothing to archive\n',
    })
    const begun = await runCli(['archiver', '--once', '--init-mirror'], { env })
    expect(begun).toMatchObject({
      code: 0,
      stderr: `began the mirror ${empty.mirrorUrl}\nnothing to archive\n`,
    })
    expect(await rowsOf(empty.url, 'SELECT marker_id FROM audit_mirror_marker')).toHaveLength(1)
  } finally {
    await empty.drop()
  }
})

describe('a forgotten map', () => {
  beforeEach(async () => {
    expect((await mapped('archiver', '--once', '--init-mirror')).code).toBe(0)
    for (const chain of [0, 1]) await append(chain)
  })

  it('stops the upload of a chain to a mirror that never held it, and the others go on', async () => {
    const once = await unmapped('archiver', '--once')
    expect(once.code).toBe(3)
    expect(once.stderr).toContain(`holds none of the ${ROWS} archived rows of chain ${idOf(0)}`)
    expect(once.stderr).toContain('--mirror-map')
    expect(await fixture.objects(idOf(0))).toEqual([])
    expect([await fixture.unstamped(idOf(0)), await fixture.unstamped(idOf(1))]).toEqual([[ROWS + 1], []])
    expect((await mapped('archiver', '--once')).code).toBe(0)
    expect(await verifiedBoth()).toEqual([0, 0, 0])
  })

  it('is said beside the missing objects that verify and archive status find', async () => {
    const words = ['verify', '--domain', idOf(0), '--source', 'both']
    const both = await unmapped(...words)
    expect(both.code).toBe(1)
    expect(both.stdout + both.stderr).toMatch(
      /object_missing.* holds no object of this chain at all; .* the mirror map/,
    )
    const status = await unmapped('archive', 'status', '--all')
    expect(status.code).toBe(1)
    expect(status.stderr.match(/holds no object of this chain; .*--mirror-map/g)).toHaveLength(1)
  })

  it.each([
    ['the last archived row', [ROWS]],
    ['every row but one', [1, 2, ROWS]],
  ])('is not suspected where the mirror has lost %s', async (_name, lost) => {
    for (const seq of lost) await rm(fixture.pathOf(idOf(1), seq))
    const both = await mapped('verify', '--domain', idOf(1), '--source', 'both')
    expect([both.code, both.stdout.includes('at all')]).toEqual([1, false])
    const once = await mapped('archiver', '--once')
    expect([once.code, once.stderr.includes('object_missing')]).toEqual([1, true])
    expect(await fixture.unstamped(idOf(1))).toEqual([])
    expect((await mapped('verify', '--domain', idOf(1), '--source', 'both')).code).toBe(0)
  })

  it('is ruled out once backfill has uploaded a lost chain again', async () => {
    await rm(join(fixture.dir, 'own', 'audit', idOf(0)), { recursive: true })
    const refused = await mapped('archiver', '--once')
    expect([refused.code, await fixture.unstamped(idOf(0))]).toEqual([3, [ROWS + 1]])
    expect((await mapped('archive', 'backfill', '--domain', idOf(0))).code).toBe(1)
    await append(2)
    expect((await mapped('archiver', '--once')).code).toBe(0)
    expect(await verifiedBoth()).toEqual([0, 0, 0])
  })
})
