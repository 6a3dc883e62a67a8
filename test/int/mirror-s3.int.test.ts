import { createHash, randomBytes } from 'node:crypto'
import { CreateBucketCommand, PutBucketVersioningCommand, S3Client } from '@aws-sdk/client-s3'
import { afterAll, beforeEach, describe, expect, it, vi } from 'vitest'
import { openMirror } from '../../src/mirror/open.js'
import { S3Mirror } from '../../src/mirror/s3/s3.js'
import { keysOf, mirrorContract } from '../support/mirror-contract.js'
import { type Fault, S3Server, type Seen } from '../support/s3-server.js'
import { block, frame as zstdFrame } from '../support/zstd-frames.js'

const real = process.env.AUDIT_TEST_S3_ENDPOINT
const never = new AbortController().signal
const text = (content: string) => Buffer.from(content)
const etagOf = (content: string) => `"${createHash('md5').update(content).digest('hex')}"`

const server = await S3Server.start()
afterAll(() => server.stop())
if (real === undefined) {
  vi.stubEnv('AWS_ACCESS_KEY_ID', 'KEYID')
  vi.stubEnv('AWS_SECRET_ACCESS_KEY', 'SECRET')
}

/** Makes a bucket on the real server, or on the suite's own server. */
async function newBucket(versions: boolean): Promise<string> {
  const name = `audit-test-${randomBytes(6).toString('hex')}`
  if (real === undefined) {
    server.addBucket(name, { versions, ignoresConditions: versions })
    return name
  }
  const client = new S3Client({ endpoint: real, region: 'us-east-1', forcePathStyle: true })
  await client.send(new CreateBucketCommand({ Bucket: name }))
  if (versions) {
    const VersioningConfiguration = { Status: 'Enabled' as const }
    await client.send(new PutBucketVersioningCommand({ Bucket: name, VersioningConfiguration }))
  }
  client.destroy()
  return name
}

const which = real === undefined ? 'the suite’s own S3 server' : 'the S3 server of AUDIT_TEST_S3_ENDPOINT'
for (const versions of [false, true]) {
  const bucket = await newBucket(versions)
  mirrorContract(`S3 bucket ${versions ? 'with' : 'without'} versions on ${which}`, async () => {
    const url = `s3://${bucket}/run/${randomBytes(6).toString('hex')}`
    const env = { ...process.env, AUDIT_S3_ENDPOINT: real ?? server.url }
    return { open: () => openMirror(url, env) }
  })
}

