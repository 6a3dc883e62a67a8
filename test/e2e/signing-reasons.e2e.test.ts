import { existsSync } from 'node:fs'
import { rename, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { PLATFORM_ANCHOR } from '../../src/chain/uuid.js'
import { NOT_SIGNED } from '../../src/signer/reasons.js'
import { unstampSql } from '../support/archive-stamps.js'
import { jsonLines, runCli } from '../support/cli.js'
import { LogSigner } from '../support/log-signer.js'
import { asSuperuser } from '../support/postgres.js'
import { KEY_FILE, LOG_NAME, SigningFixture } from '../support/signing-fixture.js'
import { hex, sha256 } from '../support/tlog-vectors.js'

let log: SigningFixture
/** Domains of 6 archived rows, of which 3 are signed. */
let prepared: string[] = []

const at = (...names: string[]) => join(log.log.dir, ...names)
const sql = (text: string) => asSuperuser(log.url, text)

function envOf(more: Readonly<Record<string, string>> = {}): Record<string, string> {
  return {
    AUDIT_DATABASE_URL: log.url,
    AUDIT_MIRROR_URL: log.log.mirrorUrl,
    AUDIT_HOME: at('home'),
    AUDIT_LOG_KEY: pathToFileURL(at('log.key')).href,
    AUDIT_LOG_NAME: LOG_NAME,
    ...more,
  }
}

const audit = (args: readonly string[], more?: Readonly<Record<string, string>>) =>
  runCli([...args, '--json'], { env: envOf(more) })

beforeAll(async () => {
  log = await SigningFixture.make()
  await writeFile(at('log.key'), KEY_FILE, { mode: 0o600 })
  await writeFile(at('other.key'), new Uint8Array(32).fill(9), { mode: 0o600 })
  prepared = await Promise.all(Array.from({ length: 8 }, () => log.domain(3)))
  const { archiver } = log.signer()
  await archiver.once()
  expect(await audit(['log', 'init'])).toMatchObject({ code: 0, stderr: '' })
  await Promise.all(prepared.map((domainId) => log.append(domainId, 3)))
  await archiver.once()
})
afterAll(() => log.drop())

function begun(): string {
  const domainId = prepared.pop()
  if (domainId === undefined) throw new Error('prepare more Domains')
  return domainId
}

const edit = (domainId: string, seq: number) =>
  sql(`UPDATE audit_log_entry SET object = 'project:forged' WHERE domain_id = '${domainId}' AND seq = ${seq}`)

const object = (domainId: string, seq: number) => log.log.pathOf(domainId, seq)

const stateFolder = (domainId: string) =>
  at('home', 'signer', hex(sha256(new TextEncoder().encode(`${LOG_NAME}/${domainId}`))))

/** Signs another tree of the size of the signed head, as a clone of the log with the same key would. */
async function signAnother(domainId: string): Promise<void> {
  const { key, sign } = new LogSigner(LOG_NAME, KEY_FILE).keyOf({ domainId, incarnation: 1 })
  const root = Buffer.alloc(32, 9)
  const body = `${key.name}\n3\n${root.toString('base64')}\n`
  const line = Buffer.concat([Buffer.from(key.id, 'hex'), sign(Buffer.from(body))]).toString('base64')
  await sql(`UPDATE audit_checkpoint SET root = decode('${root.toString('hex')}', 'hex'),
    note = '${body}\n— ${key.name} ${line}\n' WHERE domain_id = '${domainId}'`)
}

interface Case {
  readonly reason: keyof typeof NOT_SIGNED
  readonly make: (domainId: string) => Promise<unknown>
  /** A word of the next command. */
  readonly next: string
  /** The code of the error on stderr; absent where nothing failed. */
  readonly error?: string
}

const CASES: readonly Case[] = [
  {
    reason: 'rows_held',
    make: (id) => sql(unstampSql(`domain_id = '${id}' AND seq = 5`)),
    next: 'audit quarantine list --all',
  },
  { reason: 'findings', make: (id) => edit(id, 5), next: '--source both' },
  { reason: 'copies_differ', make: (id) => rename(object(id, 5), object(id, 6)), next: '--source both' },
  {
    reason: 'rolled_back',
    make: (id) =>
      sql(`DELETE FROM audit_log_entry WHERE domain_id = '${id}' AND seq > 2;
        UPDATE audit_log_chain_head SET next_seq = 3, head_hash = (SELECT entry_hash FROM audit_log_entry
          WHERE domain_id = '${id}' AND seq = 2) WHERE domain_id = '${id}'`),
    next: 'audit verify --domain',
  },
  { reason: 'conflict', make: signAnother, next: 'docs/signing.md' },
  {
    reason: 'object_missing',
    make: (id) => rm(object(id, 6)),
    next: 'audit archive backfill --domain',
    error: 'mirror_mismatch',
  },
  {
    reason: 'state_missing',
    make: async (id) => {
      await rm(stateFolder(id), { recursive: true })
      await rm(object(id, 3))
    },
    next: 'docs/signing.md',
    error: 'signer_state_missing',
  },
  {
    reason: 'restoring',
    make: (id) =>
      sql(`INSERT INTO audit_restore (domain_id, mirror_url) VALUES ('${id}', 'file:///m');
        DELETE FROM audit_log_chain_head WHERE domain_id = '${id}'`),
    next: 'audit archive restore --domain',
  },
]

describe('a chain that is not signed has a reason and a next command', () => {
  it.each(CASES)('$reason', async ({ reason, make, next, error }) => {
    const domainId = begun()
    await make(domainId)
    const { code, stdout, stderr } = await audit(['checkpoint', 'create', '--domain', domainId])
    const lines = jsonLines(stdout) as Record<string, unknown>[]
    const chain = lines.find(({ domain_id: id }) => id === domainId)
    expect([reason, chain?.not_signed_reason, code]).toEqual([reason, reason, NOT_SIGNED[reason]])
    expect(stderr).toContain(next)
    if (error !== undefined) expect(stderr).toContain(`{"error":{"code":"${error}"`)
    expect(lines.at(-1)).toMatchObject({ summary: { not_signed: 1 } })
  })
})

describe('a log that was never signed, with a key row that a writer forged', () => {
  let forged: SigningFixture
  let domainId = ''
  beforeAll(async () => {
    forged = await SigningFixture.make()
    domainId = await forged.domain(2)
    const { archiver, deps } = forged.signer()
    const row = new LogSigner('forged', Buffer.alloc(32, 1)).keyRow([
      { domainId: PLATFORM_ANCHOR, incarnation: 1 },
    ])
    await deps.store.append([{ row, heads: [] }])
    await archiver.once()
  })
  afterAll(() => forged.drop())

  it('begins only with log init --confirm, and then the home has its own key', async () => {
    const more = {
      AUDIT_DATABASE_URL: forged.url,
      AUDIT_MIRROR_URL: forged.log.mirrorUrl,
      AUDIT_HOME: join(forged.log.dir, 'home'),
    }
    const once = await audit(['archiver', '--once'], more)
    expect([once.code, once.stderr.includes('not_initialised')]).toEqual([0, true])
    const init = await audit(['log', 'init'], more)
    expect([init.code, JSON.parse(init.stderr).error]).toMatchObject([
      2,
      { code: 'key_mismatch', hint: expect.stringContaining('audit log init --confirm') },
    ])
    expect(existsSync(join(forged.log.dir, 'home', 'log.vkey'))).toBe(false)
    expect(await audit(['log', 'init', '--confirm'], more)).toMatchObject({ code: 0, stderr: '' })
    // The next row with heads also names that of the platform chain.
    await forged.append(domainId, 1)
    expect((await audit(['archiver', '--once'], more)).code).toBe(0)
    const verified = await audit(['verify', '--all', '--require', 'signed'], more)
    expect([verified.code, jsonLines(verified.stdout).at(-1)]).toMatchObject([
      0,
      { summary: { chains: 2, unproven: 0, findings: 0 } },
    ])
  })
})
