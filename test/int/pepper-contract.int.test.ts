import { randomBytes } from 'node:crypto'
import { chmod, mkdir, mkdtemp, rm, unlink, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { EnvKeyPepper } from '../../src/pepper/env-key.js'
import { KeyFilePepper } from '../../src/pepper/key-file.js'
import { openPepperSource, openPepperVault } from '../../src/pepper/open-pepper.js'
import { KvAdmin } from '../support/kv2-admin.js'
import { CA_FILE, Kv2Server } from '../support/kv2-server.js'
import { DOMAIN, pepperContract, vaultContract } from '../support/pepper-contract.js'

pepperContract('a key file', ['gone', '31 bytes', '33 bytes', 'open to others', 'a directory'], async () => {
  const dir = await mkdtemp(join(tmpdir(), 'audit-pepper-'))
  const path = join(dir, 'key')
  const write = async (bytes: Uint8Array, mode = 0o600) => {
    await rm(path, { recursive: true, force: true })
    await writeFile(path, bytes, { mode })
    await chmod(path, mode)
  }
  return {
    pepper: new KeyFilePepper(path),
    secrets: ['PPPPPPPP'],
    renew: () => write(randomBytes(32)),
    damages: {
      gone: () => unlink(path),
      '31 bytes': () => write(Buffer.alloc(31, 'P')),
      '33 bytes': () => write(Buffer.alloc(33, 'P')),
      'open to others': () => write(Buffer.alloc(32, 'P'), 0o640),
      'a directory': async () => {
        await unlink(path)
        await mkdir(path)
      },
    },
    close: () => rm(dir, { recursive: true }),
  }
})

/** Texts that are not a spelling of a key: wrong spellings of 32 bytes 'P', and other lengths. */
const ODD_KEYS: Readonly<Record<string, string>> = {
  empty: '',
  '31 bytes in hex': '50'.repeat(31),
  '33 bytes in hex': '50'.repeat(33),
  '31 bytes in base64': Buffer.alloc(31, 'P').toString('base64'),
  '33 bytes in base64': Buffer.alloc(33, 'P').toString('base64'),
  'base64 cut short': Buffer.alloc(32, 'P').toString('base64').slice(0, -2),
  'base64 with a blank': Buffer.alloc(32, 'P').toString('base64').replace('B', ' B'),
  'base64 with loose bits': `${Buffer.alloc(32, 'P').toString('base64').slice(0, -2)}B=`,
  'raw bytes': 'P'.repeat(32),
}

pepperContract('an environment variable', ['unset', ...Object.keys(ODD_KEYS)], async () => {
  const env: Record<string, string | undefined> = {}
  const set = (text: string | undefined) => async () => {
    env.KEY = text
  }
  return {
    pepper: new EnvKeyPepper('KEY', env),
    secrets: ['50505050', 'UFBQUFBQ', 'PPPPPPPP'],
    renew: () => set(randomBytes(32).toString('base64'))(),
    damages: {
      unset: set(undefined),
      ...Object.fromEntries(Object.entries(ODD_KEYS).map(([name, text]) => [name, set(text)])),
    },
  }
})

const SECRET = Buffer.alloc(32, 'P').toString('base64')
/** Values of the field `pepper` that are not a pepper. */
const ODD_FIELDS: Readonly<Record<string, Record<string, unknown>>> = {
  'no field': { Pepper: SECRET },
  null: { pepper: null },
  'a number': { pepper: 5_050_505_050 },
  'an object': { pepper: { pepper: SECRET } },
  'an empty text': { pepper: '' },
  '31 bytes': { pepper: Buffer.alloc(31, 'P').toString('base64') },
  '33 bytes': { pepper: Buffer.alloc(33, 'P').toString('base64') },
  hex: { pepper: '50'.repeat(32) },
  base64url: { pepper: SECRET.slice(0, -1) },
  'a newline at the end': { pepper: `${SECRET}\n` },
}

const GONE = ['deleted', 'destroyed', 'never there']

function kvDamages(admin: KvAdmin) {
  return {
    ...Object.fromEntries(
      Object.entries(ODD_FIELDS).map(([name, data]) => [
        name,
        async (domainId: string) => void (await admin.put(domainId, data)),
      ]),
    ),
    deleted: async (domainId: string) => void (await admin.delete(domainId)),
    destroyed: async (domainId: string) => {
      await admin.purge(domainId)
      await admin.putPepper(domainId, randomBytes(32))
      await admin.mark('destroy', domainId, 1)
    },
    'never there': async (domainId: string) => void (await admin.purge(domainId)),
  }
}

/** Opens a KV store at a URL as a source and as a vault. */
function kvContracts(
  name: string,
  open: () => Promise<{
    url: string
    env: Readonly<Record<string, string>>
    admin: KvAdmin
    close?: () => Promise<void>
  }>,
): void {
  pepperContract(name, [...Object.keys(ODD_FIELDS), ...GONE], async () => {
    const { url, env, admin, close } = await open()
    return {
      pepper: openPepperSource(url, env),
      secrets: ['50505050', 'UFBQUFBQ', ...Object.values(env).filter((value) => !value.endsWith('.pem'))],
      renew: async (domainId) => void (await admin.putPepper(domainId, randomBytes(32))),
      damages: kvDamages(admin),
      ...(close && { close }),
    }
  })
  vaultContract(name, async () => {
    const { url, env, admin, close } = await open()
    return {
      vault: openPepperVault(url, env),
      remove: async (domainId) => void (await admin.delete(domainId)),
      restore: async (domainId) => void (await admin.mark('undelete', domainId, 1)),
      destroy: async (domainId) => void (await admin.mark('destroy', domainId, 1)),
      ...(close && { close }),
    }
  })
}

kvContracts('KV version 2 over TLS', async () => {
  const server = await Kv2Server.start({ tls: true })
  const env = { BAO_TOKEN: server.rootToken, BAO_CACERT: CA_FILE }
  const admin = new KvAdmin(server.url(), server.rootToken, CA_FILE)
  return { url: server.url(), env, admin, close: () => server.close() }
})

/** A real OpenBao: docs/pepper.md, "Against a real OpenBao". */
const real = process.env.AUDIT_TEST_OPENBAO
if (real !== undefined) {
  const { BAO_TOKEN = '', BAO_CACERT } = process.env
  const env = { BAO_TOKEN, ...(BAO_CACERT && { BAO_CACERT }) }
  kvContracts(`the OpenBao at ${real}`, async () => ({
    url: real,
    env,
    admin: new KvAdmin(real, BAO_TOKEN, BAO_CACERT),
  }))
}

describe('32 bytes in a file and in a variable', () => {
  it.each(['hex', 'base64'] as const)('give the same key, as %s', async (encoding) => {
    const dir = await mkdtemp(join(tmpdir(), 'audit-pepper-'))
    const key = randomBytes(32)
    await writeFile(join(dir, 'key'), key, { mode: 0o600 })
    const file = openPepperSource(`file://${dir}/key`)
    const variable = openPepperSource('env:CI_KEY', { CI_KEY: `${key.toString(encoding)}\n` })
    expect(await variable.pepperOf(DOMAIN)).toEqual(await file.pepperOf(DOMAIN))
    expect(await variable.cursorKey()).toEqual(await file.cursorKey())
    await rm(dir, { recursive: true })
  })
})
