import type { ChildProcess } from 'node:child_process'
import { mkdirSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { pathToFileURL } from 'node:url'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { ChainedEntry } from '../../src/chain/entry.js'
import { mirrorCodec } from '../../src/mirror/object/codec.js'
import { openMirror } from '../../src/mirror/open.js'
import type { MirrorStore } from '../../src/ports/mirror.js'
import { chainRows, insertRows } from '../support/chain-rows.js'
import { finished, spawnCli } from '../support/cli.js'
import { asSuperuser, type TestDatabase, testDatabase } from '../support/postgres.js'

const CHAIN = '018f0000-0000-7000-8000-000000000003'
const rows = chainRows(
  CHAIN,
  Array.from({ length: 12 }, (_, i) => ({ reason: i % 2 === 0 ? 'granted' : 'out_of_scope' })),
)
const { signal } = new AbortController()

/** A command that follows a chain, and the seqs that it has printed. */
class Following {
  readonly seqs: number[] = []
  stderr = ''
  #rest = ''

  private constructor(readonly child: ChildProcess) {
    child.stdout?.on('data', (chunk: Buffer) => {
      const lines = (this.#rest + String(chunk)).split('\n')
      this.#rest = lines.pop() ?? ''
      this.seqs.push(...lines.map((line) => JSON.parse(line).seq as number))
    })
    child.stderr?.on('data', (chunk: Buffer) => {
      this.stderr += String(chunk)
    })
  }

  static async start(words: readonly string[], env: Record<string, string> = {}): Promise<Following> {
    return new Following(await spawnCli(['list', '--follow', '--json', ...words], { env }))
  }

  async until(isThere: () => boolean): Promise<void> {
    for (const end = Date.now() + 30_000; !isThere(); await sleep(20)) {
      if (Date.now() > end) throw new Error(`printed ${this.seqs.join(' ')}; stderr: ${this.stderr}`)
    }
  }

  async stop(): Promise<number | null> {
    const ended = finished(this.child as never)
    this.child.kill('SIGINT')
    return (await ended).code
  }
}

describe('list --follow of a mirror', () => {
  const root = mkdtempSync(join(tmpdir(), 'follow-'))
  let store: MirrorStore
  let url: string

  async function put(seqs: readonly number[], bytes?: Uint8Array): Promise<void> {
    for (const seq of seqs) {
      const row = rows[seq - 1] as ChainedEntry
      await store.create(mirrorCodec.key(CHAIN, seq), bytes ?? (await mirrorCodec.encode(row)), signal)
    }
  }

  async function begin(name: string, seqs: readonly number[]): Promise<readonly string[]> {
    url = pathToFileURL(join(root, name)).href
    mkdirSync(join(root, name))
    store = await openMirror(url)
    await put(seqs)
    return ['--domain', CHAIN, '--source', 'mirror', '--mirror', url]
  }

  afterAll(() => rmSync(root, { recursive: true, force: true }))

  it('prints each row once, also those that are uploaded after rows with a higher seq', async () => {
    const source = await begin('late', [1, 2, 3, 6])
    const following = await Following.start([...source, '--last', '1'])
    await following.until(() => following.seqs.length === 1)
    await put([9])
    await put([5])
    await following.until(() => following.seqs.includes(5))
    await put([8, 7])
    await put([4])
    await following.until(() => following.seqs.length >= 6)
    const code = await following.stop()
    expect({ code, seqs: following.seqs[0], all: [...following.seqs].sort() }).toEqual({
      code: 130,
      seqs: 6,
      all: [4, 5, 6, 7, 8, 9],
    })
    expect(following.seqs.filter((seq) => seq > 6)).toEqual([7, 8, 9])
  })

  it('goes on behind a row that does not come, names it, and prints it when it comes', async () => {
    const source = await begin('gap', [1, 2])
    const following = await Following.start([...source, '--last', '1'])
    await following.until(() => following.seqs.length === 1)
    await put([4])
    await following.until(() => following.seqs.length === 2)
    expect(following.stderr).toContain(
      `note: row 3 is missing in chain ${CHAIN}; run: audit verify --domain ${CHAIN} --source mirror --mirror ${url}`,
    )
    await put([3])
    await following.until(() => following.seqs.length === 3)
    expect([await following.stop(), following.seqs]).toEqual([130, [2, 4, 3]])
  })

  it.each([
    ['before it began', [3], []],
    ['while it runs', [], [3]],
  ])('names a row that cannot be decoded and that a filter hides, %s', async (name, before, after) => {
    const source = await begin(name, [1, 2])
    await put(before, Buffer.from('junk'))
    const following = await Following.start([...source, '--all', '--reason', 'out_of_scope'])
    await following.until(() => following.seqs.length === 1)
    await put(after, Buffer.from('junk'))
    await put([4])
    await following.until(() => following.seqs.length === 2)
    expect([await following.stop(), following.seqs]).toEqual([1, [2, 4]])
    expect(following.stderr).toContain('left out: row 3 has no canonical bytes')
  })
})

describe('list --follow of PostgreSQL', () => {
  let database: TestDatabase
  beforeAll(async () => {
    database = await testDatabase()
    await asSuperuser(database.url, `INSERT INTO audit_domain (domain_id) VALUES ('${CHAIN}')`)
    await insertRows(database.url, rows.slice(0, 3))
  })
  afterAll(() => database.drop())

  it('prints rows in order of seq, and a row that appears below the end', async () => {
    const env = { AUDIT_DATABASE_URL: database.url }
    const following = await Following.start(['--domain', CHAIN, '--last', '2'], env)
    await following.until(() => following.seqs.length === 2)
    await insertRows(database.url, rows.slice(3, 6))
    await following.until(() => following.seqs.length === 5)
    await insertRows(database.url, rows.slice(7, 8))
    await following.until(() => following.seqs.length === 6)
    await insertRows(database.url, [rows[6], rows[8]] as ChainedEntry[])
    await following.until(() => following.seqs.length === 8)
    expect([await following.stop(), following.seqs]).toEqual([130, [2, 3, 4, 5, 6, 8, 7, 9]])
    expect(following.stderr).toContain(
      `row 7 is missing in chain ${CHAIN}; run: audit verify --domain ${CHAIN}`,
    )
  })
})
