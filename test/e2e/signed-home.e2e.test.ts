import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { ensureEmbedded, stopEmbedded } from '../../src/repo/embedded/embedded.js'
import { LogSigner, PLATFORM } from '../support/log-signer.js'
import { SignedLog } from '../support/signed-log.js'
import { SignedField } from '../support/signed-site.js'

/** A home with nothing configured, whose archiver signs. */
const home = mkdtempSync(join(tmpdir(), 'signed-home-'))
let field: SignedField

beforeAll(async () => {
  const env = { AUDIT_HOME: home }
  const before = new SignedField('', home, '', '', async () => undefined, env)
  const created = JSON.parse((await before.audit('domain', 'create', '--json')).stdout)
  const { url } = await ensureEmbedded(home)
  field = new SignedField(url, home, created.domain_id, '', async () => undefined, env)
  for (let pass = 0; pass < 3; pass += 1) {
    await append(3)
    expect(await field.audit('archiver', '--once')).toMatchObject({ code: 0 })
  }
  await append(2)
})

afterAll(async () => {
  await stopEmbedded(home)
  rmSync(home, { recursive: true, force: true })
})

async function append(rows: number): Promise<void> {
  for (let row = 0; row < rows; row += 1)
    await field.audit(
      'append',
      '--domain',
      field.a,
      '--subject',
      'alice',
      '--relation',
      'order.read',
      '--object',
      `order:${row}`,
    )
}

const SOURCES = ['postgres', 'both', 'mirror'] as const
const verify = (source: string, ...args: readonly string[]) =>
  field.verify('--domain', field.a, '--no-quarantine', '--source', source, ...args)

/** Runs a check under an attack, and puts the rows back. */
async function attacked(attack: () => Promise<void>, check: () => Promise<void>): Promise<void> {
  const rows = await field.rows(field.a)
  await attack()
  try {
    await check()
  } finally {
    await field.write(rows, ['postgres'])
  }
}

it('finds nothing, and takes its key from log.vkey', async () => {
  for (const source of SOURCES) expect([source, ...(await verify(source))]).toEqual([source, 0, ''])
  expect(await field.verify('--all', '--source', 'both')).toEqual([0, ''])
  const { stdout } = await field.audit('verify', '--json', '--domain', field.a)
  expect(JSON.parse(stdout).signed).toMatchObject({ through_seq: 10, by: 'home', rows_beyond: 2 })
})

it('finds a suffix that was rewritten after it was signed', async () => {
  await attacked(
    () => field.rewrite(field.a, 6, ['postgres']),
    async () => {
      expect(await verify('postgres')).toEqual([1, 'checkpoint_mismatch 5-7'])
      expect(await verify('both')).toEqual([1, 'checkpoint_mismatch 5-7, copies_differ 6-10'])
      expect(await verify('mirror')).toEqual([0, ''])
      expect((await field.audit('archiver', '--once')).code).toBe(1)
    },
  )
})

it('counts no key and no head that a writer forged', async () => {
  const thief = new LogSigner(
    readFileSync(join(home, 'log.vkey'), 'utf8').split('/706c')[0] ?? '',
    new Uint8Array(32).fill(9),
  )
  const log = await SignedLog.open({ url: field.url })
  const chain = { domainId: field.a, incarnation: 1 }
  await log.append(thief.keyRow([PLATFORM, chain]))
  await log.append(thief.headRow([{ ...chain, size: 8, root: 'a'.repeat(64), entryHash: 'b'.repeat(64) }]))
  await log.close()
  const verified = await field.audit('verify', '--domain', field.a)
  expect([verified.code, verified.stderr]).toEqual([
    0,
    "note: 1 row of relation audit.log-key is not the log's own\nnote: 1 row of relation audit.checkpoint is not the log's own\n",
  ])
})

it('finds a tail that was cut together with its head', async () => {
  await field.cut(field.a, 8, ['postgres'])
  expect(await verify('postgres')).toEqual([1, 'checkpoint_rollback 9-10'])
  expect(await verify('both')).toEqual([1, 'row_missing 9-10'])
  expect(await verify('mirror')).toEqual([0, ''])
})
