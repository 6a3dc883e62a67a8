import { spawnSync } from 'node:child_process'
import { mkdtempSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { A, B, CHAINS, PLATFORM } from '../support/attacks/chains.js'
import { chainRows, insertDomain, insertRows } from '../support/chain-rows.js'
import { BIN, jsonLines, runCli } from '../support/cli.js'
import { MirrorCopy } from '../support/mirror-attacks/mirror-copy.js'
import { keyOf } from '../support/mirror-attacks/objects.js'
import { asSuperuser, type TestDatabase, testDatabase } from '../support/postgres.js'

const OWN = '0190a8b8-a0c0-7a0a-8a0a-a0a0a0a0a0a3'
const folderOf = (domainId: string) => keyOf(domainId, 1).split('/').slice(0, 2).join('/')

let intact: MirrorCopy
const root = mkdtempSync(join(tmpdir(), 'every chain '))
const map = join(root, 'map of mirrors')

beforeAll(async () => {
  intact = await MirrorCopy.ofChains()
  writeFileSync(map, `${B} ${pathToFileURL(join(root, 'gone')).href}\n`)
})

afterAll(async () => {
  await intact.drop()
  rmSync(root, { recursive: true, force: true })
})

interface Case {
  readonly name: string
  readonly change?: (copy: MirrorCopy) => Promise<void>
  readonly flags?: readonly string[]
  readonly exit: number
  /** The chains whose rows are in the answer. */
  readonly chains: readonly string[]
  /** The codes of the errors on stderr. */
  readonly errors: readonly string[]
  /** What stderr says besides. */
  readonly says?: string
}

const CASES: readonly Case[] = [
  { name: 'an intact mirror', exit: 0, chains: [PLATFORM, A, B], errors: [] },
  {
    name: 'a mirror that lost a chain',
    change: (copy) => copy.remove(folderOf(B)),
    exit: 3,
    chains: [PLATFORM, A],
    errors: ['chain_conflict'],
    says: `Domain ${B} is recorded, and this mirror holds no row of its chain`,
  },
  {
    name: 'a mirror that lost the platform chain',
    change: (copy) => copy.remove(folderOf(PLATFORM)),
    exit: 3,
    chains: [A, B],
    errors: ['platform_chain_absent'],
  },
  {
    name: 'a map whose mirror is gone',
    flags: ['--mirror-map', map],
    exit: 3,
    chains: [PLATFORM, A],
    errors: ['mirror_unavailable'],
    says: B,
  },
  {
    name: 'a mirror that has a file in place of a chain',
    change: async (copy) => {
      await copy.remove(folderOf(B))
      await copy.put(folderOf(B), Buffer.from('a file'))
    },
    exit: 3,
    chains: [PLATFORM, A],
    errors: ['chain_conflict'],
  },
  {
    name: 'a Domain with a mirror of its own',
    change: async (copy) => {
      const last = CHAINS[PLATFORM].at(-1)
      const path = [`mirror:s3://own/${'x'}`]
      const rows = [{ relation: 'audit.chain-create', object: `domain:${OWN}`, relationPath: path }]
      for (const row of chainRows(PLATFORM, rows, 4, last?.entryHash)) await copy.write({ ...row, reason: 1 })
    },
    exit: 0,
    chains: [PLATFORM, A, B],
    errors: [],
    says: `Domain ${OWN} is not in this mirror, and its rows are not in this answer: its own mirror is s3://own/x`,
  },
]

/** Returns the chains of an answer, whatever its form. */
function chainsOf(stdout: string): string[] {
  const found = jsonLines(stdout).flatMap((document) => {
    const { items, chains } = document as { items?: unknown[]; chains?: unknown[] }
    return items ?? chains ?? [document]
  })
  return [...new Set(found.map((row) => (row as { domain_id: string }).domain_id))].sort()
}

const textOf = (domainId: string) => (domainId === PLATFORM ? 'platform chain' : domainId)

const codesOf = (stderr: string) =>
  stderr.split('\n').flatMap((line) => (line.startsWith('{') ? [JSON.parse(line).error.code as string] : []))

const COMMANDS: readonly string[] = [
  'list --all',
  'list --limit 200',
  'list --last 100 --reverse',
  'list --verify --reason granted',
  'stats',
]

describe.each(CASES)('--all-chains of $name', ({ change, flags = [], exit, chains, errors, says = '' }) => {
  let copy: MirrorCopy
  beforeAll(async () => {
    copy = await intact.copied()
    await change?.(copy)
  })
  afterAll(() => copy.drop())

  it.each(COMMANDS)(`answers what is there and ends with ${exit}: %s`, async (words) => {
    const command = words.split(' ')
    const source = ['--all-chains', '--source', 'mirror', '--mirror', copy.url, ...flags]
    const asJson = await runCli([...command, ...source, '--json'])
    expect({ code: asJson.code, chains: chainsOf(asJson.stdout), errors: codesOf(asJson.stderr) }).toEqual({
      code: exit,
      chains: [...chains].sort(),
      errors,
    })
    const asText = await runCli([...command, ...source])
    expect(asText.code).toBe(exit)
    expect(asText.stderr).toContain(says)
    for (const domainId of chains) expect(asText.stdout).toContain(textOf(domainId))
  })
})

describe.each([
  ['removed with its registry entry', ''],
  ['removed, and whose registry entry is there', `INSERT INTO audit_domain (domain_id) VALUES ('${B}')`],
])('--all-chains of a PostgreSQL with a Domain whose rows were %s', (_name, registry) => {
  let database: TestDatabase
  beforeAll(async () => {
    database = await testDatabase()
    await insertRows(database.url, CHAINS[PLATFORM])
    if (registry !== '') await asSuperuser(database.url, registry)
    await insertDomain(database.url, A, [{ relation: 'audit.chain-create', object: `domain:${A}` }])
  })
  afterAll(() => database.drop())

  it.each(COMMANDS)('names that Domain and lists the others: %s', async (words) => {
    const command = words.split(' ')
    const env = { AUDIT_DATABASE_URL: database.url }
    const { code, stdout, stderr } = await runCli([...command, '--all-chains', '--json'], { env })
    expect({ code, chains: chainsOf(stdout), errors: codesOf(stderr) }).toEqual({
      code: 3,
      chains: [PLATFORM, A].sort(),
      errors: ['chain_conflict'],
    })
    expect(stderr).toContain('PostgreSQL holds no row of its chain')
  })
})

describe('the command that an answer names', () => {
  const dir = join(root, "it's here")
  let url: string
  beforeAll(async () => {
    const copy = await intact.copied()
    await copy.remove(keyOf(A, 4))
    renameSync(copy.dir, dir)
    url = pathToFileURL(dir).href
    const words = ['export', '--domain', A, '--source', 'mirror', '--mirror', url]
    await runCli([...words, '--output', join(dir, 'bundle.tar')])
  })

  const mirror = () => ['--domain', A, '--source', 'mirror', '--mirror', url, '--mirror-map', map]
  const bundle = () => [join(dir, 'bundle.tar')]

  it.each([
    ['list of a mirror', () => ['list', '--all', ...mirror()]],
    ['list --verify of a mirror', () => ['list', '--all', '--verify', ...mirror()]],
    ['get of a mirror', () => ['get', '5', ...mirror()]],
    ['stats of a mirror', () => ['stats', ...mirror()]],
    ['list of a bundle', () => ['list', '--all', ...bundle()]],
    ['get of a bundle', () => ['get', '5', ...bundle()]],
  ])('can be pasted into a shell, whatever the path: %s', async (_name, words) => {
    const { stderr } = await runCli(words())
    const command = /run: (audit verify .*)/.exec(stderr)?.[1] ?? stderr
    const { status, stdout } = spawnSync('/bin/bash', ['-c', `audit() { node "${BIN}" "$@"; }; ${command}`])
    expect({ status, stdout: String(stdout) }).toMatchObject({ status: 1 })
    expect(String(stdout)).toContain('seq_gap')
  })
})
