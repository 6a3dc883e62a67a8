import { mkdirSync, mkdtempSync, rmSync, symlinkSync, utimesSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest'
import { openMirror } from '../../src/mirror/open.js'
import type { IndexedMirror } from '../../src/ports/mirror.js'
import { keysOf } from '../support/mirror-contract.js'
import { S3Server } from '../support/s3-server.js'

const never = new AbortController().signal
const root = mkdtempSync(join(tmpdir(), 'mirror-index-'))
const KEYS = [
  'audit/a/1',
  'audit/a/2',
  'audit/b.c/1',
  'audit/b/deep/1',
  'audit/file',
  'audit2/x/1',
  'tlog/x/1',
]
const AT = Date.parse('2026-04-28T10:00:30Z')
let server: S3Server
const stores: Record<string, IndexedMirror> = {}

beforeAll(async () => {
  for (const key of KEYS) {
    mkdirSync(dirname(join(root, key)), { recursive: true })
    writeFileSync(join(root, key), key)
    utimesSync(join(root, key), AT / 1000, AT / 1000)
  }
  // An archiver that was killed may leave this.
  mkdirSync(join(root, 'audit/empty'), { recursive: true })
  mkdirSync(join(root, 'audit/draft'))
  writeFileSync(join(root, 'audit/draft/.audit-0123456789abcdef.tmp'), '')

  server = await S3Server.start()
  server.addBucket('bucket')
  for (const key of KEYS) server.put('bucket', `run/${key}`, Buffer.from(key))
  for (let i = 0; i < 1_100; i += 1) server.put('bucket', `many/audit/${i}/1`, Buffer.of(1))
  vi.stubEnv('AWS_ACCESS_KEY_ID', 'x')
  vi.stubEnv('AWS_SECRET_ACCESS_KEY', 'x')
  const env = { AUDIT_S3_ENDPOINT: server.url }
  stores.directory = await openMirror(pathToFileURL(root).href)
  stores.bucket = await openMirror('s3://bucket/run', env)
  stores.many = await openMirror('s3://bucket/many', env)
})

afterAll(async () => {
  for (const store of Object.values(stores)) store.close()
  vi.unstubAllEnvs()
  await server.stop()
  rmSync(root, { recursive: true })
})

const at = (name: string): IndexedMirror => stores[name] as IndexedMirror

describe.each(['directory', 'bucket'])('%s', (name) => {
  it('returns the folders that hold an object', async () => {
    expect((await at(name).folders('audit/', never)).sort()).toEqual(['a', 'b', 'b.c'])
    expect(await at(name).folders('none/', never)).toEqual([])
  })

  it('returns when an object was stored', async () => {
    expect(await at(name).storedAt('audit/a/3', never)).toBeUndefined()
    // The server's clock advances by one second per write.
    const storedAt = (await at(name).storedAt('audit/a/1', never)) ?? 0
    expect(storedAt).toBe(name === 'directory' ? AT : Date.parse('2026-04-28T10:00:01Z'))
  })

  it('rejects at the signal', async () => {
    const signal = AbortSignal.abort(new Error('enough'))
    await expect(at(name).folders('audit/', signal)).rejects.toThrow('enough')
    await expect(at(name).storedAt('audit/a/1', signal)).rejects.toThrow('enough')
  })
})

it('returns a linked folder of a directory, which a listing follows', async () => {
  const other = mkdtempSync(join(tmpdir(), 'mirror-links-'))
  mkdirSync(join(other, 'audit'))
  symlinkSync(join(root, 'audit/a'), join(other, 'audit/linked'))
  symlinkSync(join(root, 'audit/empty'), join(other, 'audit/empty'))
  for (const name of ['nowhere', 'circle']) symlinkSync('circle', join(other, 'audit', name))
  const store = await openMirror(pathToFileURL(other).href)
  expect(await store.folders('audit/', never)).toEqual(['linked'])
  expect(await keysOf(store, 'audit/linked/')).toEqual(['audit/linked/1', 'audit/linked/2'])
  rmSync(other, { recursive: true })
})

it('finds nothing below a file in the place of a folder, and rejects a file in the place of the directory', async () => {
  expect(await at('directory').folders('audit/file/', never)).toEqual([])
  expect(await keysOf(at('directory'), 'audit/file/')).toEqual([])
  const store = await openMirror(pathToFileURL(join(root, 'audit/file')).href)
  await expect(store.folders('audit/', never)).rejects.toMatchObject({ code: 'mirror_unavailable' })
  await expect(keysOf(store, 'audit/')).rejects.toMatchObject({ code: 'mirror_unavailable' })
})

it('returns folders of a bucket beyond one page, and lists no object in them', async () => {
  server.takeSeen()
  expect(await at('many').folders('audit/', never)).toHaveLength(1_100)
  expect(server.takeSeen()).toEqual(['LIST', 'LIST'])
})

it('rejects a missing directory as unreachable', async () => {
  const store = await openMirror(pathToFileURL(join(root, 'none')).href)
  await expect(store.folders('audit/', never)).rejects.toMatchObject({ code: 'mirror_unavailable' })
})
