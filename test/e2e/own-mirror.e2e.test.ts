import { cpSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
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
/** The file that says where the mirror of `resident` is. */
let map: string

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
  map = join(root, 'mirrors')
  writeFileSync(map, `# the mirrors of this installation\n\n${resident} ${urlOf('own')}\n`)
  const archived = await cli.run(
    'archiver',
    '--once',
    '--init-mirror',
    '--mirror',
    urlOf('default'),
    '--mirror-map',
    map,
  )
  expect(archived).toMatchObject({ code: 0 })
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

  it('is named in a report on the default mirror as not checked', async () => {
    const output = join(root, 'report.html')
    const words = ['report', '--all', '--source', 'mirror', '--mirror', urlOf('default'), '--output', output]
    expect(await runCli(words, { env: { AUDIT_HOME: '/nonexistent/home' } })).toMatchObject({ code: 0 })
    const page = readFileSync(output, 'utf8')
    expect(page).toContain('2 of 2 chains are intact, 1 in other mirrors was not checked.')
    expect(page).toContain(`${resident} was not checked: it is in another mirror, ${urlOf('own')}.`)
  })

  it('is an error, not a finding, when it is pinned in another mirror', async () => {
    const { stdout } = await cli.run('verify', '--all', '--json')
    const heads = join(root, 'heads.ndjson')
    writeFileSync(heads, stdout)
    const verdict = await verifyAll('mirror', 'default', '--expect-heads', heads)
    expect(verdict).toMatchObject({ code: 4, said: sorted(ordinary, PLATFORM_ANCHOR) })
    expect(verdict.stderr).toContain(`Domain ${resident} is pinned and is not in this mirror`)
    const both = await verifyAll('both', 'default', '--expect-heads', heads, '--mirror-map', map)
    expect(both).toMatchObject({ code: 0 })
  })

  it.each(['both', 'mirror'])(
    'is verified against the mirror of its line, next to the others: %s',
    async (source) => {
      const verdict = await verifyAll(source, 'default', '--mirror-map', map)
      expect(verdict).toEqual({ code: 0, said: sorted(ordinary, resident, PLATFORM_ANCHOR), stderr: '' })
    },
  )

  it('is judged in PostgreSQL alone without a line, and the run ends with 3 and the line to add', async () => {
    const { code, said, stderr } = await verifyAll('both', 'default')
    expect([code, said]).toEqual([3, sorted(ordinary, PLATFORM_ANCHOR)])
    expect(JSON.parse(stderr)).toMatchObject({ error: { code: 'mirror_not_mapped' } })
    expect(JSON.parse(stderr).error.hint).toMatch(new RegExp(`: ${resident} ${urlOf('own')}$`))
  })

  it('does not hide an ordinary Domain or a platform chain that is missing', async () => {
    const without = (name: string, gone: string) => {
      cpSync(join(root, 'default'), join(root, name), { recursive: true })
      rmSync(join(root, name, 'audit', gone), { recursive: true })
      return verifyAll('mirror', name)
    }
    const missing = await without('without the ordinary one', ordinary)
    const said = [[ordinary, 'chain_missing'], [PLATFORM_ANCHOR]].sort()
    expect([missing.code, missing.said]).toEqual([1, said])
    const headless = await without('without the platform chain', PLATFORM_ANCHOR)
    expect([headless.code, headless.said]).toEqual([3, [[ordinary]]])
    expect(JSON.parse(headless.stderr)).toMatchObject({ error: { code: 'platform_chain_absent' } })
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
