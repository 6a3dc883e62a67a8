import { execFileSync } from 'node:child_process'
import { mkdir, mkdtemp, readdir, rm, stat, symlink, writeFile } from 'node:fs/promises'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { afterAll, describe, expect, it } from 'vitest'
import { DirectoryMirror } from '../../src/mirror/directory/directory.js'
import { directoryError } from '../../src/mirror/directory/directory-error.js'
import { POOLED_CALLS } from '../../src/mirror/directory/name-calls.js'
import { makeRoot } from '../../src/mirror/make-root.js'
import { openMirror } from '../../src/mirror/open.js'
import { keysOf, mirrorContract } from '../support/mirror-contract.js'

const never = new AbortController().signal
const base = await mkdtemp(join(tmpdir(), 'audit-mirror-'))
afterAll(() => rm(base, { recursive: true, force: true }))

let places = 0
function newPath(): string {
  places += 1
  return join(base, `place-${places}`)
}

async function newRoot(): Promise<string> {
  const path = newPath()
  await mkdir(path)
  return path
}

mirrorContract('directory', async () => {
  const url = pathToFileURL(await newRoot()).href
  return { open: () => openMirror(url) }
})

mirrorContract('directory on a network file system', async () => {
  const root = await newRoot()
  return { open: async () => new DirectoryMirror(root, false, async () => POOLED_CALLS) }
})

describe('a directory mirror', () => {
  it('is unreachable while it is missing, and no create makes it', async () => {
    const store = await openMirror(pathToFileURL(join(newPath(), 'not', 'made yet')).href)
    const missing = {
      code: 'mirror_unavailable',
      message: expect.stringContaining('does not exist (not mounted?)'),
    }
    await expect(keysOf(store, '')).rejects.toMatchObject(missing)
    await expect(store.get('audit/a/1', 100, never)).rejects.toMatchObject(missing)
    await expect(store.folders('audit/', never)).rejects.toMatchObject(missing)
    await expect(store.create('audit/a/1', Buffer.from('x'), never)).rejects.toMatchObject(missing)
  })

  it('is empty while it is missing, where it may be', async () => {
    const store = new DirectoryMirror(newPath(), true)
    expect(await keysOf(store, '')).toEqual([])
    expect(await store.folders('audit/', never)).toEqual([])
    expect(await store.get('audit/a/1', 100, never)).toBeUndefined()
    await expect(store.create('audit/a/1', Buffer.from('x'), never)).rejects.toMatchObject({
      code: 'mirror_unavailable',
    })
  })

  it('makes files and folders private, and leaves no draft', async () => {
    const root = newPath()
    await makeRoot(pathToFileURL(root).href)
    const store = new DirectoryMirror(root)
    await store.create('audit/a/1', Buffer.from('x'), never)
    await store.create('audit/a/1', Buffer.from('y'), never)
    expect(await readdir(join(root, 'audit/a'))).toEqual(['1'])
    expect((await stat(join(root, 'audit/a/1'))).mode & 0o777).toBe(0o600)
    for (const folder of ['', 'audit', 'audit/a']) {
      expect((await stat(join(root, folder))).mode & 0o777).toBe(0o700)
    }
  })

  it('skips the drafts of a process that died, and nothing else', async () => {
    const root = await newRoot()
    const strays = ['.audit-0123456789abcdef.tmp.x', '.audit-0123456789ABCDEF.tmp', '.hidden', 'x.tmp']
    for (const name of [...strays, '.audit-0123456789abcdef.tmp']) await writeFile(join(root, name), 'x')
    expect(await keysOf(new DirectoryMirror(root), '')).toEqual(strays.sort())
  })

  it('makes a deleted folder again', async () => {
    const root = await newRoot()
    const store = new DirectoryMirror(root)
    await store.create('audit/a/1', Buffer.from('x'), never)
    await rm(join(root, 'audit'), { recursive: true })
    await expect(store.create('audit/a/2', Buffer.from('x'), never)).rejects.toMatchObject({
      code: 'mirror_unavailable',
    })
    expect(await store.create('audit/a/2', Buffer.from('x'), never)).toMatchObject({ created: true })
    expect(await keysOf(store, 'audit/a/')).toEqual(['audit/a/2'])
  })

  it('syncs no names of a folder that is gone, or whose place a file has', async () => {
    const root = await newRoot()
    const store = new DirectoryMirror(root)
    const later = { nameLater: true }
    await store.create('audit/a/1', Buffer.from('x'), never, later)
    await rm(join(root, 'audit/a'), { recursive: true })
    const unavailable = { code: 'mirror_unavailable' }
    await expect(store.syncNames('audit/a/', never)).rejects.toMatchObject(unavailable)
    expect(await store.create('audit/a/1', Buffer.from('x'), never, later)).toMatchObject({ created: true })
    await store.syncNames('audit/a/', never)
    await rm(join(root, 'audit/a'), { recursive: true })
    await writeFile(join(root, 'audit/a'), 'x')
    await expect(store.syncNames('audit/a/', never)).rejects.toMatchObject(unavailable)
    await expect(store.syncNames('../', never)).rejects.toMatchObject({ code: 'internal' })
  })

  it.each(['', '/', '/etc/passwd', '../x', 'a/../x', 'a//b', './a', 'a/', 'a\0b'])(
    'holds nothing under the key %j',
    async (key) => {
      const store = new DirectoryMirror(await newRoot())
      expect(await store.get(key, 100, never)).toBeUndefined()
      await expect(store.create(key, Buffer.from('x'), never)).rejects.toMatchObject({ code: 'internal' })
    },
  )

  it.each(['../', '/', 'a/../', './', '//', 'a\0/'])('lists nothing below %j', async (prefix) => {
    const root = await newRoot()
    await mkdir(join(root, 'a'))
    await writeFile(join(root, 'a', 'x'), 'x')
    expect(await keysOf(new DirectoryMirror(root), prefix)).toEqual([])
  })
})

