import { cp, mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { PLATFORM_ANCHOR } from '../../src/chain/uuid.js'
import { CliDatabase } from '../support/append-process.js'
import { jsonLines, runCli } from '../support/cli.js'
import { keyOf } from '../support/mirror-attacks/objects.js'
import { asSuperuser, type TestDatabase, testDatabase } from '../support/postgres.js'

let database: TestDatabase
let cli: CliDatabase
let dir: string
/** By name. */
const ids: Record<string, string> = {}
const create = async (name: string) => {
  const { stdout } = await cli.run('domain', 'create', '--name', name, '--json')
  ids[name] = (jsonLines(stdout)[0] as { domain_id: string }).domain_id
}

beforeAll(async () => {
  dir = await mkdtemp(join(tmpdir(), 'audit-names-'))
  database = await testDatabase()
  cli = new CliDatabase(database.url)
  for (const name of ['acme', 'twin', 'edited', 'renamed']) await create(name)
  await create('twin')
  await cli.run('domain', 'name', '--domain', ids.renamed ?? '', '--name', 'fresh')
  await cli.run('archiver', '--once', '--init-mirror', '--mirror', pathToFileURL(dir).href)
  await asSuperuser(database.superuserUrl, `UPDATE audit_domain SET name = 'forged' WHERE name = 'edited'`)
})

afterAll(async () => {
  cli.remove()
  await database.drop()
  await rm(dir, { recursive: true })
})

const chosen = (stdout: string) => (jsonLines(stdout)[0] as { domain_id?: string } | undefined)?.domain_id

describe('--domain with a name', () => {
  it.each([
    { text: 'acme', id: 'acme' },
    { text: 'fresh', id: 'renamed' },
  ])('reads the chain of $text from PostgreSQL', async ({ text, id }) => {
    const { code, stdout } = await cli.run('verify', '--domain', text, '--json')
    expect({ code, domain: chosen(stdout) }).toEqual({ code: 0, domain: ids[id] })
  })

  it('prints the id and the name that it chose', async () => {
    const { stderr } = await cli.run('list', '--domain', 'acme')
    expect(stderr).toContain(`--domain acme is Domain ${ids.acme}`)
  })

  it('marks a forged name in domain list, and no other name', async () => {
    const { code, stdout } = await cli.run('domain', 'list')
    expect(code).toBe(3)
    expect(stdout).toMatch(/ forged \(not confirmed\) /)
    expect(stdout).toMatch(/ fresh {2}/)
    expect(stdout.match(/not confirmed/g)).toHaveLength(1)
  })

  it('takes a beginning of the id', async () => {
    const { code, stdout } = await cli.run('verify', '--domain', ids.acme?.slice(0, 28) ?? '', '--json')
    expect({ code, domain: chosen(stdout) }).toEqual({ code: 0, domain: ids.acme })
  })

  it.each([
    { text: 'nope', code: 2, says: 'no Domain matches; there are: ' },
    { text: 'twin', code: 2, says: '2 Domains have this name: ' },
    { text: 'forged', code: 3, says: 'the chain calls it "edited"' },
    { text: 'edited', code: 3, says: 'the chain calls it "edited"' },
    // The name from before a renaming.
    { text: 'renamed', code: 2, says: 'no Domain matches' },
    { text: '\u001b[31m', code: 2, says: 'no Domain matches' },
  ])('refuses $text with $code', async ({ text, code, says }) => {
    const result = await cli.run('list', '--domain', text)
    expect({ code: result.code, stdout: result.stdout }).toEqual({ code, stdout: '' })
    expect(result.stderr).toContain(says)
  })

  it('finds a beginning of the id of a chain whose registry entry is gone', async () => {
    await create('lost')
    await asSuperuser(database.superuserUrl, `DELETE FROM audit_domain WHERE domain_id = '${ids.lost}'`)
    const { code, stdout } = await cli.run(
      'list',
      '--domain',
      ids.lost?.slice(0, 30) ?? '',
      '--all',
      '--json',
    )
    expect({ code, domain: chosen(stdout) }).toEqual({ code: 0, domain: ids.lost })
  })

  it.each([
    ['append', '--subject', 'x', '--relation', 'a.b', '--object', 'c:d'],
    ['hold', 'place', '--reason', 'x'],
    ['key', 'create', '--relation', 'owner', '--subject', 'user:x'],
    ['retention', 'set', '--personal-days', '5'],
    ['erase-identity', '--subject', 'x'],
    ['archive', 'backfill'],
  ])('is refused by commands that write: %s %s', async (...words) => {
    const { code, stderr } = await cli.run(...words, '--domain', 'acme')
    expect(code).toBe(2)
    expect(stderr).toContain('expected a UUID of 36 characters')
  })
})

describe('--domain with a name, without a database', () => {
  const offline = (...words: string[]) => runCli([...words, '--json'])
  const mirror = () => ['--source', 'mirror', '--mirror', pathToFileURL(dir).href]

  it.each([
    { text: 'acme', id: 'acme' },
    { text: 'fresh', id: 'renamed' },
    // The registry was edited, and the mirror was not.
    { text: 'edited', id: 'edited' },
  ])('finds $text on the platform chain of a mirror', async ({ text, id }) => {
    const { code, stdout } = await offline('verify', '--domain', text, ...mirror())
    expect({ code, domain: chosen(stdout) }).toEqual({ code: 0, domain: ids[id] })
  })

  it('refuses a name that the mirror does not have, and one of two Domains', async () => {
    const codes = []
    for (const text of ['nope', 'twin', 'forged'])
      codes.push((await offline('verify', '--domain', text, ...mirror())).code)
    expect(codes).toEqual([2, 2, 2])
  })

  it('takes names from a file, which needs neither a database nor a platform chain', async () => {
    const file = join(dir, 'names.txt')
    const copy = await mkdtemp(join(tmpdir(), 'audit-names-'))
    for (const id of [ids.acme, ids.renamed])
      await cp(join(dir, 'audit', id ?? ''), join(copy, 'audit', id ?? ''), { recursive: true })
    await writeFile(file, `${ids.acme} acme\n${ids.renamed} renamed\n`)
    const from = ['--names', file, '--source', 'mirror', '--mirror', pathToFileURL(copy).href]
    const results = [
      await offline('verify', '--domain', 'acme', ...from),
      await offline('verify', '--domain', 'renamed', ...from),
    ]
    await rm(copy, { recursive: true })
    expect(results.map(({ code, stdout }) => [code, chosen(stdout)])).toEqual([
      [0, ids.acme],
      [0, ids.renamed],
    ])
  })

  it.each([['list'], ['stats']])(
    '%s --all-chains of an empty folder names the folder, and no database',
    async (command) => {
      const copy = await mkdtemp(join(tmpdir(), 'audit-names-'))
      const from = ['--all-chains', '--source', 'mirror', '--mirror', pathToFileURL(copy).href]
      const { code, stderr } = await runCli([command, ...from])
      await rm(copy, { recursive: true })
      expect(code).toBe(4)
      expect(stderr).toContain(`there is no chain in the mirror ${pathToFileURL(copy).href}`)
      expect(stderr).not.toContain('domain create')
    },
  )

  describe('and a file of names that the copy contradicts', () => {
    const swapped = () => join(dir, 'swapped.txt')
    let bundle = ''
    let alone = ''
    beforeAll(async () => {
      // The new name of the renamed Domain is on the platform chain alone.
      await writeFile(swapped(), `${ids.acme} edited\n${ids.edited} acme\n${ids.renamed} fresh\n`)
      bundle = join(dir, 'acme.tar')
      await offline('export', '--domain', ids.acme ?? '', ...mirror(), '--output', bundle)
      alone = await mkdtemp(join(tmpdir(), 'audit-names-'))
      await cp(join(dir, 'audit', ids.acme ?? ''), join(alone, 'audit', ids.acme ?? ''), { recursive: true })
    })
    afterAll(() => rm(alone, { recursive: true }))
    const aloneAt = () => ['--source', 'mirror', '--mirror', pathToFileURL(alone).href]

    it.each([
      ['list of a mirror', 'edited', () => ['list', ...mirror()], 'the rows that name it say "acme"'],
      ['verify of a mirror', 'acme', () => ['verify', ...mirror()], 'the rows that name it say "edited"'],
      [
        'verify without a platform chain',
        'edited',
        () => ['verify', ...aloneAt()],
        'row 1 of its chain says "acme"',
      ],
      ['verify of an evidence file', 'edited', () => ['verify', bundle], 'row 1 of its chain says "acme"'],
    ])('is refused for choosing: %s', async (_title, name, words, says) => {
      const { code, stdout, stderr } = await runCli([...words(), '--domain', name, '--names', swapped()])
      expect({ code, stdout }).toEqual({ code: 3, stdout: '' })
      expect(stderr).toContain(says)
    })

    it('is refused for choosing from PostgreSQL', async () => {
      const { code, stderr } = await cli.run('verify', '--domain', 'edited', '--names', swapped())
      expect(code).toBe(3)
      expect(stderr).toContain('the rows that name it say "acme"')
    })

    it('takes the name that only the platform chain gives', async () => {
      const words = ['verify', '--domain', 'fresh', '--names', swapped(), ...mirror()]
      const { code, stdout } = await offline(...words)
      expect({ code, domain: chosen(stdout) }).toEqual({ code: 0, domain: ids.renamed })
    })

    it.each([
      ['an evidence file', () => ['verify', bundle]],
      ['a mirror', () => ['verify', '--domain', ids.acme ?? '', ...mirror()]],
      ['a mirror without a platform chain', () => ['verify', '--domain', ids.acme ?? '', ...aloneAt()]],
    ])('prints the id and a note: verify of %s', async (_title, words) => {
      const { code, stdout, stderr } = await runCli([...words(), '--names', swapped()])
      expect(code).toBe(0)
      expect(stdout).toContain(ids.acme)
      expect(stdout).not.toContain('edited')
      expect(stderr.match(/calls Domain/g)).toHaveLength(1)
      expect(stderr).toContain('the id is printed without a name')
    })

    it.each([
      [
        'a mirror without a platform chain',
        () => ['list', '--domain', 'nope', ...aloneAt()],
        'platform chain of',
      ],
      ['an evidence file', () => ['verify', bundle, '--domain', 'nope'], 'an evidence file holds no names'],
      [
        'an evidence file and a part of an id',
        () => ['verify', bundle, '--domain', 'abcdef02'],
        ids.acme ?? '',
      ],
    ])('an unknown name sends nobody to a database: %s', async (_title, words, says) => {
      const { code, stderr } = await runCli(words())
      expect(code).toBe(2)
      expect(stderr).toContain(says)
      expect(stderr).not.toContain('domain list')
    })
  })

  it('refuses a bad file of names and one that repeats an id with 2, and one that is missing with 3', async () => {
    const bad = join(dir, 'bad.txt')
    await writeFile(bad, 'acme\n')
    const twice = join(dir, 'twice.txt')
    await writeFile(twice, `${ids.acme} acme\n${ids.acme} other\n`)
    const codes = []
    for (const file of [bad, twice, join(dir, 'missing.txt')])
      codes.push((await offline('verify', '--domain', 'acme', '--names', file, ...mirror())).code)
    expect(codes).toEqual([2, 2, 3])
  })

  it('finds a beginning of the id of a chain that the platform chain does not record', async () => {
    const [unrecorded, file] = ['abcdef01-b0c0-7a0a-8a0a-a0a0a0a0a0a0', join(dir, 'stored.tar')]
    const copy = await mkdtemp(join(tmpdir(), 'audit-names-'))
    await cp(join(dir, 'audit', ids.acme ?? ''), join(copy, 'audit', ids.acme ?? ''), { recursive: true })
    await mkdir(join(copy, 'audit', unrecorded))
    const from = ['--source', 'mirror', '--mirror', pathToFileURL(copy).href]
    const prefix = ids.acme?.slice(0, 30) ?? ''
    const results = [
      await offline('verify', '--domain', prefix, ...from),
      await offline('export', '--domain', prefix, ...from, '--output', file),
      await offline('verify', '--domain', prefix, file),
      await offline('verify', '--domain', 'abcdef02', file),
      await offline('verify', '--domain', 'acme', file),
    ]
    await rm(copy, { recursive: true })
    const seen = results.map(({ code, stdout }) => [code, chosen(stdout)])
    expect(seen).toEqual([
      [0, ids.acme],
      [0, ids.acme],
      [0, ids.acme],
      [2, undefined],
      [2, undefined],
    ])
  })

  it('refuses a name that only a row after a gap gives with 3, and still takes names before the gap', async () => {
    const copy = await mkdtemp(join(tmpdir(), 'audit-names-'))
    await cp(dir, copy, { recursive: true })
    await rm(join(copy, keyOf(PLATFORM_ANCHOR, 3)))
    const from = ['--source', 'mirror', '--mirror', pathToFileURL(copy).href]
    const results = []
    for (const text of ['acme', 'edited']) results.push(await offline('verify', '--domain', text, ...from))
    await rm(copy, { recursive: true })
    expect(results.map(({ code }) => code)).toEqual([0, 3])
    expect(results[1]?.stderr).toContain('rows 1 to 2 recomputed and linked, then row 3 is missing')
  })

  it('refuses a name without a database and without a mirror with 2', async () => {
    const { code, stderr } = await offline('verify', '--domain', 'acme', '--home', join(dir, 'no-home'))
    expect(code).toBe(2)
    expect(stderr).toContain('expected a UUID of 36 characters: there is no database that knows names')
  })
})
