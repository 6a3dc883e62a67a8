import { existsSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { stampSql } from '../support/archive-stamps.js'
import { A, B } from '../support/attacks/attack.js'
import { a, PLATFORM } from '../support/attacks/chains.js'
import { type AttackFixture, attackFixture, type Field } from '../support/attacks/fixture.js'
import { isSummary } from '../support/attacks/verdict.js'
import { jsonLines, runCli } from '../support/cli.js'
import { at } from '../support/mirror-attacks/attack.js'
import { MirrorCopy } from '../support/mirror-attacks/mirror-copy.js'
import { type Fault, S3Server, type Seen } from '../support/s3-server.js'

const NOWHERE = 'postgresql://postgres@/audit?host=/nonexistent'
const UNKNOWN = '0190a8b8-a0c0-7a0a-8a0a-a0a0a0a0a0ff'
const ARCHIVED = stampSql()

/** The fault, if any, with which the server answers a request. */
type Faults = (request: Seen) => Fault | undefined
const onKey =
  (key: string, fault: Fault): Faults =>
  (request) =>
    request.verb === 'GET' && request.key.endsWith(key) ? fault : undefined
const always =
  (fault: Fault): Faults =>
  () =>
    fault

interface Case {
  readonly name: string
  readonly source?: 'mirror' | 'both'
  readonly url: () => string
  readonly words?: readonly string[]
  readonly fault?: Faults
  readonly database?: () => string
  readonly exit: number
  readonly error?: string
  /** A part of the hint; a URL: the mirror that the hint says to give. */
  readonly hint?: string | undefined
  /** A part of the message. */
  readonly says?: string
  /** With `--all`: the number of chains that were judged besides the one that could not be. */
  readonly judged?: number
}

const home = join(mkdtempSync(join(tmpdir(), 'mirror-verdicts-')), 'home')
const ofA = ['--domain', A]
let fixture: AttackFixture
let field: Field
let mirror: MirrorCopy
let tampered: MirrorCopy
let server: S3Server

beforeAll(async () => {
  fixture = await attackFixture()
  field = await fixture.attacked(ARCHIVED)
  mirror = await MirrorCopy.ofChains()
  tampered = await mirror.copied()
  await tampered.put(at(4), Buffer.from('junk'))
  server = await S3Server.start()
  server.addBucket('intact')
  server.addBucket('tampered')
  for (const [bucket, copy] of [
    ['intact', mirror],
    ['tampered', tampered],
  ] as const) {
    for (const key of await copy.keys()) server.put(bucket, `run/${key}`, await copy.read(key))
  }
  for (const bucket of ['odd', 'plus', 'unnamed']) server.addBucket(bucket)
  for (const key of await mirror.keys()) {
    server.put('odd', `dt=2026/${key}`, await mirror.read(key))
    server.put('plus', `x/a+b/${key}`, await mirror.read(key))
    server.put('unnamed', `a b/${key}`, await mirror.read(key))
  }
  server.addBucket('headless')
  for (const key of (await mirror.keys()).filter((name) => !name.includes(PLATFORM))) {
    server.put('headless', `run/${key}`, await mirror.read(key))
    server.put('headless', `damaged/${key}`, await tampered.read(key))
  }
})

afterAll(async () => {
  await server.stop()
  await field.drop()
  await fixture.drop()
  await mirror.drop()
  await tampered.drop()
  rmSync(join(home, '..'), { recursive: true })
})

const intact = () => 's3://intact/run'
const damaged = () => 's3://tampered/run'
const ofDirectory = () => mirror.url
const error500: Fault = { kind: 'error', status: 500, code: 'InternalError' }
const denied: Fault = { kind: 'error', status: 403, code: 'AccessDenied' }

const CASES: readonly Case[] = [
  { name: 'intact', url: intact, exit: 0 },
  { name: 'intact, every chain', url: intact, words: ['--all'], exit: 0, judged: 3 },
  { name: 'intact, pinned', url: intact, words: [...ofA, '--expect-head', `8:${a(8).entryHash}`], exit: 0 },
  {
    name: 'another head than the pinned one',
    url: intact,
    words: [...ofA, '--expect-head', `8:${a(7).entryHash}`],
    exit: 1,
  },
  { name: 'tampered', url: damaged, exit: 1 },
  {
    name: 'a bucket that does not exist',
    url: () => 's3://nowhere/run',
    exit: 3,
    error: 'mirror_unavailable',
  },
  {
    name: 'a prefix that does not exist',
    url: () => 's3://intact/elsewhere',
    exit: 4,
    error: 'domain_not_found',
  },
  {
    name: 'a prefix that does not exist, every chain',
    url: () => 's3://intact/elsewhere',
    words: ['--all'],
    exit: 4,
    error: 'nothing_to_verify',
  },
  {
    name: 'a prefix that does not exist, pinned',
    url: () => 's3://intact/elsewhere',
    words: [...ofA, '--expect-head', `8:${a(8).entryHash}`],
    exit: 1,
  },
  {
    name: 'an unknown Domain',
    url: intact,
    words: ['--domain', UNKNOWN],
    exit: 4,
    error: 'domain_not_found',
  },
  {
    name: 'a directory that does not exist',
    url: () => pathToFileURL(join(home, 'none')).href,
    exit: 3,
    error: 'mirror_unavailable',
    hint: 'mount it, or check --mirror',
  },
  {
    name: 'a directory with nothing in it',
    url: () => pathToFileURL(join(home, '..')).href,
    exit: 4,
    error: 'domain_not_found',
  },
  {
    name: 'a directory that is a file',
    url: () => `${mirror.url}/${at(4)}`,
    exit: 3,
    error: 'mirror_unavailable',
  },
  { name: 'no mirror URL', url: () => 'elsewhere', exit: 2, error: 'usage' },
  {
    name: 'an object that cannot be fetched',
    url: intact,
    fault: onKey(at(4), error500),
    exit: 3,
    error: 'mirror_unavailable',
  },
  {
    name: 'an object whose answer breaks off',
    url: intact,
    fault: onKey(at(4), { kind: 'half' }),
    exit: 3,
    error: 'mirror_unavailable',
  },
  {
    name: 'an object whose answer in chunks ends early',
    url: intact,
    fault: onKey(at(4), { kind: 'short' }),
    exit: 3,
    error: 'mirror_unavailable',
  },
  {
    name: 'an object that may not be fetched',
    url: intact,
    fault: onKey(at(4), denied),
    exit: 3,
    error: 'mirror_permission_denied',
  },
  {
    name: 'an object that cannot be fetched, and damage',
    url: damaged,
    fault: onKey(at(6), error500),
    exit: 1,
    error: 'mirror_unavailable',
    judged: 1,
  },
  {
    name: 'an object that cannot be fetched, every chain',
    url: intact,
    words: ['--all'],
    fault: onKey(at(4), error500),
    exit: 3,
    error: 'mirror_unavailable',
    judged: 2,
  },
  {
    name: 'an object that cannot be fetched, and damage in another chain',
    url: damaged,
    words: ['--all'],
    fault: onKey(`${B}/${at(2).split('/').at(-1)}`, error500),
    exit: 1,
    error: 'mirror_unavailable',
    judged: 2,
  },
  {
    name: 'a listing that fails',
    url: intact,
    fault: (request) => (request.verb === 'LIST' ? error500 : undefined),
    says: `mirror s3://intact/run: audit/${A}/ cannot be listed`,
    exit: 3,
    error: 'mirror_unavailable',
  },
  ...[
    ['an HTML page', '<!doctype html><html><body>Sign in</body></html>'],
    ['nothing', ''],
    ['an empty element', '<ListBucketResult/>'],
    ['JSON', '{}'],
    ['an error with status 200', '<Error><Code>InternalError</Code></Error>'],
  ].flatMap(([what = '', body = '']): Case[] =>
    (['mirror', 'both'] as const).flatMap((source) => [
      {
        name: `${source}: a listing that is ${what}`,
        source,
        url: intact,
        fault: ({ verb }) => (verb === 'LIST' ? { kind: 'body', body } : undefined),
        exit: 3,
        error: 'mirror_unavailable',
      },
      {
        name: `${source}: every answer is ${what}, every chain`,
        source,
        url: intact,
        words: ['--all'],
        fault: always({ kind: 'body', body }),
        exit: 3,
        error: 'mirror_unavailable',
      },
    ]),
  ),
  {
    name: 'an object that is an HTML page',
    url: intact,
    fault: onKey(at(4), { kind: 'body', body: '<html>Blocked</html>', etag: '"page"' }),
    exit: 3,
    error: 'mirror_unavailable',
  },
  {
    name: 'a bucket without the platform chain, every chain',
    url: () => 's3://headless/run',
    words: ['--all'],
    exit: 3,
    error: 'platform_chain_absent',
    judged: 2,
  },
  {
    name: 'a damaged bucket without the platform chain, every chain',
    url: () => 's3://headless/damaged',
    words: ['--all'],
    exit: 1,
    error: 'platform_chain_absent',
    judged: 2,
  },
  ...[
    ['the folder of all chains', 's3://intact/run/audit', 's3://intact/run'],
    ['the folder of one chain', `s3://intact/run/audit/${A}`, 's3://intact/run'],
    ['the bucket above', 's3://intact', 's3://intact/run'],
    ['the bucket above a folder with =', 's3://odd', 's3://odd/dt=2026'],
    ['the bucket two above a folder with +', 's3://plus', 's3://plus/x/a+b'],
  ].flatMap(([what = '', given = '', right]): Case[] => [
    {
      name: `${what}, every chain`,
      url: () => given,
      words: ['--all'],
      exit: 4,
      error: 'nothing_to_verify',
      hint: right,
    },
    { name: what, url: () => given, exit: 4, error: 'domain_not_found', hint: right },
  ]),
  {
    name: 'the bucket above a folder that no URL can name',
    url: () => 's3://unnamed',
    exit: 4,
    error: 'domain_not_found',
    says: 'in the mirror s3://unnamed',
    hint: 'check --mirror',
  },
  {
    name: 'a directory above the mirror',
    url: () => pathToFileURL(dirname(mirror.dir)).href,
    exit: 4,
    error: 'domain_not_found',
  },
  {
    name: 'the folder of all chains in a directory',
    url: () => `${mirror.url}/audit`,
    words: ['--all'],
    exit: 4,
    error: 'nothing_to_verify',
    hint: 'file:///',
  },
  {
    name: 'a server that may not be asked',
    url: intact,
    fault: always(denied),
    exit: 3,
    error: 'mirror_permission_denied',
  },
  { name: 'both copies', source: 'both', url: intact, exit: 0 },
  {
    name: 'both copies, the mirror cannot be read',
    source: 'both',
    url: intact,
    fault: onKey(at(4), error500),
    exit: 3,
    error: 'mirror_unavailable',
  },
  {
    name: 'both copies, the mirror cannot be read to its end, and damage before',
    source: 'both',
    url: damaged,
    words: [...ofA, '--no-quarantine'],
    fault: onKey(at(6), error500),
    exit: 1,
    error: 'mirror_unavailable',
    judged: 1,
  },
  {
    name: 'both copies, every chain, the mirror cannot be listed',
    source: 'both',
    url: intact,
    words: ['--all'],
    fault: always(denied),
    exit: 3,
    error: 'mirror_permission_denied',
  },
  {
    name: 'both copies, no database',
    source: 'both',
    url: ofDirectory,
    database: () => NOWHERE,
    exit: 3,
    error: 'database_unavailable',
  },
  {
    name: 'both copies, an unknown Domain',
    source: 'both',
    url: ofDirectory,
    words: ['--domain', UNKNOWN],
    exit: 4,
    error: 'domain_not_found',
  },
]

/** No hint sends a reader who has only the mirror to a command that opens a database. */
function assertOffline(source: string, stderr: string): void {
  if (source !== 'mirror') return
  expect(stderr).not.toMatch(/audit (?!verify)|audit verify (?!.*--source mirror|--help)/)
}

function assertStderr({ error, hint, says }: Case, form: 'JSON' | 'text', stderr: string): void {
  if (hint !== undefined) expect(stderr).toContain(hint.includes('://') ? `give: --mirror ${hint}` : hint)
  if (says !== undefined) expect(stderr).toContain(says)
  if (error === undefined) expect(stderr).not.toMatch(/error/i)
  else if (form === 'text') expect(stderr).toMatch(/^Error: /)
  else expect(JSON.parse(stderr.split('\n')[0] ?? '')).toMatchObject({ error: { code: error } })
}

function assertResults({ source = 'mirror', error, judged }: Case, stdout: string): void {
  const results = jsonLines(stdout).filter((line) => !isSummary(line))
  expect(results.length).toBe(judged ?? (error === undefined ? 1 : 0))
  for (const result of results) expect(result).toMatchObject({ source })
}

/** The cases run one after the other, because the server has one fault at a time. */
describe.each([
  ['JSON', ['--json']],
  ['text', []],
] as const)('verify of a mirror, %s', (form, json) => {
  it.each(CASES.map((row) => [row.name, row] as const))('%s', async (_name, row) => {
    const { source = 'mirror', url, words = ofA, fault = () => undefined, exit } = row
    const database = row.database ?? (source === 'mirror' ? () => NOWHERE : () => field.url)
    const env = {
      AUDIT_DATABASE_URL: database(),
      AUDIT_HOME: home,
      AUDIT_MIRROR_URL: url(),
      AUDIT_S3_ENDPOINT: server.url,
      AWS_ACCESS_KEY_ID: 'KEYID',
      AWS_SECRET_ACCESS_KEY: 'SECRET',
    }
    server.fault = fault
    const { code, stdout, stderr } = await runCli(['verify', '--source', source, ...words, ...json], { env })
    expect(code, stderr).toBe(exit)
    expect(stderr).not.toMatch(/KEYID|SECRET/)
    assertOffline(source, stderr)
    assertStderr(row, form, stderr)
    if (form === 'JSON') assertResults(row, stdout)
    // A verify creates no home and no Postgres.
    expect(existsSync(home)).toBe(false)
  })
})
