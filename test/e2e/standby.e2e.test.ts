import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { CliDatabase } from '../support/append-process.js'
import { jsonLines } from '../support/cli.js'
import { asSuperuser, type TestCluster, testCluster } from '../support/postgres.js'

/** A primary with an archive, and a standby that ends before the last rows: chain `a` at row 3 of 5, without `later`. */
const dir = mkdtempSync(join(tmpdir(), 'standby-'))
const mirror = pathToFileURL(join(dir, 'mirror')).href
const pins = join(dir, 'pins')
const earlyPins = join(dir, 'early-pins')
let primary: TestCluster
let standby: TestCluster
let cli: CliDatabase
let ids: { a: string; edited: string; later: string }

async function run(...args: string[]): Promise<string> {
  const { code, stdout, stderr } = await cli.run(...args)
  expect([code, stderr]).toEqual([0, ''])
  return stdout
}

async function append(domainId: string, rows: number): Promise<void> {
  const line = JSON.stringify({
    domain_id: domainId,
    subject_id: 'service:a',
    relation: 'a.b',
    object: 'c:d',
  })
  const { code } = await cli.runWith(`${line}\n`.repeat(rows), 'append', '--stdin')
  expect(code).toBe(0)
}

beforeAll(async () => {
  primary = await testCluster()
  cli = new CliDatabase(primary.url)
  await run('db', 'migrate')
  ids = { a: await cli.create(), edited: await cli.create(), later: '' }
  for (const id of [ids.a, ids.edited]) await append(id, 2)
  writeFileSync(earlyPins, await run('verify', '--all', '--json'))
  await asSuperuser(
    primary.url,
    `UPDATE audit_log_entry SET relation = 'x' WHERE domain_id = '${ids.edited}' AND seq = 2`,
  )
  standby = await primary.standby()
  await asSuperuser(
    primary.url,
    `UPDATE audit_log_entry SET relation = 'a.b' WHERE domain_id = '${ids.edited}' AND seq = 2`,
  )
  ids.later = await cli.create()
  for (const id of [ids.a, ids.edited, ids.later]) await append(id, 2)
  await cli.run('archiver', '--once', '--mirror', mirror, '--init-mirror')
  writeFileSync(pins, await run('verify', '--all', '--json'))
})

afterAll(async () => {
  await standby.stop('immediate')
  await primary.stop('immediate')
  cli.remove()
  rmSync(dir, { recursive: true, force: true })
})

interface Case {
  readonly name: string
  readonly words: () => readonly string[]
  readonly exit: number
  /** The codes of the errors on stderr, in order. */
  readonly errors?: readonly string[]
}

const A = () => ['--domain', ids.a]
const BOTH = () => ['--source', 'both', '--mirror', mirror]

const CASES: readonly Case[] = [
  { name: 'a chain up to the end of the standby', words: A, exit: 0 },
  { name: 'a segment up to the end of the standby', words: () => [...A(), '--to-seq', '3'], exit: 0 },
  {
    name: 'a segment beyond the end of the standby',
    words: () => [...A(), '--from-seq', '2', '--to-seq', '4'],
    exit: 3,
    errors: ['standby_behind'],
  },
  {
    name: 'a chain with a pin from before',
    words: () => [...A(), '--expect-heads', earlyPins],
    exit: 0,
  },
  {
    name: 'a chain with a pin of the primary',
    words: () => [...A(), ...BOTH(), '--expect-heads', pins],
    exit: 3,
    errors: ['standby_behind'],
  },
  {
    name: 'a chain whose archive goes on',
    words: () => [...A(), ...BOTH()],
    exit: 3,
    errors: ['standby_behind'],
  },
  {
    name: 'an edited chain whose archive goes on',
    words: () => ['--domain', ids.edited, ...BOTH()],
    exit: 1,
    errors: ['standby_behind'],
  },
]

describe('a command that writes, on a standby', () => {
  it.each([
    ['db', 'migrate'],
    ['db', 'migrate', '--down'],
    ['domain', 'create'],
    ['identify', '--subject-id', 'service:a', '--reason', 'x', '--domain'],
  ])('ends with 3, and names the primary: %s %s', async (...words) => {
    const chain = words.at(-1) === '--domain' ? [ids.a] : []
    const { code, stderr } = await cli.run(...words, ...chain, '--json', '--database-url', standby.url)
    const [{ error } = {}] = jsonLines(stderr) as { error?: { code: string; hint?: string } }[]
    expect([code, error]).toEqual([
      3,
      expect.objectContaining({
        code: 'database_read_only',
        hint: expect.stringContaining('need a primary'),
      }),
    ])
  })
})

describe('verify of a standby that lags', () => {
  it.each(CASES)('ends with $exit for $name', async ({ words, exit, errors = [] }) => {
    const args = ['verify', ...words(), '--json', '--no-quarantine', '--database-url', standby.url]
    const { code, stderr } = await cli.run(...args)
    const codes = jsonLines(stderr).map((line) => (line as { error: { code: string } }).error.code)
    expect([code, codes]).toEqual([exit, errors])
  })

  it('says that a chain which only the pins name may be one of those rows', async () => {
    const args = ['verify', '--all', '--expect-heads', pins, '--json', '--no-quarantine']
    const { code, stdout, stderr } = await cli.run(...args, '--database-url', standby.url)
    const diverged = jsonLines(stdout).flatMap((line) => {
      const { ok, domain_id } = line as { ok: boolean; domain_id?: string }
      return ok || domain_id === undefined ? [] : [domain_id]
    })
    expect([code, diverged]).toEqual([1, [ids.edited]])
    expect(stderr).toContain(`chain ${ids.later} has row 3 elsewhere, and ends with row 0 on this server`)
  })

  it('judges the primary as before', async () => {
    const { code, stderr } = await cli.run('verify', '--all', ...BOTH(), '--expect-heads', pins, '--json')
    expect([code, stderr]).toEqual([0, ''])
  })
})
