import { once } from 'node:events'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { AuditEntry } from '../../src/json/entry.js'
import { chainRows, insertDomain, insertRows, T0 } from '../support/chain-rows.js'
import { finished, jsonLines, runCli, spawnCli } from '../support/cli.js'
import { asSuperuser } from '../support/postgres.js'
import { ALICE, CHAIN, LENGTH, ReadCopies } from '../support/read-copies.js'

const OTHER = '018f0000-0000-7000-8000-000000000001'
const HOSTILE = '\u001b[31m\u202e=cmd()\n'

let copies: ReadCopies
let bundle: string
let env: Record<string, string>

beforeAll(async () => {
  copies = await ReadCopies.make()
  bundle = await copies.bundle()
  await insertDomain(copies.database.url, OTHER, [
    { recordedAt: T0 },
    { recordedAt: T0 + 2_500_000n, relation: HOSTILE, object: 'project:-1', reason: 'out_of_scope' },
  ])
  env = { AUDIT_DATABASE_URL: copies.database.url, ...copies.site.env }
}, 300_000)

afterAll(() => copies.drop())

const audit = (...args: readonly string[]) => runCli(args, { env })

const DOMAIN = ['--domain', CHAIN]

/** The flags that choose each copy of one chain. */
const SOURCES: readonly (readonly [string, () => readonly string[]])[] = [
  ['PostgreSQL', () => DOMAIN],
  ['a directory', () => [...DOMAIN, '--source', 'mirror', '--mirror', copies.directoryUrl]],
  ['a bucket', () => [...DOMAIN, '--source', 'mirror', '--mirror', copies.bucketUrl]],
  ['a bundle', () => [bundle]],
]

async function entries(...args: readonly string[]): Promise<AuditEntry[]> {
  const { stdout, code, stderr } = await audit('list', '--json', ...args)
  expect({ code, stderr: code === 0 ? '' : stderr }).toEqual({ code: 0, stderr: '' })
  return jsonLines(stdout).flatMap((document) => {
    const { items } = document as { items?: AuditEntry[] }
    return items ?? [document as AuditEntry]
  })
}

const seqs = async (...args: readonly string[]) => (await entries(...args)).map(({ seq }) => seq)

describe.each(SOURCES)('audit list of %s', (_name, source) => {
  const stored = Array.from({ length: LENGTH }, (_, i) => i + 1).filter((seq) => seq < 60 || seq > 62)

  it('--last prints the newest rows, oldest first', async () => {
    expect(await seqs(...source(), '--last', '3')).toEqual([148, 149, 150])
    expect(await seqs(...source(), '--last', '2', '--reverse')).toEqual([150, 149])
    expect(await seqs(...source(), '--last', '2', '--object-type', 'secret', '--to-seq', '70')).toEqual([
      65, 70,
    ])
  })

  it('--reverse prints every row, newest first', async () => {
    expect(await seqs(...source(), '--reverse', '--all')).toEqual([...stored].reverse())
  })

  it('--follow with a bundle is refused, and with a contradiction', async () => {
    for (const flags of [['--reverse'], ['--limit', '3'], ['--to', '2026-01-01'], ['--to-seq', '9']]) {
      const { code, stdout } = await audit('list', ...source(), '--follow', ...flags)
      expect({ code, stdout }).toEqual({ code: 2, stdout: '' })
    }
  })
})

describe('audit list --reverse', () => {
  it('goes on from its cursor, which a list in the other order refuses', async () => {
    const source = [bundle, '--object-type', 'secret', '--limit', '10']
    const found: number[] = []
    let cursor: readonly string[] = []
    do {
      const { stdout } = await audit('list', '--json', ...source, '--reverse', ...cursor)
      const [page] = jsonLines(stdout) as { items: AuditEntry[]; next_cursor?: string }[]
      found.push(...(page?.items.map(({ seq }) => seq) ?? []))
      cursor = page?.next_cursor === undefined ? [] : ['--cursor', page.next_cursor]
      if (cursor.length > 0) {
        const other = await audit('list', ...source, ...cursor)
        expect(other).toMatchObject({ code: 2, stdout: '' })
      }
    } while (cursor.length > 0)
    const all = await seqs(...source.slice(0, 3), '--all')
    expect(found).toEqual(all.reverse())
    expect(found.length).toBeGreaterThan(20)
  })
})

describe('audit list of several chains', () => {
  const both = ['--domain', CHAIN, '--domain', OTHER]

  it('prints rows by the time of their recording, and each names its chain', async () => {
    const rows = await entries(...both, '--limit', '4')
    expect(rows.map(({ domain_id, seq }) => [domain_id, seq])).toEqual([
      [OTHER, 1],
      [CHAIN, 1],
      [CHAIN, 2],
      [OTHER, 2],
    ])
    const newest = await entries(...both, '--reverse', '--to-seq', '2', '--all')
    expect(newest.map(({ domain_id, seq }) => [domain_id, seq])).toEqual(
      rows.map(({ domain_id, seq }) => [domain_id, seq]).reverse(),
    )
  })

  it('prints the chain in a table, and says that more rows follow', async () => {
    const { code, stdout, stderr } = await audit('list', ...both, '--limit', '2')
    expect(code).toBe(0)
    expect(stdout.split('\n')[0]).toMatch(/^domain_id +seq /)
    expect(stdout).toContain(OTHER)
    expect(stderr).toContain('more rows follow')
  })

  it('lists all chains with --all-chains, and only the matching rows', async () => {
    const rows = await entries('--all-chains', '--all', '--to-seq', '2')
    expect(rows.map(({ domain_id }) => domain_id).sort()).toEqual([OTHER, OTHER, CHAIN, CHAIN])
    const ofAlice = await entries('--all-chains', '--all', '--subject', ALICE, '--to-seq', '3')
    expect(ofAlice.map(({ seq }) => seq)).toEqual([3])
  })

  it.each([
    ['a cursor', ['--cursor', 'x'.repeat(55)]],
    ['rows around one', ['--around', '2']],
  ])('refuses %s', async (_name, flags) => {
    expect(await audit('list', ...both, ...flags)).toMatchObject({ code: 2, stdout: '' })
  })

  it('refuses a chain that does not exist', async () => {
    expect(await audit('list', ...both, '--domain', CHAIN.replace('c0de', 'dead'))).toMatchObject({ code: 4 })
  })
})

