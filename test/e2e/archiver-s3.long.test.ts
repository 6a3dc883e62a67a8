import { randomBytes } from 'node:crypto'
import { setTimeout as sleep } from 'node:timers/promises'
import { CreateBucketCommand, S3Client } from '@aws-sdk/client-s3'
import { afterAll, afterEach, beforeEach, describe, expect, it } from 'vitest'
import type { ChainedEntry } from '../../src/chain/entry.js'
import { mirrorCodec } from '../../src/mirror/object/codec.js'
import { openMirror } from '../../src/mirror/open.js'
import { ArchiveFixture, md5, NEVER } from '../support/archive-fixture.js'
import { finished, jsonLines, runCli, spawnCli } from '../support/cli.js'
import { OutageProxy } from '../support/outage-proxy.js'
import { type Fault, S3Server, type Seen } from '../support/s3-server.js'

const ROWS = 300
const real = process.env.AUDIT_TEST_S3_ENDPOINT
const own = await S3Server.start()
afterAll(() => own.stop())

const KEYS = {
  AWS_ACCESS_KEY_ID: process.env.AWS_ACCESS_KEY_ID ?? 'KEYID',
  AWS_SECRET_ACCESS_KEY: process.env.AWS_SECRET_ACCESS_KEY ?? 'SECRET',
}

let fixture: ArchiveFixture
let rows: ChainedEntry[]
let bucket: string

beforeEach(async () => {
  fixture = await ArchiveFixture.make()
  rows = await fixture.chain(ROWS)
  bucket = `audit-test-${randomBytes(6).toString('hex')}`
})
afterEach(() => fixture.drop())

function env(endpoint: string): Record<string, string> {
  return {
    ...KEYS,
    AUDIT_S3_ENDPOINT: endpoint,
    AUDIT_DATABASE_URL: fixture.url,
    AUDIT_MIRROR_URL: `s3://${bucket}/chains`,
    AUDIT_HOME: fixture.dir,
  }
}

const once = (endpoint: string) =>
  runCli(['archiver', '--once', '--init-mirror', '--json'], { env: env(endpoint) })

function summaryOf(stdout: string): unknown {
  return (jsonLines(stdout).at(-1) as { summary: unknown }).summary
}

async function stamped(): Promise<number> {
  return ROWS - (await fixture.unstamped(rows[0]?.domainId ?? '')).length
}

const hasObject = ({ domainId, seq }: ChainedEntry) =>
  own.versionsOf(bucket, `chains/${mirrorCodec.key(domainId, seq)}`).length > 0

/** Returns the number of the chain's objects on the suite's own server. */
const objects = () => rows.filter(hasObject).length

/** Returns the number of rows before the first row without an object. Rows are stamped in order. */
const rowsBeforeGap = () => rows.findIndex((row) => !hasObject(row))

/** Expects an object for every row, with the bytes of the encoded row, and its etag in the row's stamp. */
async function expectComplete(endpoint: string): Promise<void> {
  for (const [name, value] of Object.entries(KEYS)) process.env[name] = value
  const store = await openMirror(`s3://${bucket}/chains`, { AUDIT_S3_ENDPOINT: endpoint })
  const etags = (await fixture.stamps(rows[0]?.domainId ?? '')).map((row) => row.archive_etag)
  const objects = await Promise.all(
    rows.map(({ domainId, seq }) => store.get(mirrorCodec.key(domainId, seq), 1e6, NEVER)),
  )
  store.close()
  const encoded = await Promise.all(rows.map((row) => mirrorCodec.encode(row)))
  expect(objects.map((object) => object?.etag)).toEqual(etags)
  expect(etags).toEqual(encoded.map(md5))
  expect(objects.map((object) => Buffer.from(object?.bytes ?? ''))).toEqual(encoded)
  expect(await fixture.quarantine()).toEqual([])
}

