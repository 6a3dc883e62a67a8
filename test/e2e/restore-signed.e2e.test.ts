import { cpSync, mkdtempSync, readdirSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { PLATFORM_ANCHOR } from '../../src/chain/uuid.js'
import { stopEmbedded } from '../../src/repo/embedded/embedded.js'
import { jsonLines, runCli } from '../support/cli.js'
import { keyOf } from '../support/mirror-attacks/objects.js'
import { testDatabase } from '../support/postgres.js'

/** A home whose archiver signed its Domain to row 6, and to row 9 after that. */
const home = mkdtempSync(join(tmpdir(), 'restore-signed-'))
const root = mkdtempSync(join(tmpdir(), 'restore-signed-copies-'))
let domain: string

beforeAll(async () => {
  const audit = async (args: readonly string[], input?: string) => {
    const result = await runCli(args, { env: { AUDIT_HOME: home }, ...(input !== undefined && { input }) })
    expect(result).toMatchObject({ code: 0 })
    return result.stdout
  }
  domain = JSON.parse(await audit(['domain', 'create', '--json'])).domain_id
  for (const rows of [5, 3]) {
    const lines = Array.from({ length: rows }, (_, i) =>
      JSON.stringify({ subject_id: 'a', relation: 'r', object: `o:${i}` }),
    )
    await audit(['append', '--stdin', '--domain', domain], lines.join('\n'))
    await audit(['archiver', '--once'])
  }
  await stopEmbedded(home)
})

afterAll(() => {
  for (const dir of [home, root]) rmSync(dir, { recursive: true, force: true })
})

/** A copy of the home without its database. */
class Loss {
  readonly dir = mkdtempSync(join(root, 'copy-'))

  constructor() {
    cpSync(home, this.dir, { recursive: true, filter: (path) => !path.includes('postgres') })
  }

  remove(...path: readonly string[]): void {
    rmSync(join(this.dir, ...path), { recursive: true, force: true })
  }

  lose(domainId: string, ...seqs: readonly number[]): void {
    for (const seq of seqs) this.remove('mirror', keyOf(domainId, seq))
  }

  losePlatformEnd(): void {
    const folder = join(this.dir, 'mirror', 'audit', PLATFORM_ANCHOR)
    const objects = readdirSync(folder, { recursive: true, encoding: 'utf8' }).filter((name) =>
      name.endsWith('.zst'),
    )
    for (const name of objects.sort().slice(-2)) rmSync(join(folder, name))
  }

  async restore(url: string, words: readonly string[]) {
    const env = {
      AUDIT_HOME: this.dir,
      AUDIT_DATABASE_URL: url,
      AUDIT_MIRROR_URL: pathToFileURL(join(this.dir, 'mirror')).href,
      AUDIT_PEPPER: pathToFileURL(join(this.dir, 'pepper.key')).href,
    }
    const { code, stdout, stderr } = await runCli(['archive', 'restore', ...words, '--json'], { env })
    const lines = jsonLines(stdout) as readonly Line[]
    const ofDomain = lines.find((line) => line.domain_id === domain)
    const errors = [...stderr.matchAll(/"code":\s*"([a-z_]+)"/g)].map((match) => match[1])
    const found = ofDomain?.verify?.findings.map((one) => one.code) ?? []
    return [code, ofDomain?.outcome ?? 'none', ofDomain?.rows ?? 0, found, errors]
  }
}

interface Line {
  readonly domain_id?: string
  readonly outcome?: string
  readonly rows?: number
  readonly verify?: { readonly findings: readonly { readonly code: string }[] }
}

const ALL = ['--all']
const tail = (loss: Loss) => loss.lose(domain, 7, 8, 9)
const INCOMPLETE = ['copy_incomplete']

describe.concurrent('archive restore of a signed log', () => {
  it.each<[string, (loss: Loss) => void, readonly string[], unknown[]]>([
    ['with all rows', () => undefined, ALL, [0, 'restored', 9, [], []]],
    ['without its signatures', (loss) => loss.remove('mirror', 'tlog'), ALL, [0, 'restored', 9, [], []]],
    ['without its end', tail, ALL, [3, 'none', 0, [], INCOMPLETE]],
    [
      'without its end, which the signed rows of the platform chain name',
      (loss) => {
        tail(loss)
        loss.remove('mirror', 'tlog')
      },
      ALL,
      [3, 'none', 0, [], INCOMPLETE],
    ],
    [
      'without its end, with the keys of the log alone',
      (loss) => {
        tail(loss)
        loss.remove('log.vkey')
      },
      ALL,
      [3, 'none', 0, [], INCOMPLETE],
    ],
    [
      'without the end of the platform chain, which its own checkpoint names',
      (loss) => loss.losePlatformEnd(),
      ALL,
      [3, 'restored', 9, [], INCOMPLETE],
    ],
    [
      'without its end, where the rows that are there are to be restored',
      tail,
      [...ALL, '--allow-broken-tail'],
      [1, 'restored', 6, ['checkpoint_rollback'], INCOMPLETE],
    ],
  ])('%s', async (_what, damage, words, expected) => {
    const database = await testDatabase()
    const loss = new Loss()
    damage(loss)
    try {
      expect(await loss.restore(database.url, words)).toEqual(expected)
    } finally {
      await database.drop()
    }
  })

  it('of one chain uses its kept checkpoints, and what PostgreSQL still has', async () => {
    const database = await testDatabase()
    const loss = new Loss()
    try {
      expect((await loss.restore(database.url, ['--platform']))[0]).toBe(0)
      tail(loss)
      const one = ['--domain', domain]
      expect(await loss.restore(database.url, one)).toEqual([3, 'none', 0, [], INCOMPLETE])
      loss.remove('mirror', 'tlog')
      expect(await loss.restore(database.url, one)).toEqual([3, 'none', 0, [], INCOMPLETE])
    } finally {
      await database.drop()
    }
  })
})
