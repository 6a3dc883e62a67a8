import { cp, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { stripVTControlCharacters } from 'node:util'
import pg from 'pg'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { PLATFORM_ANCHOR } from '../../src/chain/uuid.js'
import { textWidth } from '../../src/cli/output/text-width.js'
import { CliDatabase } from '../support/append-process.js'
import { PtySession } from '../support/browse/pty.js'
import { type CliResult, jsonLines, runCli } from '../support/cli.js'
import { keyOf } from '../support/mirror-attacks/objects.js'
import { asSuperuser, type TestDatabase, testDatabase } from '../support/postgres.js'
import { noTerminal, runOnTerminal } from '../support/terminal.js'

let database: TestDatabase
let cli: CliDatabase
let dir: string
let bundle: string
/** By name. The row 1 of `beta` was edited in PostgreSQL, so that it has a finding. */
const ids: Record<string, string> = {}
const id = (name: string) => ids[name] ?? ''
const mirrorAt = (folder: string) => ['--source', 'mirror', '--mirror', pathToFileURL(folder).href]

/** Runs SQL past every trigger, as an attacker does. */
const attack = (sql: string) =>
  asSuperuser(database.superuserUrl, `SET session_replication_role = replica; ${sql}`)

/** Makes a log of two Domains, an edited row, a mirror and an evidence file. `areNamed`: whether rows give them names. */
const makeLog = async (areNamed: boolean) => {
  dir = await mkdtemp(join(tmpdir(), 'audit-beside-'))
  database = await testDatabase()
  cli = new CliDatabase(database.url)
  for (const name of ['acme', 'beta']) {
    const { stdout } = await cli.run('domain', 'create', ...(areNamed ? ['--name', name] : []), '--json')
    ids[name] = (jsonLines(stdout)[0] as { domain_id: string }).domain_id
  }
  await cli.run('archiver', '--once', '--init-mirror', '--mirror', pathToFileURL(join(dir, 'mirror')).href)
  bundle = join(dir, 'acme.tar')
  await cli.run('export', '--domain', id('acme'), '--output', bundle)
  await attack(`UPDATE audit_log_entry SET object = 'a:b' WHERE domain_id = '${id('beta')}'`)
  await cli.run('verify', '--domain', id('beta'))
  await writeFile(join(dir, 'names.txt'), `${id('acme')} acme\n`)
}

const dropLog = async () => {
  cli.remove()
  await database.drop()
  await rm(dir, { recursive: true })
}

beforeAll(() => makeLog(true))
afterAll(() => dropLog())

const run = (words: readonly string[], ...more: readonly string[]): Promise<CliResult> =>
  words.includes('mirror') || words.includes(bundle)
    ? runCli([...words, ...more])
    : cli.run(...words, ...more)

type Json = { readonly domain_id?: string; readonly name?: string } & Readonly<Record<string, unknown>>

/** Returns the documents of chains in an answer, however deep they lie. */
function chainsIn(value: unknown): Json[] {
  if (typeof value !== 'object' || value === null) return []
  const below = Object.values(value).flatMap(chainsIn)
  return 'domain_id' in value ? [value as Json, ...below] : below
}

/** Returns the names of a Domain in the JSON of a command. */
const namesIn = (stdout: string, name: string) =>
  new Set(
    chainsIn(jsonLines(stdout))
      .filter((chain) => chain.domain_id === id(name))
      .map((chain) => chain.name),
  )

const TEMP = () => ['--output', join(dir, 'page.html'), '--force']

interface Case {
  readonly title: string
  readonly words: () => readonly string[]
  readonly code: number
  /** Whether the answer has the platform chain too. */
  readonly isWhole?: boolean
}

const POSTGRES: readonly Case[] = [
  { title: 'verify', words: () => ['verify', '--domain', id('acme')], code: 0 },
  { title: 'verify --all', words: () => ['verify', '--all'], code: 1, isWhole: true },
  { title: 'list --all-chains', words: () => ['list', '--all-chains'], code: 0, isWhole: true },
  { title: 'list', words: () => ['list', '--domain', id('acme'), '--domain', id('beta')], code: 0 },
  { title: 'report --all', words: () => ['report', '--all', ...TEMP()], code: 1, isWhole: true },
  { title: 'stats --all-chains', words: () => ['stats', '--all-chains'], code: 0, isWhole: true },
  {
    title: 'archive status --all',
    words: () => ['archive', 'status', '--all', '--mirror', pathToFileURL(join(dir, 'mirror')).href],
    code: 0,
    isWhole: true,
  },
]

const MIRROR: readonly Case[] = [
  { title: 'stats --all-chains', words: () => ['stats', '--all-chains'], code: 0, isWhole: true },
  { title: 'verify', words: () => ['verify', '--domain', id('acme')], code: 0 },
  { title: 'verify --all', words: () => ['verify', '--all'], code: 0, isWhole: true },
  { title: 'list --all-chains', words: () => ['list', '--all-chains'], code: 0, isWhole: true },
  { title: 'list', words: () => ['list', '--domain', id('acme'), '--domain', id('beta')], code: 0 },
  { title: 'report --all', words: () => ['report', '--all', ...TEMP()], code: 0, isWhole: true },
]

const CASES: readonly Case[] = [
  ...POSTGRES.map((one) => ({ ...one, title: `${one.title} of PostgreSQL` })),
  ...MIRROR.map(({ words, ...one }) => ({
    ...one,
    title: `${one.title} of a mirror`,
    words: () => [...words(), ...mirrorAt(join(dir, 'mirror'))],
  })),
  {
    title: 'verify of an evidence file with --names',
    words: () => ['verify', bundle, '--names', join(dir, 'names.txt')],
    code: 0,
  },
  {
    title: 'report of an evidence file with --names',
    words: () => ['report', bundle, '--names', join(dir, 'names.txt'), ...TEMP()],
    code: 0,
  },
]

describe('the name of a Domain', () => {
  it.each(CASES)('is beside its id in $title', async ({ words, code, isWhole = false }) => {
    const text = await run(words())
    const json = await run(words(), '--json')
    expect([text.code, json.code], text.stderr).toEqual([code, code])
    expect(text.stdout).toMatch(new RegExp(`${id('acme')} +acme `))
    expect(namesIn(json.stdout, 'acme')).toEqual(new Set(['acme']))
    expect(text.stdout.includes('platform chain')).toBe(isWhole)
    expect(text.stdout).not.toContain(PLATFORM_ANCHOR)
    const platform = chainsIn(jsonLines(json.stdout)).filter(({ domain_id }) => domain_id === PLATFORM_ANCHOR)
    expect(new Set(platform.map(({ name }) => name))).toEqual(new Set(isWhole ? [undefined] : []))
  })

  it.each([
    {
      title: 'quarantine list',
      words: ['quarantine', 'list', '--all'],
      text: (beta: string) => `${beta}  beta `,
    },
    { title: 'quarantine show', words: ['quarantine', 'show', '1'], text: () => /^name +beta$/m },
  ])('is beside its id in $title', async ({ words, text }) => {
    const { code, stdout } = await run(words)
    expect(code).toBe(0)
    expect(stdout).toMatch(text(id('beta')))
    expect(namesIn((await run(words, '--json')).stdout, 'beta')).toEqual(new Set(['beta']))
  })

  it('is on the page of a report', async () => {
    await run(['report', '--all', ...TEMP(), ...mirrorAt(join(dir, 'mirror'))])
    expect(await readFile(join(dir, 'page.html'), 'utf8')).toContain(`acme (${id('acme')})`)
  })

  it('is absent where an evidence file is read without --names', async () => {
    const { code, stdout } = await run(['verify', bundle, '--json'])
    expect({ code, names: namesIn(stdout, 'acme') }).toEqual({ code: 0, names: new Set([undefined]) })
  })

  it('does not keep a saved result from being a pin', async () => {
    const heads = join(dir, 'heads.ndjson')
    const mirror = mirrorAt(join(dir, 'mirror'))
    await writeFile(heads, (await run(['verify', '--all', ...mirror, '--json'])).stdout)
    const { code, stdout } = await run(['verify', '--all', ...mirror, '--expect-heads', heads, '--json'])
    expect({ code, end: (jsonLines(stdout)[0] as Json).end }).toEqual({ code: 0, end: 'pinned' })
  })

  it.skipIf(noTerminal() !== undefined)(
    'is in the list of chains of the browser, read from a mirror',
    async () => {
      const on = await PtySession.start(['browse', ...mirrorAt(join(dir, 'mirror'))])
      try {
        await on.sees('platform chain')
        await on.sees(/ acme +[0-9a-f]{8}/)
        on.press('q')
        expect((await on.ended()).code).toBe(0)
      } finally {
        on.drop()
      }
    },
  )
})

describe('a name that no chain confirms', () => {
  const readsPostgres = [
    ['verify', '--domain', () => id('beta'), 1],
    ['list', '--all-chains', () => '--all', 0],
    ['quarantine', 'list', () => '--all', 0],
  ] as const

  /** Returns the exit code, the names in JSON, and whether the text has a forged name. */
  async function seen(words: readonly string[]) {
    const { code, stdout } = await run(words)
    const json = (await run(words, '--json')).stdout
    const names = new Set([...namesIn(json, 'acme'), ...namesIn(json, 'beta')])
    return { code, names: [...names], isForged: /forged/.test(stdout), hasId: /[0-9a-f-]{36}/.test(stdout) }
  }
  const nameless = (code: number) => ({ code, names: [undefined], isForged: false, hasId: true })

  it.each(readsPostgres)(
    'gives way to the id where the registry was edited: %s %s',
    async (word, flag, last, code) => {
      await attack(`UPDATE audit_domain SET name = 'forged'`)
      const shown = await seen([word, flag, last()])
      for (const name of ['acme', 'beta'])
        await attack(`UPDATE audit_domain SET name = '${name}' WHERE domain_id = '${id(name)}'`)
      expect(shown).toEqual(nameless(code))
    },
  )

  /** Renames a Domain in the registry and in rows of the two chains, without a new hash. */
  const rename = (from: string, to: string, of: string, rows: string) =>
    attack(`UPDATE audit_domain SET name = '${to}' WHERE domain_id = '${id(of)}';
      UPDATE audit_log_entry SET relation_path = array_replace(relation_path, 'name:${from}', 'name:${to}')
      WHERE ${rows}`)
  const platformRows = (name: string) => `domain_id = '${PLATFORM_ANCHOR}' AND object = 'domain:${id(name)}'`
  const allRows = (name: string) => `${platformRows(name)} OR domain_id = '${id(name)}'`

  it.each(
    readsPostgres.flatMap(([word, flag, last, code]) => [
      { edited: 'and the platform chain', rows: platformRows, word, words: () => [word, flag, last()], code },
      { edited: 'and every row about it', rows: allRows, word, words: () => [word, flag, last()], code },
    ]),
  )('gives way to the id where the registry $edited were edited: $word', async ({ rows, words, code }) => {
    for (const name of ['acme', 'beta']) await rename(name, 'forged', name, rows(name))
    const shown = await seen(words())
    for (const name of ['acme', 'beta']) await rename('forged', name, name, rows(name))
    expect(shown).toEqual(nameless(code))
  })

  it('chooses no chain where the registry and every row about it were edited', async () => {
    await rename('acme', 'forged', 'acme', allRows('acme'))
    const { code, stdout, stderr } = await run(['list', '--domain', 'forged'])
    await rename('forged', 'acme', 'acme', allRows('acme'))
    expect({ code, stdout }).toEqual({ code: 3, stdout: '' })
    expect(stderr).toContain(`row 2 of the platform chain names Domain ${id('acme')} and does not recompute`)
  })

  it.each([
    [
      'a gap before the row that creates the Domain',
      (copy: string) => rm(join(copy, keyOf(PLATFORM_ANCHOR, 2))),
    ],
    [
      'a row that is another one',
      (copy: string) =>
        cp(join(copy, keyOf(PLATFORM_ANCHOR, 3)), join(copy, keyOf(PLATFORM_ANCHOR, 2)), { force: true }),
    ],
    ['no platform chain', (copy: string) => rm(join(copy, 'audit', PLATFORM_ANCHOR), { recursive: true })],
    ['an unreadable object', (copy: string) => writeFile(join(copy, keyOf(PLATFORM_ANCHOR, 1)), 'x')],
  ])('gives way to the id in a mirror with %s, and the verdict stays', async (_title, damage) => {
    const copy = await mkdtemp(join(tmpdir(), 'audit-beside-'))
    await cp(join(dir, 'mirror'), copy, { recursive: true })
    await damage(copy)
    const words = ['verify', '--domain', id('beta'), ...mirrorAt(copy)]
    const text = await run(words)
    const json = await run(words, '--json')
    await rm(copy, { recursive: true })
    expect([text.code, json.code]).toEqual([0, 0])
    expect(text.stdout).toContain(`intact    ${id('beta')}  rows 1 to 1 of mirror`)
    expect(namesIn(json.stdout, 'beta')).toEqual(new Set([undefined]))
  })

  it('gives way to the id where another session holds the registry, and the rows are printed', async () => {
    const held = new pg.Client({ connectionString: database.superuserUrl })
    await held.connect()
    await held.query('BEGIN; LOCK TABLE audit_domain IN ACCESS EXCLUSIVE MODE')
    const { code, stdout } = await run(['list', '--domain', id('acme'), '--domain', id('beta'), '--json'])
    await held.end()
    expect({ code, names: namesIn(stdout, 'acme') }).toEqual({ code: 0, names: new Set([undefined]) })
  })
})

describe('a hostile name', () => {
  // A row that names a Domain would contradict the file.
  let named: (() => void) | undefined
  beforeAll(async () => {
    const log = { database, cli, dir, bundle, ids: { ...ids } }
    named = () => {
      ;({ database, cli, dir, bundle } = log)
      Object.assign(ids, log.ids)
    }
    await makeLog(false)
  })
  afterAll(async () => {
    await dropLog()
    named?.()
  })

  const HOSTILE = '\u001b[31mINJ\u001b]8;;http://evil\u0007\u202e\u0085'
  const hostile = async (name: string) => {
    const file = join(dir, 'hostile.ndjson')
    const lines = Object.values(ids).map((domain_id) => JSON.stringify({ domain_id, name }))
    await writeFile(file, lines.join('\n'))
    return file
  }

  it.each(CASES.filter(({ title }) => !title.includes('evidence')))(
    'is harmless in $title',
    async ({ words, code }) => {
      const more = ['--names', await hostile(HOSTILE)]
      const text = await run(words(), ...more)
      const json = await run(words(), ...more, '--json')
      expect([text.code, json.code]).toEqual([code, code])
      expect(text.stdout).toContain('\\x1b[31mINJ')
      // biome-ignore lint/suspicious/noControlCharactersInRegex: they are what must not be there.
      expect(text.stdout + json.stdout).not.toMatch(/[\u0000-\u0009\u000b-\u001f\u007f-\u009f\u202e]/)
      expect(namesIn(json.stdout, 'acme')).toEqual(new Set([HOSTILE]))
    },
  )

  it('that is very long is cut in a text, and whole in JSON', async () => {
    const long = 'a b'.repeat(50_000)
    const words = ['list', '--all-chains', '--names', await hostile(long)]
    const [text, json] = [await run(words), await run(words, '--json')]
    expect(Math.max(...text.stdout.split('\n').map(({ length }) => length))).toBeLessThan(400)
    expect(namesIn(json.stdout, 'acme')).toEqual(new Set([long]))
  })

  it('that is very long is cut in the page of a report', async () => {
    await run(['report', '--all', ...TEMP(), '--names', await hostile('long'.repeat(50_000))])
    const page = await readFile(join(dir, 'page.html'), 'utf8')
    expect(page).toContain(`longlo.. (${id('acme')})`)
    expect(page).not.toContain('long'.repeat(20))
  })

  it.skipIf(noTerminal() !== undefined).each(['n'.repeat(500), '漢字'.repeat(200), HOSTILE])(
    'leaves the lines of a table within the terminal',
    async (name) => {
      const words = ['archive', 'status', '--all', '--mirror', pathToFileURL(join(dir, 'mirror')).href]
      const { stdout } = await runOnTerminal([...words, '--names', await hostile(name)], {
        env: { ...cli.env, NO_COLOR: '1' },
      })
      const lines = stripVTControlCharacters(stdout).split(/[\r\n]+/)
      const rows = lines.filter((line) => /^([0-9a-f]{8}|platform chain)/.test(line))
      expect(rows).toHaveLength(3)
      expect(Math.max(...rows.map(textWidth))).toBeLessThanOrEqual(80)
    },
  )
})

describe('the name of a Domain that was named again', () => {
  it('is the newest one in a mirror and in PostgreSQL', async () => {
    await cli.run('domain', 'name', '--domain', id('acme'), '--name', 'fresh')
    await cli.run('archiver', '--once', '--mirror', pathToFileURL(join(dir, 'mirror')).href)
    const seen = []
    for (const from of [[], mirrorAt(join(dir, 'mirror'))])
      seen.push(namesIn((await run(['verify', '--domain', id('acme'), ...from, '--json'])).stdout, 'acme'))
    expect(seen).toEqual([new Set(['fresh']), new Set(['fresh'])])
  })
})
