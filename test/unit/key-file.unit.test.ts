import { execFile } from 'node:child_process'
import { createHmac, randomBytes } from 'node:crypto'
import { chmod, mkdir, mkdtemp, readdir, readFile, rm, stat, symlink, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { AuditError } from '../../src/base/errors.js'
import { mintKeyFile as mint } from '../../src/base/files/mint-key-file.js'
import { CursorKeyFile, cursorKeyOf, KeyFilePepper } from '../../src/pepper/key-file.js'

const DOMAIN = '0190a8b8-a0c0-7a0a-8a0a-a0a0a0a0a0a1'
const mintKeyFile = (path: string) => mint(path, 'pepper_unavailable')
const KEY = Buffer.from(Array.from({ length: 32 }, (_, i) => i))

let home = ''
beforeAll(async () => {
  home = await mkdtemp(join(tmpdir(), 'audit-key-'))
})
afterAll(() => rm(home, { recursive: true, force: true }))

async function keyFile(name: string, content: Uint8Array = KEY, mode = 0o600): Promise<string> {
  const path = join(home, name)
  await writeFile(path, content)
  await chmod(path, mode)
  return path
}

/** Computes RFC 5869 directly, for one block. An empty salt is 32 zero bytes. */
function hkdf(key: Uint8Array, info: Uint8Array): Buffer {
  const prk = createHmac('sha256', new Uint8Array(32)).update(key).digest()
  return createHmac('sha256', prk).update(info).update(Uint8Array.of(1)).digest()
}

const infoOf = (domainId: string) =>
  Buffer.concat([Buffer.from('audit/pepper/v1'), Buffer.from(domainId.replaceAll('-', ''), 'hex')])

describe('the pepper of a key file', () => {
  it('is HKDF-SHA256 of its bytes, as computed directly', async () => {
    const pepper = new KeyFilePepper(await keyFile('good'))
    expect(Buffer.from(await pepper.pepperOf(DOMAIN))).toEqual(hkdf(KEY, infoOf(DOMAIN)))
    expect(await pepper.pepperOf(DOMAIN.toUpperCase())).toEqual(await pepper.pepperOf(DOMAIN))
    expect(Buffer.from(await pepper.cursorKey())).toEqual(hkdf(KEY, Buffer.from('audit/cursor/v1')))
  })

  it('is the same as a third implementation computes', async () => {
    // Python: hmac(hmac(0*32, bytes(range(32))), b"audit/cursor/v1" + b"\x01")
    const pepper = new KeyFilePepper(await keyFile('python'))
    expect(Buffer.from(await pepper.cursorKey()).toString('hex')).toBe(PYTHON_CURSOR_KEY)
    expect(Buffer.from(await pepper.pepperOf(DOMAIN)).toString('hex')).toBe(PYTHON_PEPPER)
  })

  it('is read on every call', async () => {
    const path = await keyFile('rotated')
    const pepper = new KeyFilePepper(path)
    await pepper.pepperOf(DOMAIN)
    await rm(path)
    await expect(pepper.pepperOf(DOMAIN)).rejects.toMatchObject({ code: 'pepper_unavailable' })
  })

  it.each([
    ['empty', new Uint8Array(0)],
    ['31 bytes', KEY.subarray(1)],
    ['33 bytes', Buffer.concat([KEY, Buffer.from('x')])],
    ['hex text', Buffer.from(KEY.toString('hex'))],
  ])('is refused for a file that is %s', async (name, content) => {
    const error = await refusal(await keyFile(name, content))
    expect(error.message).toMatch(/^key file \S.*: expected exactly 32 raw bytes, got (0|31|more)$/)
  })

  it.each([0o640, 0o604, 0o620, 0o602, 0o610, 0o666])('is refused for a file of mode %o', async (mode) => {
    const error = await refusal(await keyFile(`mode-${mode}`, KEY, mode))
    expect(error.message).toContain(`expected mode 0600, got 0${mode.toString(8)}`)
  })

  it('accepts a file that its owner can only read', async () => {
    await expect(new KeyFilePepper(await keyFile('readonly', KEY, 0o400)).cursorKey()).resolves.toHaveLength(
      32,
    )
  })

  it('checks the file behind a symbolic link', async () => {
    await symlink(await keyFile('wide', KEY, 0o644), join(home, 'to-wide'))
    await symlink(await keyFile('narrow'), join(home, 'to-narrow'))
    await symlink(join(home, 'nowhere'), join(home, 'dangling'))
    await refusal(join(home, 'to-wide'))
    await refusal(join(home, 'dangling'))
    await expect(new KeyFilePepper(join(home, 'to-narrow')).cursorKey()).resolves.toHaveLength(32)
  })

  it('is refused for a path that is not a regular file, without blocking', async () => {
    const fifo = join(home, 'fifo')
    await promisify(execFile)('mkfifo', ['-m', '600', fifo])
    for (const path of [fifo, home, '/dev/null', join(home, 'absent'), join(home, 'good', 'below')]) {
      await refusal(path)
    }
  })

  it.each(['', 'x', '00000000-0000-0000-0000-000000000000'])(
    'is refused for the Domain "%s"',
    async (domainId) => {
      const pepper = new KeyFilePepper(await keyFile('any'))
      await expect(pepper.pepperOf(domainId)).rejects.toMatchObject({ code: 'invalid_domain_id' })
    },
  )
})

const PYTHON_CURSOR_KEY = 'b7487c5c79743141a5357863d32fd965af3b5e35a25b52b1148129aef1aff518'
const PYTHON_PEPPER = '3c27e6d37821582f4ebcc952f33ccecae024b6d434e6e4c739c346915210f624'

async function refusal(path: string): Promise<AuditError> {
  const error: unknown = await new KeyFilePepper(path).pepperOf(DOMAIN).catch((e: unknown) => e)
  if (!(error instanceof AuditError)) throw new Error('expected an AuditError')
  expect(error.code).toBe('pepper_unavailable')
  expect(error.message).toContain(path)
  expect(error.message).not.toContain(KEY.toString('hex').slice(0, 16))
  return error
}

describe('the cursor key', () => {
  it('is AUDIT_CURSOR_KEY_FILE itself where that is set', async () => {
    const pepper = new KeyFilePepper(await keyFile('for-pepper'))
    const other = await keyFile('for-cursor', Buffer.alloc(32, 9))
    expect(cursorKeyOf({}, pepper)).toBe(pepper)
    expect(cursorKeyOf({ AUDIT_CURSOR_KEY_FILE: '' }, pepper)).toBe(pepper)
    const key = await cursorKeyOf({ AUDIT_CURSOR_KEY_FILE: other }, pepper).cursorKey()
    expect(Buffer.from(key)).toEqual(Buffer.alloc(32, 9))
  })

  it('must keep the same rules', async () => {
    const path = await keyFile('wide-cursor', KEY, 0o644)
    await expect(new CursorKeyFile(path).cursorKey()).rejects.toMatchObject({ code: 'pepper_unavailable' })
  })
})

describe('mintKeyFile', () => {
  it('creates 32 bytes with mode 0600, and the directory', async () => {
    const path = join(home, 'new', 'pepper.key')
    expect(await mintKeyFile(path)).toBe(true)
    expect((await stat(path)).mode & 0o777).toBe(0o600)
    expect((await readFile(path)).length).toBe(32)
    expect((await stat(join(home, 'new'))).mode & 0o777).toBe(0o700)
  })

  it('creates one file for twenty concurrent calls, and all use its key', async () => {
    const path = join(home, 'race', 'pepper.key')
    const keys = await Promise.all(
      Array.from({ length: 20 }, async () => {
        const minted = await mintKeyFile(path)
        return { minted, key: Buffer.from(await new KeyFilePepper(path).cursorKey()).toString('hex') }
      }),
    )
    expect(keys.filter(({ minted }) => minted)).toHaveLength(1)
    expect(new Set(keys.map(({ key }) => key)).size).toBe(1)
    expect(await readdir(join(home, 'race'))).toEqual(['pepper.key'])
  })

  it('does not change an existing file', async () => {
    const short = randomBytes(5)
    const path = await keyFile('short', short)
    expect(await mintKeyFile(path)).toBe(false)
    expect(await readFile(path)).toEqual(short)
  })

  it('names the path that could not be created', async () => {
    const path = join(await keyFile('not-a-directory'), 'pepper.key')
    await expect(mintKeyFile(path)).rejects.toMatchObject({ code: 'pepper_unavailable' })
    const directory = join(home, 'is-a-directory')
    await mkdir(directory)
    expect(await mintKeyFile(directory)).toBe(false)
  })
})
