import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { PLATFORM_ANCHOR } from '../../src/chain/uuid.js'
import { Context } from '../../src/compose/context.js'
import type { SigningDeps } from '../../src/compose/sign/signer-deps.js'
import { Signing } from '../../src/compose/sign/signing.js'
import { NEVER } from '../support/archive-fixture.js'
import { KEY_FILE, LOG_NAME, SigningFixture } from '../support/signing-fixture.js'

let log: SigningFixture
beforeAll(async () => {
  log = await SigningFixture.make()
  await log.domain(1)
  await log.signer().once()
  await writeFile(at('log.key'), KEY_FILE, { mode: 0o600 })
  await writeFile(at('other.key'), new Uint8Array(32).fill(9), { mode: 0o600 })
  await writeFile(at('wide.key'), KEY_FILE, { mode: 0o644 })
})
afterAll(() => log.drop())

const at = (...names: string[]) => join(log.log.dir, ...names)

describe('a signer without a key that it may use', () => {
  it.each([
    ['missing.key', LOG_NAME, 'no_key', 'log_key_unavailable'],
    ['wide.key', LOG_NAME, 'no_key', 'log_key_unavailable'],
    ['other.key', LOG_NAME, 'key_mismatch', undefined],
    ['log.key', 'audit.example.net', 'key_mismatch', 'log_name_conflict'],
  ])('alerts once for the platform chain: %s, %s', async (file, logName, reason, code) => {
    const logKey = pathToFileURL(at(file)).href
    const context = new Context({ databaseUrl: log.url, home: at('home'), logKey, logName }, NEVER)
    const raised: unknown[] = []
    const alerts = { notSigned: (alert: { since: number }) => raised.push({ ...alert, since: 0 }) }
    const signing = new Signing(context, { alerts } as unknown as SigningDeps, {
      begins: code === undefined ? 'asked' : 'home',
    })
    for (let pass = 0; pass < 2; pass += 1)
      await expect(signing.pass({}, NEVER)).rejects.toMatchObject({ code: code ?? 'key_mismatch' })
    expect(raised).toEqual([{ domainId: PLATFORM_ANCHOR, reason, since: 0 }])
    await context.close()
  })
})
