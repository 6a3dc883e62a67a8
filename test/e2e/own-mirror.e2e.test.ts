import { cpSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { PLATFORM_ANCHOR } from '../../src/chain/uuid.js'
import { CliDatabase } from '../support/append-process.js'
import { jsonLines, runCli } from '../support/cli.js'
import { rowsOf, type TestDatabase, testDatabase } from '../support/postgres.js'

const root = mkdtempSync(join(tmpdir(), 'own-mirror-'))
const urlOf = (name: string) => pathToFileURL(join(root, name)).href
let database: TestDatabase
let cli: CliDatabase
/** A Domain in the default mirror, and one in its own. */
let ordinary: string
let resident: string

beforeAll(async () => {
  database = await testDatabase()
  cli = new CliDatabase(database.url)
  ordinary = await cli.create()
  const { stdout } = await cli.run('domain', 'create', '--mirror', urlOf('own'), '--json')
  resident = String(JSON.parse(stdout).domain_id)
  for (const id of [ordinary, resident]) {
    const line = ['--subject', 'a', '--relation', 'r', '--object', 'o:1']
    expect(await cli.run('append', '--domain', id, ...line)).toMatchObject({ code: 0 })
  }
  expect(await cli.run('archiver', '--once', '--mirror', urlOf('default'))).toMatchObject({ code: 0 })
})

afterAll(async () => {
  cli.remove()
  await database.drop()
  rmSync(root, { recursive: true, force: true })
})

/** Returns the verdict of each chain of a `verify --all`, or its error. */
async function verifyAll(source: string, mirror: string, ...more: string[]) {
  const words = ['verify', '--all', '--source', source, '--mirror', urlOf(mirror), '--json', ...more]
  const env = source === 'both' ? cli.env : { AUDIT_HOME: '/nonexistent/home' }
  const { code, stdout, stderr } = await runCli(words, { env })
  const results = jsonLines(stdout).filter((line) => !('summary' in (line as object))) as Result[]
  const said = results.map(({ domain_id, findings }) => [domain_id, ...findings.map((found) => found.code)])
  return { code, said, stderr }
}

interface Result {
  readonly domain_id: string
  readonly findings: readonly { readonly code: string }[]
}

const sorted = (...ids: string[]) => ids.sort().map((id) => [id])

describe('a Domain with a mirror of its own', () => {
  it('is recorded on the two rows that create it, and on no other row', async () => {
    const rows = await rowsOf(
      database.url,
      `SELECT domain_id::text AS chain, object, relation_path FROM audit_log_entry WHERE relation_path <> '{}' ORDER BY domain_id`,
    )
    const row = { object: `domain:${resident}`, relation_path: [`mirror:${urlOf('own')}`] }
    const expected = [resident, PLATFORM_ANCHOR].sort().map((chain) => ({ chain, ...row }))
    expect(rows).toEqual(expected)
  })

  it('is not missing from the default mirror, nor is the platform chain from its own', async () => {
    const ofDefault = await verifyAll('mirror', 'default')
    const note = `note: Domain ${resident} is not in this mirror and was not verified: its own mirror is ${urlOf('own')}\n`
    expect(ofDefault).toEqual({ code: 0, said: sorted(ordinary, PLATFORM_ANCHOR), stderr: note })
    expect(await verifyAll('mirror', 'own')).toEqual({ code: 0, said: [[resident]], stderr: '' })
  })

  it('is an error, not a finding, when it is pinned in another mirror', async () => {
    const { stdout } = await cli.run('verify', '--all', '--json')
    const heads = join(root, 'heads.ndjson')
    writeFileSync(heads, stdout)
    const verdict = await verifyAll('mirror', 'default', '--expect-heads', heads)
    expect(verdict).toMatchObject({ code: 4, said: sorted(ordinary, PLATFORM_ANCHOR) })
    expect(verdict.stderr).toContain(`Domain ${resident} is pinned and is not in this mirror`)
    expect(await verifyAll('both', 'default', '--expect-heads', heads)).toMatchObject({ code: 0 })
  })

  it('is verified against its own mirror, next to the others', async () => {
    const both = await verifyAll('both', 'default')
    expect(both).toEqual({ code: 0, said: sorted(ordinary, resident, PLATFORM_ANCHOR), stderr: '' })
  })

  it('does not hide an ordinary Domain or a platform chain that is missing', async () => {
    for (const [name, gone] of [
      ['without the ordinary one', ordinary],
      ['without the platform chain', PLATFORM_ANCHOR],
    ] as const) {
      cpSync(join(root, 'default'), join(root, name), { recursive: true })
      rmSync(join(root, name, 'audit', gone), { recursive: true })
      const { code, said } = await verifyAll('mirror', name)
      expect([code, said]).toEqual([
        1,
        [ordinary, PLATFORM_ANCHOR].sort().map((id) => (id === gone ? [id, 'chain_missing'] : [id])),
      ])
    }
  })

  it.each([
    ['none', 'elsewhere'],
    ['one with credentials', 's3://key:secret@bucket/prefix'],
    ['one that no row can hold', `file:///${'x'.repeat(498)}`],
  ])('cannot have a URL that is %s', async (_what, url) => {
    const { code, stdout, stderr } = await cli.run('domain', 'create', '--mirror', url, '--json')
    expect([code, stdout]).toEqual([2, ''])
    expect(JSON.parse(stderr)).toMatchObject({ error: { code: 'usage' } })
    expect(stderr).not.toContain('secret')
    const domains = await rowsOf(database.url, 'SELECT count(*)::int AS domains FROM audit_domain')
    expect(domains).toEqual([{ domains: 2 }])
  })

  it('can have the longest URL that a row can hold', async () => {
    const url = `file:///${'x'.repeat(497)}`
    expect(await cli.run('domain', 'create', '--mirror', url, '--json')).toMatchObject({ code: 0 })
  })
})
