import { execFileSync } from 'node:child_process'
import { cpSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath, pathToFileURL } from 'node:url'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { PLATFORM_ANCHOR } from '../../src/chain/uuid.js'
import { stampSql } from '../support/archive-stamps.js'
import { chainRows } from '../support/chain-rows.js'
import { type CliResult, runCli } from '../support/cli.js'
import { asSuperuser } from '../support/postgres.js'
import { CHAIN, ReadCopies, tamperedRows } from '../support/read-copies.js'

const INTACT = chainRows(
  CHAIN,
  Array.from({ length: 9 }, () => ({})),
)

const SOURCES = ['postgres', 'mirror', 'both', 'bundle'] as const
type Source = (typeof SOURCES)[number]

/** A chain in every copy. The paths have spaces and a quote. */
class Case {
  readonly dir = mkdtempSync(join(tmpdir(), "audit next's -"))
  copies: ReadCopies | undefined
  mirror = ''

  async make(rows: ReturnType<typeof tamperedRows>): Promise<void> {
    this.copies = await ReadCopies.make(rows)
    await asSuperuser(this.copies.database.url, stampSql())
    cpSync(fileURLToPath(this.copies.directoryUrl), join(this.dir, 'a bucket'), { recursive: true })
    this.mirror = pathToFileURL(join(this.dir, 'a bucket')).href.replaceAll('%20', ' ')
    const exported = ['export', ...this.words('mirror'), '--output']
    await this.run([...exported, 'a file.tar'])
    await this.run([...exported, 'some.tar', '--relation', 'project.read'])
    await this.run([...exported, 'a part.tar', '--from-seq', '2', '--to-seq', '8'])
  }

  async drop(): Promise<void> {
    await this.copies?.drop()
    rmSync(this.dir, { recursive: true, force: true })
  }

  words(source: Source): readonly string[] {
    if (source === 'bundle') return ['a file.tar']
    const chain = ['--domain', CHAIN]
    if (source === 'postgres') return chain
    return [...chain, '--source', source, '--mirror', this.mirror]
  }

  run(args: readonly string[], env: Readonly<Record<string, string>> = {}): Promise<CliResult> {
    const database = { AUDIT_DATABASE_URL: this.copies?.database.url ?? '' }
    return runCli(args, { env: { ...database, ...env }, cwd: this.dir })
  }

  /** Runs each command that a run printed, and returns those that are refused, or cannot answer. */
  async failing({ stdout, stderr }: CliResult): Promise<{ commands: string[]; failed: string[] }> {
    const commands = commandsIn(`${stdout}\n${stderr}`)
    const failed: string[] = []
    for (const command of commands) {
      // A run that read no mirror does not know where it is. Its reader does.
      const isMirrorUnknown = command.includes('--source both') && !command.includes('--mirror')
      const env = isMirrorUnknown ? { AUDIT_MIRROR_URL: this.mirror } : {}
      const { code, stderr: said } = await this.run(wordsOf(command).slice(1), env)
      if (code !== 0 && code !== 1) failed.push(`${command}\n${code}: ${said}`)
    }
    return { commands, failed }
  }
}

/** Returns the commands to run next: each ends its line. */
function commandsIn(text: string): string[] {
  const found = text.split('\n').flatMap((line) => /(?:^|: | {4,})(audit [a-z].*)$/.exec(line)?.[1] ?? [])
  return [...new Set(found)]
}

/** Splits a command as a shell does. */
function wordsOf(command: string): string[] {
  const script = `for word in ${command}; do printf '%s\\0' "$word"; done`
  return execFileSync('sh', ['-c', script], { encoding: 'utf8' }).split('\0').slice(0, -1)
}

