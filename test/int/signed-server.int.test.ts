import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { Context } from '../../src/compose/context.js'
import { openServerHeads } from '../../src/compose/read/heads.js'
import { openProbe } from '../../src/compose/reconcile.js'
import { Database } from '../../src/repo/session/database.js'
import { PostgresSource } from '../../src/repo/verify/postgres-source.js'
import { cachedHeads } from '../../src/verify/signed/cached-heads.js'
import type { HeadReader } from '../../src/verify/signed/head-reader.js'
import { A, rewritten } from '../support/attacks/chains.js'
import { moveHead, put, remove } from '../support/attacks/statements.js'
import { HttpFixture } from '../support/http-fixture.js'
import { asSuperuser } from '../support/postgres.js'
import { SignedField } from '../support/signed-field.js'

const NEVER = new AbortController().signal
const SETTINGS = { every: 50, fullEvery: 3_600_000, concurrency: 2, patience: 10_000 }
const LOG = { info: () => undefined, error: () => undefined }
const dir = mkdtempSync(join(tmpdir(), 'signed-server-'))
const SUFFIX = rewritten(4, { relation: 'x' })
const REWRITE = SUFFIX.map(put).join('') + moveHead(8, SUFFIX.at(-1)?.entryHash ?? '')
// Row 6 of the chain that was rewritten.
const CUT = remove('seq > 6') + moveHead(6, SUFFIX[2]?.entryHash ?? '')
let signed: SignedField

beforeAll(async () => {
  signed = await SignedField.make()
  writeFileSync(join(dir, 'policy'), signed.log.policy)
}, 60_000)
afterAll(async () => {
  await signed.drop()
  rmSync(dir, { recursive: true })
})

const contextOf = (policy?: string) =>
  new Context({ databaseUrl: signed.field.url, home: join(dir, 'home'), policy }, NEVER)

/** Runs a server's probe until it has a state other than `pending`. */
async function probed(context: Context): Promise<string> {
  const probe = await openProbe(context, SETTINGS, LOG)
  probe.start()
  try {
    for (let left = 200; left > 0 && probe.state() === 'pending'; left -= 1) await sleep(25)
    return probe.state()
  } finally {
    await probe.close()
    await context.close()
  }
}

interface Asked {
  readonly status: number
  readonly body: unknown
  /** The codes of the findings that were reported to the probe. */
  readonly codes: readonly string[]
}

/** Asks a server to verify a chain. */
async function asked(context: Context): Promise<Asked> {
  const database = new Database(signed.field.url)
  const { ofRequest: headsOf } = await openServerHeads(context, database)
  const fixture = await HttpFixture.make({ deps: { source: new PostgresSource(database), headsOf } })
  try {
    fixture.access.grant('auditor', 'auditor', `domain:${A}`)
    const answer = await fixture.ask('POST', fixture.path('verify', A), {})
    const codes = fixture.reported.flatMap(([, findings]) => findings.map((one) => one.code))
    return { status: answer.statusCode, body: answer.json(), codes }
  } finally {
    await fixture.close()
    await database.close()
    await context.close()
  }
}

it('is ready, and answers as ever, where the rows are those that were signed', async () => {
  expect(await probed(contextOf(join(dir, 'policy')))).toBe('ready')
  const { status, body } = await asked(contextOf(join(dir, 'policy')))
  expect([status, body]).toEqual([200, { ok: true, segment_from: 1, segment_to: 8 }])
})

it('refuses a policy that it cannot read', async () => {
  writeFileSync(join(dir, 'bad'), 'no policy\n')
  await expect(probed(contextOf(join(dir, 'bad')))).rejects.toMatchObject({ code: 'policy_invalid' })
  await expect(asked(contextOf(join(dir, 'absent')))).rejects.toMatchObject({ code: 'file_unreadable' })
})

it('reads the heads of all chains again after a while, and after an error', async () => {
  let [opened, clock, fails] = [0, 0, true]
  const reader = { of: async () => ({}) } as unknown as HeadReader
  const open = async () => {
    opened += 1
    if (fails) throw new Error('no')
    return reader
  }
  const headsOf = cachedHeads(open, 100, () => clock)
  await expect(headsOf('a', NEVER)).rejects.toThrow('no')
  fails = false
  for (const at of [0, 99, 100, 199]) {
    clock = at
    await headsOf('a', NEVER)
  }
  expect(opened).toBe(3)
})

// The last ones, because they damage the database.
it.each<readonly [string, string, string]>([
  ['were rewritten', REWRITE, 'checkpoint_mismatch'],
  ['were cut off', CUT, 'checkpoint_rollback'],
])(
  'diverges where rows that were signed %s, by the policy and not by the log itself',
  async (_name, attack, code) => {
    await asSuperuser(signed.field.url, attack)
    const { body, codes: found } = await asked(contextOf(join(dir, 'policy')))
    expect(body).toMatchObject({ ok: false })
    expect(found).toEqual([code])
    expect(await asked(contextOf())).toMatchObject({ body: { ok: true }, codes: [] })
    expect(await probed(contextOf(join(dir, 'policy')))).toBe('diverged')
  },
)
