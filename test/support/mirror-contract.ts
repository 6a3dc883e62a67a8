import { createHash } from 'node:crypto'
import { setMaxListeners } from 'node:events'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { MirrorStore } from '../../src/ports/mirror.js'

/** An empty mirror, and the stores that a test opens on it. */
export interface MirrorSite {
  open(): Promise<MirrorStore>
}

const never = new AbortController().signal
setMaxListeners(0, never)
const text = (content: string) => Buffer.from(content, 'utf8')
const etagOf = (bytes: Uint8Array) => `"${createHash('md5').update(bytes).digest('hex')}"`
const MANY = 1_100
const LIMIT = 1024 * 1024

export async function keysOf(store: MirrorStore, prefix: string): Promise<string[]> {
  const keys: string[] = []
  for await (const { key } of store.list(prefix, never)) keys.push(key)
  return keys
}

/** Runs many calls, eight at once. */
async function createAll(store: MirrorStore, keys: readonly string[]): Promise<void> {
  const queue = [...keys]
  const work = async () => {
    for (let key = queue.pop(); key !== undefined; key = queue.pop())
      await store.create(key, text(key), never)
  }
  await Promise.all(Array.from({ length: 8 }, work))
}

/** The tests that every MirrorStore must pass (src/ports/mirror.ts). `site` makes a new mirror for each call. */
export function mirrorContract(title: string, site: () => Promise<MirrorSite>): void {
  const opened: MirrorStore[] = []
  const openAt = async (place: MirrorSite) => {
    const store = await place.open()
    opened.push(store)
    return store
  }
  const open = async () => openAt(await site())
  afterAll(() => {
    for (const store of opened) store.close()
  })

  describe(`${title}: create`, () => {
    it('creates an object that get returns', async () => {
      const store = await open()
      const bytes = Buffer.from([0, 255, 10, 13, 0])
      expect(await store.create('audit/a/1', bytes, never)).toEqual({ created: true, etag: etagOf(bytes) })
      const object = await store.get('audit/a/1', LIMIT, never)
      expect(object).toEqual({ bytes, etag: etagOf(bytes) })
    })

    it('creates an empty object too', async () => {
      const store = await open()
      expect(await store.create('empty', Buffer.alloc(0), never)).toMatchObject({ created: true })
      expect((await store.get('empty', LIMIT, never))?.bytes.length).toBe(0)
    })

    it('keeps an existing object and its etag', async () => {
      const place = await site()
      const [store, other] = [await openAt(place), await openAt(place)]
      await store.create('k', text('first'), never)
      for (const [by, content] of [
        [store, 'first'],
        [store, 'second'],
        [other, 'first'],
        [other, 'third'],
      ] as const) {
        const etag = etagOf(text('first'))
        expect(await by.create('k', text(content), never)).toEqual({ created: false, etag })
      }
      expect(await other.get('k', LIMIT, never)).toEqual({
        bytes: text('first'),
        etag: etagOf(text('first')),
      })
    })

    it('creates objects whose names are synced later, and finds them as any other', async () => {
      const store = await open()
      const later = { nameLater: true }
      const etag = etagOf(text('x'))
      expect(await store.create('audit/a/1', text('x'), never, later)).toEqual({ created: true, etag })
      expect(await store.create('audit/a/1', text('y'), never, later)).toEqual({ created: false, etag })
      await store.syncNames('audit/a/', never)
      expect((await store.get('audit/a/1', LIMIT, never))?.bytes.toString()).toBe('x')
      expect(await store.create('audit/a/1', text('z'), never)).toEqual({ created: false, etag })
      expect(await keysOf(store, 'audit/a/')).toEqual(['audit/a/1'])
    })

    it.each([
      ['the same bytes', () => 'same'],
      ['other bytes each', (i: number) => `creator ${i}`],
    ])('lets one of 20 at once win, with %s', async (_, contentOf) => {
      const place = await site()
      const stores = [await openAt(place), await openAt(place), await openAt(place), await openAt(place)]
      const results = await Promise.all(
        Array.from({ length: 20 }, async (_, i) => {
          const store = stores[i % stores.length] as MirrorStore
          return { content: contentOf(i), ...(await store.create('race', text(contentOf(i)), never)) }
        }),
      )
      const [winner, ...others] = results.filter(({ created }) => created)
      expect(others).toEqual([])
      for (const [i, store] of stores.entries()) {
        // During the race, a bucket with versioning may show a version that is about to lose.
        const late = await store.create('race', text(contentOf(i)), never)
        expect(late).toEqual({ created: false, etag: winner?.etag })
        const object = await store.get('race', LIMIT, never)
        expect(object?.bytes.toString()).toBe(winner?.content)
        expect(object?.etag).toBe(winner?.etag)
      }
      expect(await keysOf(stores[0] as MirrorStore, '')).toEqual(['race'])
    })
  })

  describe(`${title}: get`, () => {
    it('returns undefined for a missing object', async () => {
      const store = await open()
      expect(await store.get('audit/none', LIMIT, never)).toBeUndefined()
      await store.create('audit/some', text('x'), never)
      for (const key of ['audit/non', 'audit/some/below', 'audi', 'Audit/some']) {
        expect(await store.get(key, LIMIT, never)).toBeUndefined()
      }
    })

    it.each([
      [100, 100],
      [99, 100],
      [10, 11],
      [0, 1],
    ])('with at most %i of 100 bytes gives %i', async (maxBytes, length) => {
      const store = await open()
      const bytes = Buffer.alloc(100, 7)
      await store.create('k', bytes, never)
      expect((await store.get('k', maxBytes, never))?.bytes).toEqual(bytes.subarray(0, length))
    })

    it('does not read a large object to its end', async () => {
      const store = await open()
      await store.create('large', Buffer.alloc(8 * LIMIT, 7), never)
      expect((await store.get('large', LIMIT, never))?.bytes.length).toBe(LIMIT + 1)
      expect((await store.get('large', 8 * LIMIT, never))?.bytes.length).toBe(8 * LIMIT)
    })

    it('runs 50 times at once', async () => {
      const store = await open()
      const warnings: Error[] = []
      const note = (warning: Error) => warnings.push(warning)
      process.on('warning', note)
      const { signal } = new AbortController()
      await store.create('k', text('x'), signal)
      const all = await Promise.all(Array.from({ length: 50 }, () => store.get('k', LIMIT, signal)))
      expect(all.map((object) => object?.bytes.toString())).toEqual(Array.from({ length: 50 }, () => 'x'))
      await new Promise((resolve) => setImmediate(resolve))
      process.off('warning', note)
      expect(warnings).toEqual([])
    })
  })

  describe(`${title}: list`, () => {
    const keys = Array.from({ length: MANY }, (_, i) => `audit/many/${String(i * 7).padStart(20, '0')}`)
    let full: MirrorStore

    beforeAll(async () => {
      full = await open()
      await createAll(full, [...keys].reverse())
      await createAll(full, ['audit/man', 'audit/many-1', 'audit/many.1', 'audit/manz', 'tlog/x', 'audit2'])
    })

    it('is empty where there is no object', async () => {
      const store = await open()
      expect(await keysOf(store, '')).toEqual([])
      expect(await keysOf(store, 'audit/x/')).toEqual([])
    })

    it('yields every key of a prefix once, in order, beyond one page', async () => {
      expect(await keysOf(full, 'audit/many/')).toEqual(keys)
    })

    it('leaves out the keys up to a given key, whether that exists or not', async () => {
      const listAfter = async (key: string) => {
        const listed: string[] = []
        for await (const one of full.list('audit/many/', never, key)) listed.push(one.key)
        return listed
      }
      expect(await listAfter(keys[2] ?? '')).toEqual(keys.slice(3))
      expect(await listAfter(`${keys[2]}x`)).toEqual(keys.slice(3))
      expect(await listAfter('audit/many/')).toEqual(keys)
      expect(await listAfter('audit/manz')).toEqual([])
    })

    it('matches the text of the prefix, not folders', async () => {
      expect(await keysOf(full, 'audit/many/0000000000000000000')).toEqual(keys.slice(0, 2))
      expect(await keysOf(full, 'audit/many.')).toEqual(['audit/many.1'])
      expect(await keysOf(full, 'audit2')).toEqual(['audit2'])
      expect(await keysOf(full, 'nothing')).toEqual([])
    })

    it('yields a folder as one name, in the order of bytes: - and . before /', async () => {
      expect(await keysOf(full, 'audit/')).toEqual([
        'audit/man',
        'audit/many-1',
        'audit/many.1',
        'audit/many/',
        'audit/manz',
      ])
      expect(await keysOf(full, '')).toEqual(['audit/', 'audit2', 'tlog/'])
    })

    it('can be abandoned in the middle', async () => {
      for await (const { key } of full.list('audit/many/', never)) {
        expect(key).toBe(keys[0])
        break
      }
      expect(await full.get(keys[0] ?? '', LIMIT, never)).toBeDefined()
    })

    it('shows correct sizes and etags, if any', async () => {
      for await (const { key, size = key.length, etag = etagOf(text(key)) } of full.list('tlog/', never)) {
        expect([size, etag]).toEqual([key.length, etagOf(text(key))])
      }
    })
  })

  it(`${title}: accepts any text as a key, and lists in the order of UTF-8 bytes`, async () => {
    const store = await open()
    const keys = [
      'a b+c',
      '%41',
      '%zz',
      'a&b<c>"d\'',
      'line\nbreak',
      'bell\u0007',
      'back\\slash',
      'ü',
      'u\u0308',
      '\uffee',
      '\u{1f600}',
      'question?x=1#y',
      'star*',
      'dots...',
      '...',
      ' blank ',
      'folder/ü/\u{1f600}',
    ]
    for (const key of keys) expect(await store.create(key, text(key), never)).toMatchObject({ created: true })
    const sorted = [...keys].sort((a, b) => Buffer.compare(text(a), text(b)))
    expect(await keysOf(store, '')).toEqual(sorted.map((key) => key.replace(/\/.*/, '/')))
    for (const key of keys) expect((await store.get(key, LIMIT, never))?.bytes.toString()).toBe(key)
    expect(await keysOf(store, 'folder/ü/')).toEqual(['folder/ü/\u{1f600}'])
  })

  describe(`${title}: a signal`, () => {
    const reason = new Error('enough')

    it('rejects every call with its reason when it was aborted before', async () => {
      const store = await open()
      const signal = AbortSignal.abort(reason)
      await expect(store.get('k', LIMIT, signal)).rejects.toBe(reason)
      await expect(store.create('k', text('x'), signal)).rejects.toBe(reason)
      await expect(store.list('', signal)[Symbol.asyncIterator]().next()).rejects.toBe(reason)
      expect(await keysOf(store, '')).toEqual([])
    })

    it('stops a listing in the middle', async () => {
      const store = await open()
      await createAll(store, ['a', 'b', 'c'])
      const abort = new AbortController()
      const seen: string[] = []
      const reading = async () => {
        for await (const { key } of store.list('', abort.signal)) {
          seen.push(key)
          abort.abort(reason)
        }
      }
      await expect(reading()).rejects.toBe(reason)
      expect(seen).toEqual(['a'])
    })
  })
}
