import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { afterAll, beforeAll, expect, it, vi } from 'vitest'
import { openMirror } from '../../src/mirror/open.js'

/** Joins the path and the name, as Node does to stat an entry whose type the file system does not report. */
vi.mock('node:fs/promises', async (original) => {
  const fs = await original<typeof import('node:fs/promises')>()
  const opendir: typeof fs.opendir = async (path, options) => {
    const folder = await fs.opendir(path, options)
    if (!Buffer.isBuffer(path) || String(options?.encoding) === 'buffer') return folder
    folder[Symbol.asyncIterator] = async function* () {
      try {
        const first = await folder.read()
        if (first !== null) yield first
        throw Object.assign(new TypeError('x'), { code: 'ERR_INVALID_ARG_TYPE' })
      } finally {
        await folder.close()
      }
    }
    return folder
  }
  return { ...fs, opendir }
})

const never = new AbortController().signal
const root = mkdtempSync(join(tmpdir(), 'mirror-untyped-'))

beforeAll(() => {
  mkdirSync(join(root, 'audit/a'), { recursive: true })
  for (const name of ['1', '2', '.audit-0123456789abcdef.tmp'])
    writeFileSync(join(root, 'audit/a', name), 'x')
  symlinkSync('a', join(root, 'audit/link'))
  symlinkSync('nowhere', join(root, 'audit/dangling'))
  symlinkSync('loop', join(root, 'audit/loop'))
})
afterAll(() => rmSync(root, { recursive: true }))

it('lists a directory on a file system that does not report the types of entries', async () => {
  const store = await openMirror(pathToFileURL(root).href)
  const keysBelow = async (prefix: string) => {
    const keys: string[] = []
    for await (const { key } of store.list(prefix, never)) keys.push(key)
    return keys
  }
  expect(await keysBelow('audit/a/')).toEqual(['audit/a/1', 'audit/a/2'])
  expect(await keysBelow('audit/')).toEqual(['audit/a/', 'audit/dangling', 'audit/link', 'audit/loop'])
  expect(await store.folders('audit/', never)).toEqual(['a', 'link'])
})
