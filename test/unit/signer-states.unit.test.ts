import { chmod, mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { signerStates } from '../../src/local/signer-states.js'
import { hex, sha256 } from '../support/tlog-vectors.js'

let root = ''
beforeAll(async () => {
  root = await mkdtemp(join(tmpdir(), 'audit-states-'))
})
afterAll(() => rm(root, { recursive: true, force: true }))

let homes = 0
/** Returns the states of a new home, and the folder of one tree. */
function states() {
  homes += 1
  const home = join(root, String(homes))
  const folder = join(home, 'signer', hex(sha256(new TextEncoder().encode('log/a'))))
  return { home, folder, states: signerStates(home) }
}

const nameOf = (k: number) => `${String(k).padStart(20, '0')}.json`
const record = (k: number, text = `record ${k}\n`) => ({ k, text })

describe('the records of a tree', () => {
  it('are none before the first one', async () => {
    await expect(states().states.newest('log/a')).resolves.toBeUndefined()
  })

  it('keep their bytes and the name of the folder, and belong to one tree', async () => {
    const { states: one, folder } = states()
    await expect(one.create('log/a', record(0))).resolves.toBe(true)
    await expect(one.newest('log/a')).resolves.toEqual(record(0))
    await expect(one.newest('log/b')).resolves.toBeUndefined()
    expect(one.pathOf('log/a', 0)).toBe(join(folder, nameOf(0)))
    await expect(readFile(join(folder, nameOf(0)), 'utf8')).resolves.toBe('record 0\n')
  })

  it('are the two highest', async () => {
    const { states: one, folder } = states()
    for (let k = 0; k < 12; k += 1) await expect(one.create('log/a', record(k))).resolves.toBe(true)
    expect(await readdir(folder)).toEqual([nameOf(10), nameOf(11)])
    await expect(one.newest('log/a')).resolves.toEqual(record(11))
  })

  it('are never changed: the second process does not go on', async () => {
    const { states: one } = states()
    await one.create('log/a', record(0))
    await expect(one.create('log/a', record(0, 'another\n'))).resolves.toBe(false)
    await expect(one.create('log/a', record(0))).resolves.toBe(false)
    await expect(one.newest('log/a')).resolves.toEqual(record(0))
  })

  it('show a process that was stopped for long a higher record', async () => {
    const { states: one, folder } = states()
    for (const k of [0, 1, 2, 3]) await one.create('log/a', record(k))
    await expect(one.create('log/a', record(1, 'stopped before record 1 was created\n'))).resolves.toBe(false)
    expect(await readdir(folder)).toEqual([nameOf(2), nameOf(3)])
  })

  it('are created by one of many processes', async () => {
    const { states: one } = states()
    const created = await Promise.all(
      Array.from({ length: 20 }, (_, process) => one.create('log/a', record(7, `process ${process}\n`))),
    )
    expect(created.filter((isOurs) => isOurs)).toHaveLength(1)
    await expect(one.newest('log/a')).resolves.toEqual(record(7, `process ${created.indexOf(true)}\n`))
  })

  it.each([
    'draft',
    '.00000000000000000009.json.0011.tmp',
    '9.json',
    '00000000000000000009.json.bak',
    '99999999999999999999.json',
  ])('do not include %s', async (name) => {
    const { states: one, folder } = states()
    await one.create('log/a', record(1))
    await writeFile(join(folder, name), 'x')
    await expect(one.newest('log/a')).resolves.toEqual(record(1))
    await expect(one.create('log/a', record(2))).resolves.toBe(true)
  })
})

describe('records that cannot be used', () => {
  it('are an error where a record is a directory', async () => {
    const { states: one, folder } = states()
    await mkdir(join(folder, nameOf(3)), { recursive: true })
    await expect(one.newest('log/a')).rejects.toMatchObject({ code: 'signer_state_missing' })
  })

  it('are an error where the folder is a file', async () => {
    const { states: one, home } = states()
    await mkdir(home)
    await writeFile(join(home, 'signer'), 'x')
    await expect(one.newest('log/a')).rejects.toMatchObject({ code: 'signer_state_missing' })
    await expect(one.create('log/a', record(0))).rejects.toMatchObject({ code: 'signer_state_missing' })
  })

  it.skipIf(process.getuid?.() === 0)('are an error where the folder is read-only', async () => {
    const { states: one, folder } = states()
    await one.create('log/a', record(0))
    await chmod(folder, 0o500)
    await expect(one.create('log/a', record(1))).rejects.toMatchObject({ code: 'signer_state_missing' })
    await chmod(folder, 0o700)
  })
})