describe('a command that is printed for a damaged chain', () => {
  const damaged = new Case()
  beforeAll(() => damaged.make(tamperedRows()), 120_000)
  afterAll(() => damaged.drop())

  it.each(SOURCES)('runs after verify from %s', async (source) => {
    const result = await damaged.run(['verify', ...damaged.words(source), '--no-quarantine'])
    expect(result.code).toBe(1)
    const { commands, failed } = await damaged.failing(result)
    expect(failed).toEqual([])
    const look = commands.map((command) => wordsOf(command)[1])
    expect(look).toContain('get')
    expect(look).toContain('list')
    if (source !== 'both') expect(look).toContain('verify')
  })

  const READ = SOURCES.filter((source) => source !== 'both')

  it.each(
    READ.flatMap((source) => [
      ['list', source, ['list', '--all'], 0],
      ['list --verify', source, ['list', '--all', '--verify'], 1],
      ['get of a damaged row', source, ['get', '20'], 1],
      ['get of an unlinked row', source, ['get', '41'], 0],
    ]) as [string, Source, string[], number][],
  )('runs after %s from %s', async (_name, source, words, code) => {
    const result = await damaged.run([...words, ...damaged.words(source)])
    expect(result.code).toBe(code)
    const { commands, failed } = await damaged.failing(result)
    expect(failed).toEqual([])
    expect(commands).toHaveLength(1)
  })

  it('runs after an export', async () => {
    const result = await damaged.run(['export', ...damaged.words('mirror'), '--output', 'again.tar'])
    expect(result.code).toBe(1)
    const { commands, failed } = await damaged.failing(result)
    expect(failed).toEqual([])
    expect(commands).toHaveLength(2)
  })
})

describe('a command that is printed for an intact chain', () => {
  const intact = new Case()
  beforeAll(() => intact.make(INTACT), 120_000)
  afterAll(() => intact.drop())

  it.each([
    ['a mirror', ['--domain', CHAIN, '--source', 'mirror'], 1],
    ['the end of a mirror', ['--domain', CHAIN, '--source', 'mirror', '--from-seq', '5'], 1],
    ['a part of a mirror', ['--domain', CHAIN, '--source', 'mirror', '--to-seq', '5'], 0],
    ['PostgreSQL', ['--domain', CHAIN], 0],
    ['an evidence file', ['a file.tar'], 1],
    ['an evidence file of a part', ['a part.tar'], 1],
    ['a selection that is allowed', ['some.tar', '--allow-filtered'], 0],
  ] as const)('runs after verify of %s, and remembers the head', async (_name, words, count) => {
    rmSync(join(intact.dir, 'heads.ndjson'), { force: true })
    const mirror = words.includes('mirror' as never) ? ['--mirror', intact.mirror] : []
    const result = await intact.run(['verify', ...words, ...mirror])
    expect(result.code).toBe(0)
    const commands = commandsIn(result.stderr)
    expect(commands).toHaveLength(count)
    for (const command of commands) {
      const again = await intact.run(wordsOf(command).slice(1))
      expect(again).toMatchObject({ code: 0, stderr: expect.stringContaining('remembered the head') })
    }
  })

  it('names the copy to ask where an evidence file cannot show a pinned row', async () => {
    const pin = `9:${INTACT[8]?.entryHash}`
    const result = await intact.run(['verify', 'a part.tar', '--expect-head', pin])
    expect(result.code).toBe(3)
    expect(result.stderr).toContain('the file ends with row 8, and the pin is for row 9')
    const [command = ''] = commandsIn(result.stderr)
    const words = [...wordsOf(command).slice(1), '--mirror', intact.mirror]
    expect(await intact.run(words)).toMatchObject({ code: 0 })
  })
})

