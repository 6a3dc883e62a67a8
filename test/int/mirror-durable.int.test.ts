import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { DirectoryMirror } from '../../src/mirror/directory/directory.js'
import { Folder } from '../../src/mirror/directory/folder.js'
import { nameCallsOf, POOLED_CALLS } from '../../src/mirror/directory/name-calls.js'
import { SyncedDisk } from '../support/synced-disk.js'

const never = new AbortController().signal
const KEY = 'audit/a/1'

let root: string
beforeEach(async () => {
  root = await mkdtemp(join(tmpdir(), 'audit-durable-'))
})
afterEach(() => rm(root, { recursive: true, force: true }))

const kinds = [
  ['local', nameCallsOf],
  ['network', async () => POOLED_CALLS],
] as const

describe.each(kinds)('a directory mirror on a %s file system', (_kind, callsOf) => {
  function open() {
    const disk = new SyncedDisk(root, callsOf)
    return { disk, store: new DirectoryMirror(root, false, disk.callsOf) }
  }

  it('syncs the folders above, then the content, then links the name, then syncs the name', async () => {
    const { disk, store } = open()
    await store.create(KEY, Buffer.from('x'), never)
    expect(disk.order).toEqual([
      'names in /audit',
      'names in /',
      'content',
      `link ${KEY}`,
      'names in /audit/a',
    ])
    expect(disk.survives(join(root, KEY))).toBe(true)
  })

  it('leaves the name to a later syncNames', async () => {
    const { disk, store } = open()
    await store.create(KEY, Buffer.from('x'), never, { nameLater: true })
    expect(disk.order.slice(-2)).toEqual(['content', `link ${KEY}`])
    expect(disk.survives(join(root, KEY))).toBe(false)
    await store.syncNames('audit/a/', never)
    expect(disk.survives(join(root, KEY))).toBe(true)
  })

  it('syncs an object that another process left without a sync', async () => {
    await mkdir(join(root, 'audit/a'), { recursive: true })
    await writeFile(join(root, KEY), 'x')
    const { disk, store } = open()
    expect(await store.create(KEY, Buffer.from('x'), never)).toMatchObject({ created: false })
    expect(disk.survives(join(root, KEY))).toBe(true)
  })

  it('syncs the names of a folder that this process created nothing in', async () => {
    await mkdir(join(root, 'audit/a'), { recursive: true })
    const { disk, store } = open()
    await store.syncNames('audit/a/', never)
    expect(disk.order).toEqual(['names in /audit/a'])
  })
})

describe('a folder', () => {
  /** Returns a folder whose syncs end when the test says so, and the ends of those that have begun. */
  function heldFolder() {
    const begun: { resolve: () => void; reject: (error: Error) => void }[] = []
    const sync = () => new Promise<void>((resolve, reject) => begun.push({ resolve, reject }))
    return { begun, folder: new Folder(root, root, async () => ({ ...POOLED_CALLS, sync })) }
  }

  it.each(['ends', 'fails'])(
    'syncs once more for all calls that come while a sync runs that %s',
    async (how) => {
      const { begun, folder } = heldFolder()
      const ended: string[] = []
      const call = (name: string) => folder.sync().then(() => ended.push(name))
      const first = call('first').catch(() => ended.push('failed'))
      await expect.poll(() => begun.length).toBe(1)
      const others = Promise.all([call('second'), call('third')])
      if (how === 'ends') begun[0]?.resolve()
      else begun[0]?.reject(new Error('the disk is gone'))
      await first
      await expect.poll(() => begun.length).toBe(2)
      expect(ended).toEqual([how === 'ends' ? 'first' : 'failed'])
      begun[1]?.resolve()
      await others
      expect(ended.slice(1)).toEqual(['second', 'third'])
      expect(begun).toHaveLength(2)
    },
    30_000,
  )
})