describe('audit list --format', () => {
  it('csv prints one line a row, and defuses formulas and controls', async () => {
    const { code, stdout } = await audit('list', '--domain', OTHER, '--format', 'csv')
    expect(code).toBe(0)
    const [head = '', , row = '', ...rest] = stdout.split('\r\n')
    expect(rest).toEqual([''])
    expect(head).toMatch(/^domain_id,seq,check,recorded_at,reason,subject,relation,object_type,object_id,/)
    expect(row).toContain(`${OTHER},2,ok,2026-01-01T00:00:02.500001Z,out_of_scope,`)
    expect(row).toContain(",\\x1b[31m\\u{202e}=cmd()\\n,project,'-1,[],{},")
  })

  it('csv prints the head alone where no row matches', async () => {
    const { code, stdout, stderr } = await audit(
      'list',
      '--domain',
      OTHER,
      '--format',
      'csv',
      '--relation',
      'none',
    )
    expect({ code, stderr }).toEqual({ code: 0, stderr: 'no rows\n' })
    expect(stdout.split('\r\n')).toHaveLength(2)
  })

  it('json is --json, also for errors', async () => {
    const asFormat = await audit('list', '--domain', OTHER, '--format', 'json')
    expect(asFormat).toEqual(await audit('list', '--domain', OTHER, '--json'))
    const refused = await audit('list', '--domain', OTHER, '--format=json', '--limit', '0')
    expect(JSON.parse(refused.stderr)).toMatchObject({ error: { code: 'invalid_limit' } })
  })

  it('refuses --json with another format', async () => {
    expect(await audit('list', '--domain', OTHER, '--json', '--format', 'csv')).toMatchObject({ code: 2 })
  })
})

describe('audit stats', () => {
  it('gives the same answer from PostgreSQL, a directory, a bucket and a bundle', async () => {
    const flags = [
      '--json',

      '--top',
      '3',
      '--by',
      'relation',
      '--by',
      'subject',
      '--by',
      'object-type',
    ]
    const more = ['--by', 'reason', '--by', 'hour', '--by', 'day', '--from-seq', '2']
    const answers: unknown[] = []
    for (const [, source] of SOURCES) {
      const { code, stdout } = await audit('stats', ...source(), ...flags, ...more)
      expect(code).toBe(0)
      const [answer] = jsonLines(stdout) as { checks?: unknown }[]
      const { checks, ...counts } = answer ?? {}
      answers.push(counts)
      if (answers.length > 1) expect(checks).toMatchObject({ damaged: 1 })
      else expect(checks).toBeUndefined()
    }
    expect(answers[0]).toMatchObject({ by: { object_type: { values: 2 } } })
    for (const answer of answers) expect(answer).toEqual(answers[0])
  })

  it('prints csv', async () => {
    const { stdout } = await audit(
      'stats',
      '--domain',
      OTHER,
      '--by',
      'relation',
      '--format',
      'csv',
      '--top',
      '1',
    )
    expect(stdout.split('\r\n')).toEqual([
      'by,value,rows,denied',
      'relation,\\x1b[31m\\u{202e}=cmd()\\n,1,1',
      'relation other,,1,0',
      '',
    ])
  })
})

describe('audit list --follow', () => {
  const GROWING = '018f0000-0000-7000-8000-000000000003'
  const rows = chainRows(
    GROWING,
    Array.from({ length: 6 }, (_, i) => ({ relation: i % 2 === 0 ? 'a' : 'b' })),
  )

  it('prints rows as they come, and ends with 130 at SIGINT', async () => {
    await asSuperuser(copies.database.url, `INSERT INTO audit_domain (domain_id) VALUES ('${GROWING}')`)
    await insertRows(copies.database.url, rows.slice(0, 3))
    const child = await spawnCli(
      ['list', '--domain', GROWING, '--follow', '--last', '1', '--relation', 'a', '--json'],
      {
        env,
      },
    )
    const lines: number[] = []
    let text = ''
    const seen = async (count: number) => {
      while (lines.length < count) {
        const [chunk] = await once(child.stdout, 'data')
        text += String(chunk)
        const parts = text.split('\n')
        text = parts.pop() ?? ''
        lines.push(...parts.map((line) => (JSON.parse(line) as AuditEntry).seq))
      }
    }
    await seen(1)
    await insertRows(copies.database.url, rows.slice(3))
    await seen(2)
    child.kill('SIGINT')
    expect((await finished(child)).code).toBe(130)
    expect(lines).toEqual([3, 5])
  })

  it('ends with 0 when the reader of the output is gone', async () => {
    const child = await spawnCli(['list', '--domain', GROWING, '--follow', '--all', '--format', 'csv'], {
      env,
    })
    // The command may end before the new row is there.
    const ended = once(child, 'exit')
    await once(child.stdout, 'data')
    child.stdout.destroy()
    await insertRows(copies.database.url, chainRows(GROWING, [{}], 7, rows.at(-1)?.entryHash))
    expect(await ended).toEqual([0, null])
  })
})