describe('a command that is printed where flags name the log', () => {
  const SECRET = 'hidden-secret'
  const damaged = new Case()
  /** The database as it is typed, with passwords that it does not need. */
  let typed = ''
  beforeAll(async () => {
    await damaged.make(tamperedRows())
    const url = damaged.copies?.database.url ?? ''
    typed = `${url.replace('postgres@', `postgres:${SECRET}@`)}&password=${SECRET}`
    writeFileSync(join(damaged.dir, 'some names'), `${CHAIN} shop\n`)
  }, 120_000)
  afterAll(() => damaged.drop())

  const flags = () => ['--database-url', typed, '--domain', 'shop', '--names', 'some names']
  const without = (args: readonly string[]) => runCli(args, { cwd: damaged.dir })

  it.each([
    ['verify', ['verify', '--no-quarantine'], 1],
    ['list', ['list', '--all'], 0],
    ['list --verify', ['list', '--all', '--verify'], 1],
    ['get of a damaged row', ['get', '20'], 1],
    ['stats --verify', ['stats', '--verify'], 1],
  ] as const)('runs without a variable after %s, and has no password', async (_name, words, code) => {
    const result = await without([...words, ...flags()])
    expect(result.code, result.stderr).toBe(code)
    const commands = commandsIn(`${result.stdout}\n${result.stderr}`).filter((one) => !one.includes('both'))
    expect(commands.length).toBeGreaterThan(0)
    for (const command of commands) {
      const again = await without(wordsOf(command).slice(1))
      expect([0, 1], `${command}\n${again.stderr}`).toContain(again.code)
      expect(command).toContain("--names 'some names'")
    }
    expect(result.stdout + result.stderr).not.toContain(SECRET)
  })

  it('runs without a variable from the hint of an error', async () => {
    const unknown = ['--domain', '018f0000-0000-7000-8000-0000000000ff', '--database-url', typed]
    const { code, stderr } = await without(['list', ...unknown])
    expect(code).toBe(4)
    expect(stderr).not.toContain(SECRET)
    const [, command = ''] = /run: (audit domain list .*)$/m.exec(stderr) ?? []
    expect(await without(wordsOf(command).slice(1))).toMatchObject({ code: 0 })
  })

  it('is in the page of a report without the user of the database', async () => {
    const report = ['report', '--output', 'page.html', '--force']
    const { code } = await without([...report, ...flags()])
    expect(code).toBe(1)
    const page = readFileSync(join(damaged.dir, 'page.html'), 'utf8')
    const [, shown = ''] = /<pre><code>(audit verify --domain .*?)<\/code>/.exec(page) ?? []
    const command = shown.replaceAll('&#39;', "'").replaceAll('&amp;', '&')
    expect(command).toMatch(/--database-url '?postgresql:\/\/\//)
    expect(page).not.toContain(SECRET)
    const again = await runCli(wordsOf(command).slice(1), { cwd: damaged.dir, env: { PGUSER: 'postgres' } })
    expect(again.code).toBe(1)
  })

  it('repeats no variable', async () => {
    const { stdout } = await damaged.run(['verify', '--no-quarantine', '--domain', CHAIN])
    expect(stdout).toContain('next: audit get')
    expect(stdout).not.toContain('--database-url')
  })

  it('opens the same home', async () => {
    const home = join(damaged.dir, 'a home')
    const create = await without(['domain', 'create', '--home', home, '--name', 'shop'])
    try {
      expect(create.code, create.stderr).toBe(0)
      const url = (await without(['db', 'url', '--home', home])).stdout.trim()
      await asSuperuser(
        url,
        `SET session_replication_role = replica; UPDATE audit_log_entry SET object = 'a:b' WHERE domain_id <> '${PLATFORM_ANCHOR}'`,
      )
      const result = await without(['verify', '--home', home, '--domain', 'shop', '--no-quarantine'])
      expect(result.code, result.stderr).toBe(1)
      const commands = commandsIn(result.stdout).filter((command) => !command.includes('both'))
      expect(commands.map((command) => wordsOf(command)[1])).toEqual(['get', 'list'])
      for (const command of commands)
        expect([0, 1], command).toContain((await without(wordsOf(command).slice(1))).code)
    } finally {
      await without(['db', 'stop', '--home', home])
    }
  })
})
