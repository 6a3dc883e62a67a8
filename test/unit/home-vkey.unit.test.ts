import { mkdir, mkdtemp, readdir, readFile, rm, stat, symlink, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { parseVkey, type VerifierKey, vkeyText } from '../../src/chain/note/vkey.js'
import { PLATFORM_ANCHOR } from '../../src/chain/uuid.js'
import { createVkeyFile, readVkeyFile } from '../../src/local/home-vkey.js'
import { TLOG } from '../support/tlog-vectors.js'

const KEYS = TLOG.keys.chains
const vkeyOf = (isPlatform: boolean) =>
  KEYS.find(({ domain_id: id }) => (id === PLATFORM_ANCHOR) === isPlatform)?.vkey ?? ''
const PLATFORM = vkeyOf(true)
const platformKey = parseVkey(PLATFORM) as VerifierKey

let root = ''
beforeAll(async () => {
  root = await mkdtemp(join(tmpdir(), 'audit-vkey-'))
})
afterAll(() => rm(root, { recursive: true, force: true }))

async function homeWith(name: string, content?: string): Promise<string> {
  const home = join(root, name)
  await mkdir(home)
  if (content !== undefined) await writeFile(join(home, 'log.vkey'), content)
  return home
}

describe('log.vkey of a home', () => {
  it('is created once with the vkey and a newline, and never changed', async () => {
    const home = join(root, 'new')
    const other = { ...platformKey, publicKey: platformKey.publicKey.toReversed() }
    expect(vkeyText(await createVkeyFile(home, platformKey))).toBe(PLATFORM)
    expect(vkeyText(await createVkeyFile(home, other))).toBe(PLATFORM)
    expect(await readFile(join(home, 'log.vkey'), 'utf8')).toBe(`${PLATFORM}\n`)
    expect((await stat(join(home, 'log.vkey'))).mode & 0o777).toBe(0o644)
    expect(await readdir(home)).toEqual(['log.vkey'])
  })

  it('is read as it was written', async () => {
    const home = await homeWith('read', `${PLATFORM}\n`)
    const key = await readVkeyFile(home)
    expect(key && vkeyText(key)).toBe(PLATFORM)
  })

  it.each([
    ['no file', () => homeWith('without')],
    ['no home', async () => join(root, 'absent')],
    ['a file in place of the home', async () => join(await homeWith('file', ''), 'log.vkey')],
  ])('does not exist where there is %s', async (_name, homeOf) => {
    expect(await readVkeyFile(await homeOf())).toBeUndefined()
  })

  it.each([
    ['nothing', ''],
    ['the vkey of a Domain', `${vkeyOf(false)}\n`],
    ['a vkey with another key id', `${PLATFORM.replace(/\+[0-9a-f]{8}\+/, '+00000000+')}\n`],
    ['the key of a witness', `${TLOG.keys.witness.vkey}\n`],
    ['two lines', `${PLATFORM}\n\n`],
    ['more than a vkey', 'a'.repeat(4096)],
  ])('is refused where it holds %s', async (name, content) => {
    const home = await homeWith(name, content)
    await expect(readVkeyFile(home)).rejects.toMatchObject({ code: 'log_key_unavailable' })
  })

  it('is refused where it cannot be read', async () => {
    const home = await homeWith('directory')
    await mkdir(join(home, 'log.vkey'))
    await expect(readVkeyFile(home)).rejects.toMatchObject({ code: 'log_key_unavailable' })
    const dangling = await homeWith('dangling')
    await symlink(join(root, 'nowhere'), join(dangling, 'log.vkey'))
    await expect(readVkeyFile(dangling)).rejects.toMatchObject({ code: 'log_key_unavailable' })
  })
})