describe('a directory mirror, of entries that are no objects,', () => {
  const oddEntries = {
    'a link to a file': (path: string) => symlink('/etc/hostname', path),
    'a link to /dev/zero': (path: string) => symlink('/dev/zero', path),
    'a link to nowhere': (path: string) => symlink('nowhere', path),
    'a link to itself': (path: string) => symlink(path, path),
    'a FIFO': async (path: string) => void execFileSync('mkfifo', [path]),
    'a socket': async (path: string) => {
      const server = createServer()
      await new Promise<void>((resolve) => server.listen(path, resolve))
      server.unref()
    },
  }

  it.each(Object.entries(oddEntries))('lists %s, reads no bytes, and never replaces it', async (_, make) => {
    const root = await newRoot()
    await make(join(root, 'k'))
    const store = new DirectoryMirror(root)
    expect(await keysOf(store, '')).toEqual(['k'])
    expect((await store.get('k', 100, never))?.bytes.length).toBe(0)
    expect(await store.create('k', Buffer.from('x'), never)).toMatchObject({ created: false })
    expect((await store.get('k', 100, never))?.bytes.length).toBe(0)
  })

  it('finds no object in the place of a folder, and creates none', async () => {
    const root = await newRoot()
    await mkdir(join(root, 'k'))
    const store = new DirectoryMirror(root)
    expect(await keysOf(store, '')).toEqual(['k/'])
    expect(await store.get('k', 100, never)).toBeUndefined()
    await expect(store.create('k', Buffer.from('x'), never)).rejects.toMatchObject({
      code: 'mirror_unavailable',
    })
    expect(await readdir(root)).toEqual(['k'])
  })

  it('lists a linked folder as one key without following it, unless it is the root', async () => {
    const root = await newRoot()
    await mkdir(join(root, 'audit'))
    await writeFile(join(root, 'audit', '1'), 'x')
    await symlink('..', join(root, 'audit', 'loop'))
    const link = newPath()
    await symlink(root, link)
    for (const path of [root, link]) {
      expect(await keysOf(new DirectoryMirror(path), 'audit/')).toEqual(['audit/1', 'audit/loop'])
    }
  })

  it('lists a name that is not UTF-8', async () => {
    const root = await newRoot()
    await writeFile(Buffer.concat([Buffer.from(`${root}/`), Buffer.from([0x61, 0xff])]), 'x')
    await writeFile(join(root, 'b'), 'x')
    expect(await keysOf(new DirectoryMirror(root), '')).toEqual(['a\ufffd', 'b'])
  })
})

