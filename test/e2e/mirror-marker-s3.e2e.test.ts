import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import type { ChainedEntry } from '../../src/chain/entry.js'
import { ArchiveFixture } from '../support/archive-fixture.js'
import { chainRows, insertRows } from '../support/chain-rows.js'
import { runCli } from '../support/cli.js'
import { asSuperuser, rowsOf } from '../support/postgres.js'
import { S3Server } from '../support/s3-server.js'

const ROWS = 5
const MARKER = 'audit/mirror.json'

let server: S3Server
let fixture: ArchiveFixture
let rows: ChainedEntry[]
let domainId: string

beforeAll(async () => {
  server = await S3Server.start()
})
afterAll(() => server.stop())
beforeEach(async () => {
  server.addBucket('audit')
  server.fault = () => undefined
  fixture = await ArchiveFixture.make({ marked: false })
  rows = await fixture.chain(ROWS)
  domainId = rows[0]?.domainId ?? ''
})
afterEach(() => fixture.drop())

const audit = (...args: string[]) =>
  runCli(args, {
    env: {
      AUDIT_DATABASE_URL: fixture.url,
      AUDIT_MIRROR_URL: 's3://audit',
      AUDIT_S3_ENDPOINT: server.url,
      AWS_ACCESS_KEY_ID: 'KEYID',
      AWS_SECRET_ACCESS_KEY: 'SECRET',
    },
  })
const archive = (...flags: string[]) => audit('archiver', '--once', ...flags)
const recorded = () => rowsOf(fixture.url, 'SELECT marker_id FROM audit_mirror_marker')
const markers = () => server.versionsOf('audit', MARKER).map(String)

async function append(): Promise<void> {
  const last = rows.at(-1)
  await insertRows(fixture.url, chainRows(domainId, [{}], ROWS + 1, last?.entryHash))
}

/** Leaves the bucket and the database as an archiver without markers did. */
async function archivedBefore(): Promise<void> {
  expect((await archive('--init-mirror')).code).toBe(0)
  server.remove('audit', MARKER)
  await asSuperuser(fixture.url, 'DELETE FROM audit_mirror_marker')
  await append()
}

it('archives to a store that refuses If-None-Match, and says once that it does not enforce create-only', async () => {
  server.addBucket('audit', { refusesConditions: { status: 501, code: 'NotImplemented' } })
  const once = await archive('--init-mirror')
  expect(once.code).toBe(0)
  expect(once.stderr.match(/does not enforce create-only/g)).toHaveLength(1)
  expect(await fixture.unstamped(domainId)).toEqual([])
  await append()
  expect((await archive()).code).toBe(0)
  expect((await audit('verify', '--domain', domainId, '--source', 'both')).code).toBe(0)
})

describe('a bucket', () => {
  it('that is new is refused before the mirror is begun and after it', async () => {
    expect((await archive('--json')).stderr).toContain('mirror_unmarked')
    expect((await archive('--init-mirror')).code).toBe(0)
    await append()
    server.addBucket('audit')
    const refused = await archive('--json')
    expect([refused.code, markers()]).toEqual([3, []])
    expect(refused.stderr).toContain('mirror_unmarked')
    expect(await fixture.unstamped(domainId)).toEqual([ROWS + 1])
  })

  it('is judged by one GET where no row waits', async () => {
    expect((await archive('--init-mirror')).code).toBe(0)
    server.takeSeen()
    expect((await archive()).code).toBe(0)
    expect(server.takeSeen().filter((request) => request !== 'LIST')).toEqual([`GET ${MARKER}`])
  })

  it('is begun once by two first runs at the same time', async () => {
    const runs = await Promise.all([archive('--init-mirror'), archive('--init-mirror')])
    expect(runs.map(({ code }) => code)).toEqual([0, 0])
    expect([markers().length, (await recorded()).length]).toEqual([1, 1])
    expect((await archive()).stderr).toBe('nothing to archive\n')
  })

  it('that does not exist is never created', async () => {
    const refused = await audit('archiver', '--once', '--init-mirror', '--mirror', 's3://nobucket', '--json')
    expect([refused.code, await fixture.unstamped(domainId)]).toEqual([3, [1, 2, 3, 4, 5]])
    expect(refused.stderr).toContain('mirror_unavailable')
  })

  it('that answers a bare 404 for a missing object can become the mirror', async () => {
    server.fault = ({ verb, key }) =>
      verb === 'GET' && server.versionsOf('audit', key).length === 0
        ? { kind: 'error', status: 404, code: 'NotFound' }
        : undefined
    expect((await archive('--init-mirror')).code).toBe(0)
    expect(markers()).toHaveLength(1)
  })
})

describe('credentials', () => {
  it('that may not list get 403 for a missing marker, and the mirror is adopted by its newest row', async () => {
    await archivedBefore()
    server.fault = ({ verb, key }) =>
      verb === 'LIST' || (verb === 'GET' && server.versionsOf('audit', key).length === 0)
        ? { kind: 'error', status: 403, code: 'AccessDenied' }
        : undefined
    expect(await archive()).toMatchObject({
      code: 0,
      stderr: expect.stringMatching(/^warning: s3:\/\/audit may not be listed: .*\nadopted the mirror .*\n$/),
    })
    expect(markers()).toHaveLength(1)
  })

  it('that may not read go on as before the upgrade, with a note', async () => {
    await archivedBefore()
    server.fault = ({ verb }) =>
      verb === 'GET' ? { kind: 'error', status: 403, code: 'AccessDenied' } : undefined
    const once = await archive()
    expect(once.code).toBe(0)
    expect(once.stderr.match(/it is unknown whether this is the mirror/g)).toHaveLength(1)
    expect(markers().join('')).toBe('')
  })

  const refuseMarker = () => {
    server.fault = ({ verb, key }) =>
      verb === 'PUT' && key === MARKER ? { kind: 'error', status: 403, code: 'AccessDenied' } : undefined
  }

  it('that may not write the marker go on after an upgrade, with one warning a run', async () => {
    await archivedBefore()
    refuseMarker()
    for (const waiting of [1, 0]) {
      const once = await archive()
      expect(once.code).toBe(0)
      expect(once.stderr.match(/warning: .*AccessDenied.*s3:PutObject/g)).toHaveLength(1)
      expect(await fixture.unstamped(domainId)).toEqual([])
      expect([waiting, markers().join('')]).toEqual([waiting, ''])
    }
    expect(await recorded()).toEqual([])
    server.fault = () => undefined
    expect((await archive()).code).toBe(0)
    expect(markers()).toHaveLength(1)
  })

  it('that may not write the marker begin no mirror, and no id is recorded', async () => {
    refuseMarker()
    const refused = await archive('--init-mirror')
    expect([refused.code, await recorded(), await fixture.unstamped(domainId)]).toEqual([
      3,
      [],
      [1, 2, 3, 4, 5],
    ])
    expect(refused.stderr).toContain('s3:PutObject')
    server.fault = () => undefined
    expect(await archive('--init-mirror')).toMatchObject({ code: 0, stderr: 'began the mirror s3://audit\n' })
    expect(await recorded()).toHaveLength(1)
  })

  it('that may not read end with 3 once the database has recorded an id', async () => {
    expect((await archive('--init-mirror')).code).toBe(0)
    await append()
    server.fault = ({ verb }) =>
      verb === 'GET' ? { kind: 'error', status: 403, code: 'AccessDenied' } : undefined
    const refused = await archive('--json')
    expect([refused.code, await fixture.unstamped(domainId)]).toEqual([3, [ROWS + 1]])
    expect(refused.stderr).toContain('mirror_permission_denied')
  })
})
