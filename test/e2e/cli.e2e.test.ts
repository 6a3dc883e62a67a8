import { execFileSync } from 'node:child_process'
import { rmSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import {
  BIN,
  type CliResult,
  ensureBuilt,
  jsonLines,
  type ProcessOptions,
  ROOT,
  runCli,
  runProcess,
} from '../support/cli.js'
import { type FixtureCli, fixtureCli } from '../support/fixture-cli.js'

const SECRET = 'hunter2'
const URL_WITH_SECRET = `postgres://audit:${SECRET}@127.0.0.1:1/x`

let fixture: FixtureCli

beforeAll(async () => {
  await ensureBuilt()
  fixture = await fixtureCli()
})
afterAll(() => fixture.remove())

const inFixture = (args: readonly string[], options: ProcessOptions = {}) =>
  runProcess(args, { bin: fixture.bin, ...options })

/** Expects one error with three fields, on stderr only, without a stack or a secret. */
function expectError(result: CliResult, json: boolean, code: string): void {
  expect(result.stdout).toBe('')
  expect(result.stderr).not.toContain(SECRET)
  expect(result.stderr).not.toMatch(/^\s+at /m)
  if (json) expectErrorDocument(result, code)
  else expect(result.stderr).toMatch(/^Error: [^\n]+\n( {2}[^\n]+\n)*$/m)
}

function expectErrorDocument(result: CliResult, code: string): void {
  const [document, ...more] = jsonLines(result.stderr)
  expect(more).toEqual([])
  expect(document).toMatchObject({ error: { code, message: expect.any(String) } })
}

const FORMS = [
  ['text', []],
  ['json', ['--json']],
] as const

const REFUSED: readonly string[][] = [
  [],
  ['nosuch'],
  ['nosuch', '--help'],
  ['help', 'nosuch'],
  ['nosuch', URL_WITH_SECRET],
  ['db'],
  ['db', 'nosuch'],
  ['db', 'nosuch', '--help'],
  ['db', 'status', 'extra'],
  ['db', 'status', URL_WITH_SECRET],
  ['db', 'status', '--nope'],
  ['db', 'status', `--databaze-url=${URL_WITH_SECRET}`],
  ['db', 'status', '--database-url', `nonsense:${SECRET}`],
  ['db', 'status', '--database-url', `postgres://audit:${SECRET}@h:port/x`],
  ['db', 'status', '--home'],
  ['db', 'url', '--database-url', URL_WITH_SECRET],
  ['db', 'stop', '--database-url', URL_WITH_SECRET],
]

describe.concurrent.each(FORMS)('usage, %s', (form, flags) => {
  it.each(REFUSED.map((args) => ({ args })))('ends with 2 for audit $args', async ({ args }) => {
    const result = await runCli([...args, ...flags], { env: { AUDIT_DATABASE_URL: URL_WITH_SECRET } })
    expectError(result, form === 'json', 'usage')
    expect(result.code).toBe(2)
  })
})

const PARSED: readonly { args: string[]; says: string; code?: string; env?: Record<string, string> }[] = [
  { args: ['needs'], says: 'missing argument: id' },
  { args: ['parse'], says: 'missing required flag --needed' },
  { args: ['parse', '--needed'], says: '--needed expects a value' },
  { args: ['parse', '--needed', SECRET, '--needed', SECRET], says: '--needed can be given only once' },
  {
    args: ['parse', '--needed', 'x', '--format', SECRET],
    says: '--format: expected one of ndjson, cloudtrail',
  },
  {
    args: ['parse', '--needed', 'x'],
    env: { AUDIT_FORMAT: SECRET },
    says: '--format: expected one of ndjson, cloudtrail',
  },
  { args: ['parse', '--needed', 'x', '--limit', SECRET], says: '--limit: expected an integer' },
  {
    args: ['parse', '--needed', 'x', '--limit', '3', '--lone', SECRET],
    says: '--limit cannot also be provided',
  },
  { args: ['parse', '--needed', 'x', '--foreign', SECRET], says: '--foreign: not a valid value' },
  {
    args: ['parse', '--needed', 'x', '--own', SECRET],
    says: '--own: expected a range',
    code: 'invalid_range',
  },
  { args: ['parse', 'file', SECRET], says: 'expected an argument that is one of a, b' },
  { args: ['parse', 'file', 'a', SECRET, SECRET], says: '2 unexpected arguments' },
  { args: ['parse', `-${SECRET}`], says: 'no such flag: -h' },
  { args: ['parse', '--needed', 'x'], says: 'no chain chosen' },
  {
    args: ['parse', '--needed', 'x', '--domain', 'x', '--platform'],
    says: '--domain and --platform exclude',
  },
  {
    args: ['parse', '--needed', 'x', '--domain', SECRET],
    says: 'expected a UUID',
    code: 'invalid_domain_id',
  },
]

describe.concurrent.each(FORMS)('flags and arguments, %s', (form, flags) => {
  it.each(PARSED)('says for $args: $says', async ({ args, says, code, env }) => {
    const result = await runCli([...args, ...flags], { root: fixture.root, env: env ?? {} })
    expectError(result, form === 'json', code ?? 'usage')
    expect(result.stderr).toContain(says)
    expect(result.code).toBe(2)
  })
})

describe('the chain', () => {
  const domain = '018f0000-0000-7000-8000-000000000001'

  it.each([
    { flags: ['--platform'], chain: '706c6174-666f-726d-8000-000000000000' },
    { flags: [], chain: domain },
    {
      flags: ['--domain', '018F0000-0000-7000-8000-000000000002'],
      chain: '018f0000-0000-7000-8000-000000000002',
    },
  ])('is named by $flags rather than by AUDIT_DOMAIN', async ({ flags, chain }) => {
    const result = await inFixture(['parse', '--needed', 'x', ...flags], { env: { AUDIT_DOMAIN: domain } })
    expect(jsonLines(result.stdout)).toEqual([{ chain }])
    expect(result.code).toBe(0)
  })

  it('is not read from stdin when the argument is missing', async () => {
    const result = await inFixture(['parse', '--needed', 'x', '--platform'], { input: 'first line\n' })
    expect(jsonLines(result.stdout)).toEqual([{ chain: '706c6174-666f-726d-8000-000000000000' }])
  })
})

const BAD_ENDS = [
  { how: 'throw', exit: 70, code: 'internal' },
  { how: 'string', exit: 70, code: 'internal' },
  { how: 'uncaught', exit: 70, code: 'internal' },
  { how: 'unhandled', exit: 70, code: 'internal' },
  { how: 'hang', exit: 70, code: 'internal' },
  { how: 'exit', exit: 70, code: 'internal' },
  { how: 'error', exit: 70, code: 'internal' },
  { how: 'audit', exit: 3, code: 'database_unavailable' },
  { how: 'hostile', exit: 2, code: 'invalid_input' },
  { how: 'finding', exit: 1, code: 'internal' },
] as const

describe.concurrent.each(FORMS)('bad ends, %s', (form, flags) => {
  it.each(BAD_ENDS)('ends, when $how, with $exit', async ({ how, exit, code }) => {
    const result = await inFixture(['crash', '--how', how, ...flags])
    expectError(result, form === 'json', code)
    expect(result.code).toBe(exit)
  })

  it.each(['throw', 'uncaught'])('prints everything that came before %s', async (how) => {
    const result = await inFixture(['crash', '--how', how, '--after', '50000', ...flags])
    expect(jsonLines(result.stdout)).toHaveLength(50_000)
    expect(result.code).toBe(70)
  })

  it('ends with 70 when the module of a command is missing', async () => {
    const broken = await fixtureCli()
    rmSync(join(broken.root, 'dist/bundle/commands/needs.js'))
    const result = await runProcess(['needs', ...flags], { bin: broken.bin })
    broken.remove()
    expectError(result, form === 'json', 'internal')
    expect(result.code).toBe(70)
  })

  it.each(['dist', 'dist/bundle/src', 'dist/bundle/commands'])(
    'ends with 70 without %s, and says what to do',
    async (dir) => {
      const unbuilt = await fixtureCli()
      rmSync(join(unbuilt.root, dir), { recursive: true })
      const result = await runProcess(['db', 'status', ...flags], { bin: unbuilt.bin })
      unbuilt.remove()
      expectError(result, form === 'json', 'internal')
      expect(result.stderr).toContain('npm run build')
      expect(result.code).toBe(70)
    },
  )
})

it('can be executed as a program', () => {
  expect(execFileSync(BIN, ['--version'], { encoding: 'utf8' })).toMatch(/^audit-chain\/\d/)
})

it('prints a stack without a secret when AUDIT_DEBUG is set', async () => {
  const result = await inFixture(['crash', '--how', 'throw'], { env: { AUDIT_DEBUG: '1' } })
  expect(result.stderr).toMatch(/^\s+at .*crash\.js/m)
  expect(result.stderr).not.toContain(SECRET)
})

it('prints neither argv nor environment when DEBUG is set', async () => {
  const env = { DEBUG: '*', CLI_FLAGS_DEBUG: '1', AUDIT_DATABASE_URL: URL_WITH_SECRET }
  const result = await runProcess(['db', 'status', '--actor', SECRET], { env })
  expect(result.stderr).not.toContain(SECRET)
  expect(result.code).toBe(3)
})

describe('hostile text', () => {
  const visible = String.raw`a\x1b[31mb\u{202e}c\nd\x9be\u{d800}f\u{200b}`

  it('is escaped in a table, in fields and in a line', async () => {
    const { stdout, code } = await inFixture(['show'])
    expect(stdout.split('\n')).toEqual([
      'seq  text',
      `1    ${visible}`,
      `text  ${visible}`,
      `text ${visible}`,
      '',
    ])
    expect(code).toBe(0)
  })

  it('is escaped in JSON, with the same value, and a bigint is a number', async () => {
    const { stdout } = await inFixture(['show', '--json'])
    expect(stdout).toMatch(/^[ -~]+\n$/)
    expect(jsonLines(stdout)).toEqual([{ text: 'a\u001b[31mb\u202ec\nd\u009be\ud800f\u200b', seq: 7 }])
  })

  it('is escaped in an error', async () => {
    const { stderr } = await inFixture(['crash', '--how', 'hostile'])
    expect(stderr).toBe(`Error: bad ${String.raw`\x1b[2J\u{202e}\x9b`} name\n  second line\n`)
  })
})

describe.concurrent('help', () => {
  it.each([
    [['--help']],
    [['-h']],
    [['help']],
    [['help', 'db']],
    [['db', '--help']],
    [['db', 'status', '--help']],
    [['help', 'db', 'status']],
    [['db', 'status', '--nope', '--help']],
  ])('prints the exit codes and ends with 0 for audit %j', async (args) => {
    const { code, stdout, stderr } = await runProcess(args)
    expect(stdout).toContain('EXIT CODES')
    expect(stderr).toBe('')
    expect(code).toBe(0)
  })

  it('wraps the lines of a paragraph once', async () => {
    const { stdout } = await runProcess(['append', '--help'])
    const [, paragraph = ''] = /DESCRIPTION\n.*\n\n((?: {2}.+\n)+)/.exec(stdout) ?? []
    const lines = paragraph.trimEnd().split('\n')
    expect(lines.length).toBeGreaterThan(3)
    for (const [index, line] of lines.slice(0, -1).entries()) {
      const [next = ''] = lines[index + 1]?.trim().split(' ') ?? []
      expect(`${line} ${next}`.length).toBeGreaterThan(78)
    }
  })

  it('describes the topic archive, and not the first of its commands', async () => {
    const { stdout } = await runProcess(['archive', '--help'])
    expect(stdout.split('\n')[0]).toMatch(/^The mirror: /)
  })

  it('prints name and version for --version', async () => {
    const { code, stdout } = await runProcess(['--version'])
    expect(stdout).toMatch(/^audit-chain\/\d+\.\d+\.\d+ .*\n$/)
    expect(code).toBe(0)
  })

  it('loads no database, table, schema or terminal library', async () => {
    const probe = join(ROOT, 'test/fixtures/cli/log-imports.mjs')
    // The fixture is not bundled: the chunks of a bundle do not name their packages.
    const { stderr } = await inFixture(['--help'], { env: { NODE_OPTIONS: `--import=${probe}` } })
    const packages = new Set(
      [...stderr.matchAll(/node_modules\/((?:@[^/]+\/)?[^/]+)/g)].map((match) => match[1]),
    )
    expect(packages).toContain('@oclif/core')
    expect([...packages].filter((name) => !OF_OCLIF.test(name ?? ''))).toEqual([])
  })
})

/** oclif and the modules that it imports to detect the platform, and one small file that finds what a mistyped word means. */
const OF_OCLIF =
  /^(@oclif\/core|fastest-levenshtein|wsl-utils|powershell-utils|is-(wsl|docker|inside-container))$/

it('shows no progress in a pipe', async () => {
  const { code, stdout, stderr } = await inFixture(['progress'])
  expect({ code, stdout, stderr }).toEqual({ code: 0, stdout: 'done\n', stderr: '' })
})
