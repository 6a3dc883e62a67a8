import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest'

const BAD = '0190a8b8-a0c0-7a0a-8a0a-a0a0a0a0a0a2'
const DOMAIN = '0190a8b8-a0c0-7a0a-8a0a-a0a0a0a0a0a1'
const KEY = Buffer.alloc(32, 7)

/** The buffers that were given to a derivation, and their bytes at that time. */
const given: { key: Uint8Array; bytes: Buffer }[] = []

// Only a derivation sees the buffer of the key, and the real one never throws for a checked Domain.
vi.mock(import('../../src/pepper/derive.js'), async (original) => {
  const real = await original()
  return {
    ...real,
    derivePepper: (key, domainId) => {
      given.push({ key, bytes: Buffer.from(key) })
      if (domainId === BAD) throw new Error('a derivation that throws')
      return real.derivePepper(key, domainId)
    },
  }
})

let home = ''
beforeAll(async () => {
  home = await mkdtemp(join(tmpdir(), 'audit-key-wipe-'))
})
afterAll(() => rm(home, { recursive: true, force: true }))

describe('the bytes of a key file', () => {
  it('are wiped after a derivation that throws, which rejects its own call only', async () => {
    const { KeyFilePepper } = await import('../../src/pepper/key-file.js')
    const path = join(home, 'pepper.key')
    await writeFile(path, KEY, { mode: 0o600 })
    const pepper = new KeyFilePepper(path)
    const calls = [DOMAIN, BAD, DOMAIN].map((domainId) => pepper.pepperOf(domainId))
    const settled = await Promise.allSettled(calls)
    expect(settled.map(({ status }) => status)).toEqual(['fulfilled', 'rejected', 'fulfilled'])
    expect(given.map(({ bytes }) => bytes)).toEqual([KEY, KEY, KEY])
    for (const { key } of given) expect(Buffer.from(key)).toEqual(Buffer.alloc(32))
  })
})