describe('a directory that cannot be used', () => {
  it('rejects a file in its place', async () => {
    const path = newPath()
    await writeFile(path, 'x')
    const store = new DirectoryMirror(path)
    await expect(keysOf(store, 'audit/')).rejects.toMatchObject({ code: 'mirror_unavailable' })
    await expect(store.create('audit/1', Buffer.from('x'), never)).rejects.toMatchObject({
      code: 'mirror_unavailable',
    })
  })

  it('rejects a key that is too long', async () => {
    const store = new DirectoryMirror(await newRoot())
    const key = `audit/${'x'.repeat(300)}`
    expect(await store.get(key, 100, never)).toBeUndefined()
    await expect(store.create(key, Buffer.from('x'), never)).rejects.toMatchObject({
      code: 'mirror_unavailable',
      message: expect.stringContaining('ENAMETOOLONG'),
    })
    expect(await keysOf(store, 'audit/')).toEqual([])
  })

  it.each([
    ['EACCES', 'mirror_permission_denied'],
    ['EPERM', 'mirror_permission_denied'],
    ['EROFS', 'mirror_permission_denied'],
    ['ENOSPC', 'mirror_unavailable'],
    ['EIO', 'mirror_unavailable'],
    ['ESTALE', 'mirror_unavailable'],
  ])('maps %s to %s', (errno, code) => {
    const error = Object.assign(new Error('x'), { code: errno })
    expect(directoryError('file:///m', 'k cannot be read', error, never)).toMatchObject({
      code,
      message: `mirror file:///m: k cannot be read (${errno})`,
    })
  })

  it.skipIf(process.getuid?.() === 0)(
    'rejects reads and writes without permission (not as root)',
    async () => {
      const root = await newRoot()
      const store = new DirectoryMirror(join(root, 'm'))
      await store.create('k', Buffer.from('x'), never)
      execFileSync('chmod', ['000', join(root, 'm', 'k')])
      await expect(store.get('k', 100, never)).rejects.toMatchObject({ code: 'mirror_permission_denied' })
      execFileSync('chmod', ['000', join(root, 'm')])
      await expect(keysOf(store, '')).rejects.toMatchObject({ code: 'mirror_permission_denied' })
      await expect(store.create('l', Buffer.from('x'), never)).rejects.toMatchObject({
        code: 'mirror_permission_denied',
      })
      execFileSync('chmod', ['700', join(root, 'm')])
    },
  )
})

/** A file system of 64 KiB, if this process may mount one. */
function mountTiny(path: string): boolean {
  try {
    execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=64k', 'tmpfs', path], { stdio: 'ignore' })
    return true
  } catch {
    return false
  }
}

const tiny = await newRoot()
const isMounted = mountTiny(tiny)
afterAll(() => {
  if (isMounted) execFileSync('umount', [tiny])
})

describe.skipIf(!isMounted)('a full disk (a tmpfs, if it can be mounted)', () => {
  it('rejects a create and leaves nothing behind, and accepts it when there is space again', async () => {
    const store = new DirectoryMirror(tiny)
    await store.create('audit/1', Buffer.alloc(40_000), never)
    const failing = store.create('audit/2', Buffer.alloc(40_000), never)
    await expect(failing).rejects.toMatchObject({
      code: 'mirror_unavailable',
      message: expect.stringContaining('ENOSPC'),
    })
    expect(await readdir(join(tiny, 'audit'))).toEqual(['1'])
    await rm(join(tiny, 'audit/1'))
    expect(await store.create('audit/2', Buffer.alloc(40_000), never)).toMatchObject({ created: true })
  })
})