describe('on the suite’s own S3 server', () => {
  beforeEach(() => own.addBucket(bucket))
  afterEach(() => {
    own.fault = () => undefined
  })

  /** Returns faults that hit every `nth` PUT. */
  function everyPut(nth: number, fault: Fault) {
    let puts = 0
    return ({ verb }: Seen) => (verb === 'PUT' && ++puts % nth === 0 ? fault : undefined)
  }

  const FAULTS: readonly (readonly [string, Fault])[] = [
    ['was not applied', { kind: 'cut' }],
    ['was applied', { kind: 'cut_after' }],
    ['is 503 SlowDown', { kind: 'error', status: 503, code: 'SlowDown' }],
    ['is 500 InternalError', { kind: 'error', status: 500, code: 'InternalError' }],
  ]

  it.each(FAULTS)('retries every tenth PUT, which %s', async (_name, fault) => {
    own.fault = everyPut(10, fault)
    const { code, stdout, stderr } = await once(own.url)
    expect({ code, stderr, summary: summaryOf(stdout) }).toEqual({
      code: 0,
      stderr: `began the mirror s3://${bucket}/chains\n`,
      summary: { chains: 1, archived: ROWS, held: 0, failed: 0 },
    })
    await expectComplete(own.url)
  })

  it.each([
    [
      'a server that stays overloaded',
      { kind: 'error', status: 503, code: 'SlowDown' },
      'mirror_unavailable',
    ],
    [
      'credentials that are revoked',
      { kind: 'error', status: 403, code: 'AccessDenied' },
      'mirror_permission_denied',
    ],
    [
      'a key that was deleted',
      { kind: 'error', status: 403, code: 'InvalidAccessKeyId' },
      'mirror_permission_denied',
    ],
  ] as const)(
    'ends with 3 for %s halfway, with the rows before the first failure stamped',
    async (_name, fault, error) => {
      let puts = 0
      own.fault = ({ verb }) => (verb === 'PUT' && ++puts > 100 ? fault : undefined)
      const { code, stderr } = await once(own.url)
      const [begun, failure = ''] = stderr.split('\n')
      expect(begun).toBe(`began the mirror s3://${bucket}/chains`)
      expect({ code, ...JSON.parse(failure) }).toMatchObject({ code: 3, error: { code: error } })
      expect(stderr).not.toMatch(/SECRET|KEYID/)
      expect(await stamped()).toBe(rowsBeforeGap())
      expect(objects()).toBeGreaterThan(90)
      own.fault = () => undefined
      expect((await once(own.url)).code).toBe(0)
      await expectComplete(own.url)
    },
  )
})

describe(
  real === undefined ? 'on the suite’s own S3 server' : 'on the server of AUDIT_TEST_S3_ENDPOINT',
  () => {
    const endpoint = real ?? own.url
    let proxy: OutageProxy

    beforeEach(async () => {
      proxy = await OutageProxy.start(endpoint)
      if (real === undefined) own.addBucket(bucket)
      else {
        const client = new S3Client({ endpoint, region: 'us-east-1', forcePathStyle: true })
        await client.send(new CreateBucketCommand({ Bucket: bucket }))
        client.destroy()
      }
    })
    afterEach(() => proxy.goAway())

    it('waits for an endpoint that is away for a while', async () => {
      const child = await spawnCli(
        ['archiver', '--init-mirror', '--poll-interval', '0.05', '--concurrency', '2', '--json'],
        {
          env: env(proxy.url),
        },
      )
      const ended = finished(child)
      while ((await stamped()) === 0) await sleep(5)
      await proxy.goAway()
      const before = await stamped()
      await sleep(3_000)
      await proxy.comeBack()
      while ((await stamped()) < ROWS) await sleep(50)
      child.kill('SIGTERM')
      expect((await ended).code).toBe(143)
      expect(before).toBeLessThanOrEqual(ROWS)
      await expectComplete(endpoint)
    })

    it('ends with 3 when the endpoint does not exist', async () => {
      await proxy.goAway()
      const { code, stderr } = await once(proxy.url)
      expect({ code, ...JSON.parse(stderr) }).toMatchObject({
        code: 3,
        error: { code: 'mirror_unavailable' },
      })
      expect(await stamped()).toBe(0)
      await proxy.comeBack()
      expect((await once(proxy.url)).code).toBe(0)
      await expectComplete(endpoint)
    })

    it('completes a chain after two archivers were killed', async () => {
      for (let round = 0; round < 5; round += 1) {
        const children = await Promise.all(
          [1, 2].map(() =>
            spawnCli(['archiver', '--init-mirror', '--poll-interval', '0.05', '--json'], {
              env: env(proxy.url),
            }),
          ),
        )
        const ends = children.map(finished)
        const before = await stamped()
        while ((await stamped()) === before && before < ROWS) await sleep(5)
        for (const child of children) child.kill('SIGKILL')
        await Promise.all(ends)
      }
      expect((await once(proxy.url)).code).toBe(0)
      await expectComplete(endpoint)
      const ofChain = ['--domain', rows[0]?.domainId ?? '', '--json']
      const status = await runCli(['archive', 'status', ...ofChain], { env: env(proxy.url) })
      expect(status.code).toBe(0)
      expect(jsonLines(status.stdout)).toMatchObject([
        { archived: ROWS, objects: ROWS, gaps: { count: 0 }, orphan_objects: { count: 0 } },
      ])
    })
  },
)