/** Behaviour that only the suite's own server can be made to show. */
describe('S3, on the suite’s own server', () => {
  const BUCKET = 'audit'
  const opened: S3Mirror[] = []
  afterAll(() => {
    for (const store of opened) store.close()
  })

  function open(
    options: {
      bucket?: string
      prefix?: string
      endpoint?: string
      timeout?: number
      attempts?: number
      stall?: number
      onUnenforced?: () => void
    } = {},
  ) {
    const { bucket = BUCKET, prefix = '', endpoint = server.url, timeout = 2_000, attempts = 3 } = options
    const { stall = 5_000, onUnenforced } = options
    const patience = { connect: timeout, request: timeout, attempts, stall }
    const store = new S3Mirror(bucket, prefix, { AUDIT_S3_ENDPOINT: endpoint }, patience, onUnenforced)
    opened.push(store)
    return store
  }

  /** Returns a store that has seen the server honour If-None-Match. */
  async function proven() {
    const store = open()
    await store.create('proof', text('x'), never)
    server.takeSeen()
    return store
  }

  /** Makes the first `times` requests of this verb fail. */
  function failing(verb: Seen['verb'], fault: Fault, times = Number.POSITIVE_INFINITY) {
    let left = times
    server.fault = (request) => {
      if (request.verb !== verb || left === 0) return undefined
      left -= 1
      return fault
    }
  }

  beforeEach(() => {
    vi.stubEnv('AWS_ACCESS_KEY_ID', 'KEYID')
    vi.stubEnv('AWS_SECRET_ACCESS_KEY', 'SECRET')
    server.addBucket(BUCKET)
    server.takeSeen()
    server.fault = () => undefined
    server.onPut = () => {}
    server.listing = (keys) => keys
  })

  describe('create-only', () => {
    it('sends one request per object once the server has honoured If-None-Match', async () => {
      const store = open()
      await store.create('a', text('x'), never)
      expect(server.takeSeen()).toEqual(['HEAD a', 'PUT a', 'HEAD a', 'PUT a'])
      expect(await store.create('b', text('x'), never)).toMatchObject({ created: true })
      expect(server.takeSeen()).toEqual(['PUT b'])
      expect(await store.create('b', text('y'), never)).toEqual({ created: false, etag: etagOf('x') })
      expect(server.takeSeen()).toEqual(['PUT b', 'HEAD b'])
    })

    it('sends a HEAD before and a check after where the server ignores If-None-Match', async () => {
      server.addBucket(BUCKET, { ignoresConditions: true })
      const store = open()
      await store.create('a', text('x'), never)
      server.takeSeen()
      expect(await store.create('b', text('x'), never)).toEqual({ created: true, etag: etagOf('x') })
      expect(server.takeSeen()).toEqual(['HEAD b', 'PUT b', 'HEAD b'])
      expect(await store.create('b', text('y'), never)).toEqual({ created: false, etag: etagOf('x') })
      expect(server.takeSeen()).toEqual(['HEAD b'])
      server.onPut = () => server.put(BUCKET, 'c', text('theirs'))
      expect(await store.create('c', text('ours'), never)).toEqual({
        created: false,
        etag: etagOf('theirs'),
      })
    })

    it.each([
      [501, 'NotImplemented'],
      [400, 'InvalidArgument'],
      [400, 'InvalidRequest'],
      [405, 'MethodNotAllowed'],
    ])(
      'looks before and after each PUT where the server answers %i %s to If-None-Match',
      async (status, code) => {
        for (const versions of [false, true]) {
          server.addBucket(BUCKET, { versions, refusesConditions: { status, code } })
          let notes = 0
          const store = open({ onUnenforced: () => (notes += 1) })
          const check = versions ? 'VERSIONS' : 'HEAD b'
          expect(await store.create('a', text('x'), never)).toEqual({ created: true, etag: etagOf('x') })
          server.takeSeen()
          expect(await store.create('b', text('x'), never)).toEqual({ created: true, etag: etagOf('x') })
          expect(server.takeSeen()).toEqual(['HEAD b', 'PUT b', check])
          expect(await store.create('b', text('y'), never)).toEqual({ created: false, etag: etagOf('x') })
          server.onPut = () => server.put(BUCKET, 'c', text('theirs'))
          const raced = await store.create('c', text('ours'), never)
          expect(raced.created).toBe(versions)
          server.onPut = () => {}
          expect(notes).toBe(1)
        }
      },
    )

    it('rejects with the refusal where a PUT without If-None-Match is refused too', async () => {
      for (const status of [400, 405, 501]) {
        failing('PUT', { kind: 'error', status, code: 'NotImplemented' })
        await expect(open().create('k', text('x'), never)).rejects.toMatchObject({
          code: 'mirror_unavailable',
        })
      }
      expect(server.versionsOf(BUCKET, 'k')).toEqual([])
    })

    it('takes 304 for an object that exists, as older servers answer it', async () => {
      server.addBucket(BUCKET, { existsStatus: 304 })
      const store = open()
      expect(await store.create('a', text('x'), never)).toMatchObject({ created: true })
      expect(await store.create('a', text('y'), never)).toEqual({ created: false, etag: etagOf('x') })
    })

    describe('with versioning', () => {
      beforeEach(() => server.addBucket(BUCKET, { versions: true, ignoresConditions: true }))
      const versions = (key: string) => server.versionsOf(BUCKET, key).map(String)

      it('creates one version and no second one', async () => {
        const store = open()
        for (const [content, created] of [
          ['x', true],
          ['x', false],
          ['y', false],
        ] as const) {
          expect(await store.create('k', text(content), never)).toEqual({ created, etag: etagOf('x') })
        }
        expect(versions('k')).toEqual(['x'])
        expect(server.takeSeen()).toEqual(['HEAD k', 'PUT k', 'VERSIONS', 'HEAD k', 'HEAD k'])
      })

      it('copies the first version back on top of its own', async () => {
        server.put(BUCKET, 'k', text('first'))
        failing('HEAD', { kind: 'error', status: 404, code: 'NoSuchKey' })
        expect(await open().create('k', text('ours'), never)).toEqual({
          created: false,
          etag: etagOf('first'),
        })
        expect(versions('k')).toEqual(['first', 'ours', 'first'])
      })

      it('keeps a version of the same bytes', async () => {
        failing('PUT', { kind: 'cut_after' }, 1)
        expect(await open().create('k', text('ours'), never)).toEqual({
          created: false,
          etag: etagOf('ours'),
        })
        expect(versions('k')).toEqual(['ours', 'ours'])
      })

      it('counts as first before later versions', async () => {
        server.onPut = () => server.put(BUCKET, 'k', text('later'))
        expect(await open().create('k', text('ours'), never)).toEqual({ created: true, etag: etagOf('ours') })
      })

      it('finds the first version beyond one page, and among keys with the same beginning', async () => {
        for (const content of ['first', '2', '3', '4', '5', '6', '7']) server.put(BUCKET, 'k', text(content))
        server.put(BUCKET, 'k2', text('other'))
        failing('HEAD', { kind: 'error', status: 404, code: 'NoSuchKey' })
        expect(await open().create('k', text('ours'), never)).toEqual({
          created: false,
          etag: etagOf('first'),
        })
        expect(versions('k').slice(-2)).toEqual(['ours', 'first'])
      })

      it('does not restore a deleted version', async () => {
        server.put(BUCKET, 'k', text('forged'))
        server.remove(BUCKET, 'k')
        expect(await open().create('k', text('ours'), never)).toEqual({ created: true, etag: etagOf('ours') })
        expect(versions('k')).toEqual(['forged', '', 'ours'])
      })
    })

    it('retries a conditional request that conflicts with another one', async () => {
      const store = await proven()
      failing('PUT', { kind: 'error', status: 409, code: 'ConditionalRequestConflict' }, 2)
      expect(await store.create('k', text('x'), never)).toMatchObject({ created: true })
      failing('PUT', { kind: 'error', status: 409, code: 'ConditionalRequestConflict' })
      await expect(store.create('l', text('x'), never)).rejects.toMatchObject({ code: 'mirror_unavailable' })
    })

    it('rejects where the object is deleted in between', async () => {
      const store = await proven()
      failing('PUT', { kind: 'error', status: 412, code: 'PreconditionFailed' })
      await expect(store.create('k', text('x'), never)).rejects.toMatchObject({ code: 'mirror_unavailable' })
    })
  })

  describe('passing faults', () => {
    const slow: Fault = { kind: 'error', status: 503, code: 'SlowDown' }

    it.each<[string, Fault]>([
      ['a cut connection', { kind: 'cut' }],
      ['503 SlowDown', slow],
      ['500', { kind: 'error', status: 500, code: 'InternalError' }],
    ])('retries a PUT that was not applied: %s', async (_, fault) => {
      const store = await proven()
      failing('PUT', fault, 2)
      expect(await store.create('k', text('x'), never)).toEqual({ created: true, etag: etagOf('x') })
    })

    it('finds its own object after a PUT whose response was lost', async () => {
      const store = await proven()
      failing('PUT', { kind: 'cut_after' }, 1)
      expect(await store.create('k', text('x'), never)).toEqual({ created: false, etag: etagOf('x') })
      expect(server.versionsOf(BUCKET, 'k').map(String)).toEqual(['x'])
    })

    it('retries a PUT without a response in time', async () => {
      const store = open({ timeout: 200 })
      await store.create('proof', text('x'), never)
      failing('PUT', { kind: 'hang' }, 1)
      expect(await store.create('k', text('x'), never)).toMatchObject({ created: true })
    })

    it.each<[string, Fault]>([
      ['a cut connection', { kind: 'cut' }],
      ['503 SlowDown', slow],
      ['a body that breaks off', { kind: 'half' }],
    ])('retries a GET: %s', async (_, fault) => {
      server.put(BUCKET, 'k', Buffer.alloc(1000, 7))
      failing('GET', fault, 2)
      expect((await open().get('k', 5000, never))?.bytes).toEqual(Buffer.alloc(1000, 7))
    })

    it('retries a LIST after 503 SlowDown', async () => {
      server.put(BUCKET, 'k', text('x'))
      failing('LIST', slow, 2)
      expect(await keysOf(open(), '')).toEqual(['k'])
    })
  })

  describe('lasting faults', () => {
    const calls: Record<string, (store: S3Mirror) => Promise<unknown>> = {
      put: (store) => store.create('k', text('x'), never),
      get: (store) => store.get('k', 1000, never),
      list: (store) => keysOf(store, ''),
    }
    const errors: [string, number, string, string][] = [
      ['SlowDown', 503, 'mirror_unavailable', 'SlowDown, HTTP 503'],
      ['InternalError', 500, 'mirror_unavailable', 'InternalError, HTTP 500'],
      ['AccessDenied', 403, 'mirror_permission_denied', 'AccessDenied, HTTP 403'],
      ['InvalidAccessKeyId', 403, 'mirror_permission_denied', 'InvalidAccessKeyId, HTTP 403'],
      ['SignatureDoesNotMatch', 403, 'mirror_permission_denied', 'SignatureDoesNotMatch, HTTP 403'],
      ['ExpiredToken', 400, 'mirror_permission_denied', 'ExpiredToken, HTTP 400'],
      ['Unauthorized', 401, 'mirror_permission_denied', 'Unauthorized, HTTP 401'],
      ['InvalidObjectState', 403, 'mirror_unavailable', 'InvalidObjectState, HTTP 403'],
      ['MethodNotAllowed', 405, 'mirror_unavailable', 'MethodNotAllowed, HTTP 405'],
    ]

    it.each(errors)('maps %s %i to %s', async (code, status, expected, shown) => {
      server.put(BUCKET, 'k', text('x'))
      for (const [verb, call] of Object.entries(calls)) {
        failing(verb.toUpperCase() as Seen['verb'], { kind: 'error', status, code })
        const error = await call(verb === 'put' ? absent() : open()).catch((e: unknown) => e)
        expect(error).toMatchObject({ code: expected, message: expect.stringContaining(`(${shown})`) })
        expect(JSON.stringify(error, Object.getOwnPropertyNames(error)) + String(error)).not.toMatch(
          /SECRET|KEYID/,
        )
      }
    })

    function absent() {
      server.addBucket(BUCKET)
      return open()
    }

    it.each<[string, Fault]>([
      ['half of a body', { kind: 'half' }],
      ['cut connections', { kind: 'cut' }],
    ])('rejects after %s', async (_, fault) => {
      server.put(BUCKET, 'k', Buffer.alloc(1000, 7))
      failing('GET', fault)
      await expect(open().get('k', 5000, never)).rejects.toMatchObject({ code: 'mirror_unavailable' })
    })

    it('rejects without a response in time', async () => {
      failing('GET', { kind: 'hang' })
      await expect(open({ timeout: 100 }).get('k', 5000, never)).rejects.toMatchObject({
        code: 'mirror_unavailable',
        message: expect.stringMatching(/\((ETIMEDOUT|TimeoutError)\)$/),
      })
    })

    it('rejects where no server listens', async () => {
      const gone = await S3Server.start()
      await gone.stop()
      const store = open({ endpoint: 'http://127.0.0.1:1' })
      for (const call of Object.values(calls)) {
        await expect(call(store)).rejects.toMatchObject({
          code: 'mirror_unavailable',
          message: expect.stringContaining('ECONNREFUSED'),
        })
      }
    })

    it('rejects where the bucket is missing', async () => {
      const store = open({ bucket: 'nowhere', prefix: 'p' })
      for (const call of Object.values(calls)) {
        await expect(call(store)).rejects.toMatchObject({
          code: 'mirror_unavailable',
          message: 'mirror s3://nowhere/p: the bucket does not exist',
        })
      }
    })

    it('rejects with the reason of the signal', async () => {
      // A server of its own: a request that was sent before the signal may arrive during the next test.
      const own = await S3Server.start()
      const reason = new Error('enough')
      for (const fault of [{ kind: 'hang' }, { kind: 'cut' }] as const) {
        own.fault = () => fault
        const store = open({ endpoint: own.url, timeout: 60_000, attempts: 1_000 })
        const abort = new AbortController()
        const waiting = [
          store.get('k', 1000, abort.signal),
          store.create('l', text('x'), abort.signal),
          keysOfWith(store, abort.signal),
        ]
        setTimeout(() => abort.abort(reason), 50)
        const results = await Promise.allSettled(waiting)
        expect(results.map((result) => result.status === 'rejected' && result.reason)).toEqual([
          reason,
          reason,
          reason,
        ])
      }
      await own.stop()
    })

    async function keysOfWith(store: S3Mirror, signal: AbortSignal) {
      for await (const _ of store.list('', signal));
    }
  })

  describe('a listing', () => {
    it('requests the next page while one is read, and no more', async () => {
      for (let i = 0; i < 2_500; i += 1) server.put(BUCKET, String(i).padStart(6, '0'), text('x'))
      const listing = open().list('', never)[Symbol.asyncIterator]()
      await listing.next()
      await vi.waitFor(() => expect(server.seen.length).toBe(2))
      for (let i = 1; i < 1_000; i += 1) await listing.next()
      expect(server.seen.length).toBe(2)
      expect((await listing.next()).value).toMatchObject({ key: '001000', size: 1, etag: etagOf('x') })
      await vi.waitFor(() => expect(server.seen.length).toBe(3))
    })

    it('rejects where a later page fails', async () => {
      for (let i = 0; i < 1_500; i += 1) server.put(BUCKET, String(i).padStart(6, '0'), text('x'))
      let lists = 0
      server.fault = ({ verb }) => {
        if (verb === 'LIST') lists += 1
        return lists > 1 ? { kind: 'error', status: 403, code: 'AccessDenied' } : undefined
      }
      await expect(keysOf(open(), '')).rejects.toMatchObject({ code: 'mirror_permission_denied' })
    })

    it.each<[string, (keys: string[]) => string[]]>([
      ['is not in order', (keys) => keys.reverse()],
      ['is not in order', (keys) => [...keys, ...keys.slice(-1)]],
      ['has keys outside the prefix', (keys) => [...keys, 'zzz']],
    ])('rejects a listing that %s', async (problem, lie) => {
      for (const key of ['p/a', 'p/b', 'p/c']) server.put(BUCKET, key, text('x'))
      server.listing = lie
      await expect(keysOf(open({ prefix: 'p' }), '')).rejects.toMatchObject({
        code: 'mirror_unavailable',
        message: `mirror s3://audit/p: the server's listing ${problem}`,
      })
    })

    it('lists only keys below the prefix, without the prefix', async () => {
      for (const key of ['p', 'p/audit/1', 'p2/audit/1', 'audit/1']) server.put(BUCKET, key, text('x'))
      expect(await keysOf(open({ prefix: 'p' }), 'audit/')).toEqual(['audit/1'])
      expect(await keysOf(open(), 'audit/')).toEqual(['audit/1'])
    })

    it('lists the marker of a folder, and everything below another folder as one name', async () => {
      for (const key of ['p/', 'p/a', 'p/b/', 'p/b/c', 'p/b/d/e', 'p/c']) server.put(BUCKET, key, text('x'))
      expect(await keysOf(open(), 'p/')).toEqual(['p/', 'p/a', 'p/b/', 'p/c'])
    })
  })

  describe('an answer that is no answer of S3', () => {
    const result = (content: string) => `<ListBucketResult>${content}</ListBucketResult>`
    const whole = '<IsTruncated>false</IsTruncated>'
    const more = (token: string) =>
      `<IsTruncated>true</IsTruncated><NextContinuationToken>${token}</NextContinuationToken>`
    const key = (name: string) => `<Contents><Key>${name}</Key></Contents>`

    it.each<[string, string, string]>([
      [
        'an HTML page',
        '<!doctype html><html><body>Sign in</body></html>',
        'answer is an HTML page; expected',
      ],
      ['nothing', '', 'answer is empty; expected'],
      ['white space', ' \n ', 'answer is empty; expected'],
      ['JSON', '{"IsTruncated":false}', 'answer is JSON; expected'],
      ['plain text', 'Blocked by policy', 'answer is no XML; expected'],
      ['an error', '<Error><Code>SlowDown</Code></Error>', 'answer is the error SlowDown; expected'],
      ['another document', '<ListAllMyBucketsResult/>', 'answer is a document <ListAllMyBucketsResult>'],
      ['an empty element', '<ListBucketResult/>', 'does not say whether it is complete'],
      ['an element without content', result(''), 'does not say whether it is complete'],
      ['another bucket', result(`<Name>other</Name>${whole}`), 'listing is about another bucket'],
      ['another prefix', result(`<Prefix>x/</Prefix>${whole}`), 'listing is about another prefix'],
      ['no prefix', result(`<Prefix/>${whole}`), 'listing is about another prefix'],
      ['a key outside', result(`${whole}${key('x/1')}`), 'listing has keys outside the prefix'],
      ['a key without a name', result(`${whole}<Contents/>`), 'listing has keys outside the prefix'],
      ['no token', result('<IsTruncated>true</IsTruncated>'), 'listing ends early'],
      [
        'too few keys',
        result(`${whole}<KeyCount>2</KeyCount>${key('p/1')}`),
        'listing has fewer keys than it',
      ],
      ['a cut document', result(`${whole}${key('p/1')}`).slice(0, -9), 'cannot be listed'],
      ['half a boolean', result('<IsTruncated>fal</IsTruncated>'), 'does not say whether it is complete'],
      ['two booleans', result(`${whole}${whole}`), 'does not say whether it is complete'],
      ['100,000 levels', result(`${whole}${'<a>'.repeat(100_000)}`), 'cannot be listed'],
    ])('rejects a listing of %s', async (_title, body, problem) => {
      failing('LIST', { kind: 'body', body })
      const store = open()
      const calls = [
        () => keysOf(store, 'p/'),
        () => store.folders('p/', never),
        () => store.storedAt('p/1', never),
      ]
      for (const call of calls)
        await expect(call()).rejects.toMatchObject({
          code: 'mirror_unavailable',
          message: expect.stringContaining(problem),
        })
    })

    it.each<[string, string]>([
      ['only IsTruncated and keys', result(`${whole}${key('p/1')}`)],
      ['name and prefix', result(`<Name>${BUCKET}</Name><Prefix>p%2F</Prefix>${whole}${key('p%2F1')}`)],
      ['a prologue', `<?xml version="1.0"?>\n<!-- x -->${result(`${whole}${key('p/1')}`)}`],
      [
        'a namespace',
        result(`${whole}${key('p/1')}`).replace('>', ' xmlns="http://s3.amazonaws.com/doc/2006-03-01/">'),
      ],
    ])('accepts a listing with %s', async (_title, body) => {
      failing('LIST', { kind: 'body', body })
      expect(await keysOf(open(), 'p/')).toEqual(['p/1'])
    })

    it('finds the folders of a server that ignores the delimiter', async () => {
      failing('LIST', { kind: 'body', body: result(`${whole}${key('p/a/1')}${key('p/a/2')}${key('p/b')}`) })
      expect(await open().folders('p/', never)).toEqual(['a'])
    })

    it('rejects a listing whose next page is itself', async () => {
      failing('LIST', { kind: 'body', body: result(more('t')) })
      for (const call of [() => keysOf(open(), 'p/'), () => open().folders('p/', never)])
        await expect(call()).rejects.toMatchObject({ message: expect.stringContaining('listing ends early') })
    })

    it('rejects a listing that goes in a circle of empty pages', async () => {
      let pages = 0
      server.fault = ({ verb }) =>
        verb === 'LIST' ? { kind: 'body', body: result(more(`t${(pages++ % 3) + 1}`)) } : undefined
      await expect(keysOf(open(), 'p/')).rejects.toMatchObject({
        message: expect.stringContaining('begins again'),
      })
    })

    it('rejects a listing of ever new empty pages', async () => {
      let pages = 0
      server.fault = ({ verb }) =>
        verb === 'LIST' ? { kind: 'body', body: result(more(`t${pages++}`)) } : undefined
      const problem = { message: expect.stringMatching(/empty pages in a row|brought no new key/) }
      const store = open({ stall: 500 })
      await expect(keysOf(store, 'p/')).rejects.toMatchObject(problem)
      await expect(store.folders('p/', never)).rejects.toMatchObject(problem)
    })

    const folder = (name: string) => `<CommonPrefixes><Prefix>${name}</Prefix></CommonPrefixes>`

    it.each<[string, 'list' | 'folders', (page: number) => string, RegExp]>([
      ['the same folder', 'folders', () => folder('p/a/'), /is not in order/],
      ['folders in turn', 'folders', (page) => folder(`p/${page % 2}/`), /is not in order/],
      ['folders backwards', 'folders', (page) => folder(`p/${9 - page}/`), /is not in order/],
      ['the same key', 'folders', () => key('p/a/1'), /is not in order/],
      ['the same key', 'list', () => key('p/a/1'), /is not in order/],
      ['only folders', 'list', (page) => folder(`p/${page}/`), /has folders that were not asked for/],
    ])('rejects a listing of %s on every page: %s', async (_title, call, content, problem) => {
      let pages = 0
      server.fault = ({ verb }) => {
        pages += 1
        return verb === 'LIST'
          ? { kind: 'body', body: result(more(`t${pages}`) + content(pages)) }
          : undefined
      }
      const listing = call === 'list' ? keysOf(open(), 'p/') : open().folders('p/', never)
      await expect(listing).rejects.toMatchObject({
        code: 'mirror_unavailable',
        message: expect.stringMatching(problem),
      })
      expect(pages).toBeLessThan(5)
    })

    it('lists the folders of many pages', async () => {
      for (let i = 0; i < 2_100; i += 1) server.put(BUCKET, `p/${String(i).padStart(6, '0')}/k`, text('x'))
      expect((await open().folders('p/', never)).length).toBe(2_100)
    })

    it.each(['list', 'folders', 'get', 'create'] as const)(
      'gives up on a server that drips: %s',
      async (call) => {
        server.fault = ({ verb }) => (call === 'create' && verb === 'HEAD' ? undefined : { kind: 'drip' })
        const store = open({ stall: 300 })
        const calls = {
          list: () => keysOf(store, 'p/'),
          folders: () => store.folders('p/', never),
          get: () => store.get('p/1', 1024, never),
          create: () => store.create('p/1', text('x'), never),
        }
        await expect(calls[call]()).rejects.toMatchObject({
          code: 'mirror_unavailable',
          message: expect.stringMatching(/brought no new key in 300 ms|less than 16 KiB in 300 ms/),
        })
      },
    )

    it('rejects a GET, a HEAD and a PUT that a login page answers', async () => {
      server.fault = () => ({ kind: 'body', body: '<html>Sign in</html>' })
      const store = open()
      const calls = [
        () => store.get('k', 1024, never),
        () => store.get('k', 1, never),
        () => store.create('k', text('x'), never),
      ]
      for (const call of calls) await expect(call()).rejects.toMatchObject({ code: 'mirror_unavailable' })
      server.fault = ({ verb }) =>
        verb === 'PUT' ? { kind: 'body', body: '<html>Sign in</html>' } : undefined
      await expect(store.create('k', text('x'), never)).rejects.toMatchObject({
        code: 'mirror_unavailable',
        message: expect.stringContaining('answered a PUT without an ETag'),
      })
    })

    it('rejects a GET that a page with an etag answers, while the listing names the object', async () => {
      server.put(BUCKET, 'k', text('x'))
      failing('GET', { kind: 'body', body: '<html>Blocked</html>', etag: '"page"' })
      await expect(open().get('k', 1024, never)).rejects.toMatchObject({
        code: 'mirror_unavailable',
        message: expect.stringContaining('not the object that the listing names'),
      })
    })

    const frame = zstdFrame({ blocks: [block('raw', randomBytes(60), true)] })

    it.each<[string, Fault]>([
      ['in chunks', { kind: 'short' }],
      ['with its own length', { kind: 'short', headers: { 'content-length': `${frame.length >> 1}` } }],
      [
        'with a range',
        { kind: 'short', headers: { 'content-range': `bytes 0-${(frame.length >> 1) - 1}/${frame.length}` } },
      ],
    ])('requests an answer that ends early again: %s', async (_title, fault) => {
      server.put(BUCKET, 'k', frame)
      failing('GET', fault, 2)
      expect((await open().get('k', 1024, never))?.bytes).toEqual(frame)
      failing('GET', fault)
      await expect(open().get('k', 1024, never)).rejects.toMatchObject({
        code: 'mirror_unavailable',
        message: expect.stringMatching(
          new RegExp(`the answer has ${frame.length >> 1} bytes, and .* says ${frame.length}\\)$`),
        ),
      })
    })

    it('returns a frame that is short in the store, and one that is cut at the limit', async () => {
      const short = frame.subarray(0, frame.length >> 1)
      server.put(BUCKET, 'k', short)
      expect((await open().get('k', 1024, never))?.bytes).toEqual(short)
      server.put(BUCKET, 'k', frame)
      expect((await open().get('k', 10, never))?.bytes).toEqual(frame.subarray(0, 11))
    })

    it('returns an object that is no frame where the listing confirms it, or may not be read', async () => {
      server.put(BUCKET, 'k', text('x'))
      expect((await open().get('k', 1024, never))?.bytes.toString()).toBe('x')
      failing('LIST', { kind: 'error', status: 403, code: 'AccessDenied' })
      expect((await open().get('k', 1024, never))?.bytes.toString()).toBe('x')
    })
  })
})
