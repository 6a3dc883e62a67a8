import { execFileSync } from 'node:child_process'
import {
  closeSync,
  constants,
  mkdirSync,
  mkdtempSync,
  openSync,
  readFileSync,
  rmSync,
  writeFileSync,
  writeSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Readable } from 'node:stream'
import { setTimeout as sleep } from 'node:timers/promises'
import { gzipSync } from 'node:zlib'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type Candidate, ndjsonCandidates } from '../../src/append/input/candidates.js'
import { AuditError } from '../../src/base/errors.js'
import { type AuditSink, createSink } from '../../src/compose/create-sink.js'
import {
  AT_THE_EDGE,
  BAD_LINES,
  DOMAIN,
  jsonLine,
  lineOf,
  NIL,
  NO_DOMAIN,
  OTHER_DOMAIN,
  PLATFORM,
} from '../support/bad-lines.js'
import { ensureBuilt, finished, jsonLines, runCli, spawnCli } from '../support/cli.js'
import { rowsOf, type TestDatabase, testDatabase } from '../support/postgres.js'
import {
  expectClean,
  expectNoSecret,
  expectRefused,
  filesBelow,
  keyFile,
  type Refusal,
  SECRET,
  stateOf,
} from '../support/refusal.js'

/** The directory of the inputs. No command may change it. Its path is needed before the cases are listed. */
const dir = mkdtempSync(join(tmpdir(), 'audit-input-'))
const env: Record<string, string> = {}
let database: TestDatabase
let before: unknown
let filesBefore: unknown

beforeAll(async () => {
  await ensureBuilt()
  database = await testDatabase()
  Object.assign(env, { AUDIT_DATABASE_URL: database.url, AUDIT_PEPPER: `file://${keyFile(dir)}` })
  for (const domain of [DOMAIN, OTHER_DOMAIN]) {
    const { code } = await runCli(['domain', 'create', '--domain', domain], { env })
    expect(code).toBe(0)
  }
  before = await stateOf(database.url)
  filesBefore = filesBelow(dir)
})

afterAll(async () => {
  rmSync(dir, { recursive: true })
  await database.drop()
})

/** Expects the refusal, and the database and every file unchanged. */
async function holds(refusal: Refusal): Promise<void> {
  await expectRefused(refusal, { AUDIT_DOMAIN: DOMAIN, ...env })
  expect(await stateOf(database.url)).toEqual(before)
  expect(filesBelow(dir)).toEqual(filesBefore)
}

function file(name: string, content: string | Uint8Array): string {
  const path = join(dir, name)
  writeFileSync(path, content)
  return path
}

const NEWLINE = Buffer.from('\n')

/** Returns the error for a line that is read and recorded as `append` does. */
async function refusalOf(sink: AuditSink, line: Uint8Array): Promise<unknown> {
  const { value } = await ndjsonCandidates(Readable.from([line]), 'input').next()
  const entry = (value as readonly Candidate[] | undefined)?.[0]?.entry
  return entry === undefined || entry instanceof AuditError
    ? entry
    : sink.record(entry).catch((error: unknown) => error)
}

const LINES = BAD_LINES.map(
  ([name, line, says, code = 'invalid_input']): Refusal => ({
    name,
    args: ['append', '--stdin'],
    input: Buffer.concat([line, NEWLINE]),
    exit: 2,
    code,
    says: `standard input, line 1: ${says}`,
    hint: 'rows appended before it: 0; after it: none',
  }),
)

describe('a line of append', () => {
  let sink: AuditSink

  beforeAll(() => {
    const [databaseUrl = '', pepper = ''] = [env.AUDIT_DATABASE_URL, env.AUDIT_PEPPER]
    sink = createSink({ databaseUrl, pepper, defaults: { domainIds: [DOMAIN] } })
  })
  afterAll(() => sink.close())

  const cases = BAD_LINES.map(([name, line, says, code]) => ({ name, line, says, code }))

  it.each(cases)('refuses $name', async ({ line, says, code = 'invalid_input' }) => {
    const error = await refusalOf(sink, line)
    expect(error).toMatchObject({ name: 'AuditError', code, message: expect.stringContaining(says) })
    if (error instanceof AuditError) expectNoSecret(`${error.message}${JSON.stringify(error.advice)}`)
    expect(await stateOf(database.url)).toEqual(before)
  })

  // The rules are the same on both roads, and each error is printed alike: by the command line, every sixth.
  it.concurrent.each(LINES.filter((_, i) => i % 6 === 0))('refuses on the command line $name', holds)
})

const GOOD = `${jsonLine({})}\n`
const CLOUDTRAIL = {
  eventSource: 's3.amazonaws.com',
  eventName: 'GetObject',
  userIdentity: { principalId: SECRET.subject, arn: SECRET.plaintext },
}
const records = (...list: unknown[]) => JSON.stringify({ Records: list })
const zipped = gzipSync(records(CLOUDTRAIL).padEnd(4000))
const junk = Buffer.from(Array.from({ length: 4096 }, (_, i) => (i * 167 + 13) % 256))

/** Expects the error to name the file and its fault, and nothing appended. */
function ofFile(name: string, content: string | Uint8Array, says: string, format = 'ndjson'): Refusal {
  const path = file(name.replaceAll(' ', '-'), content)
  const args = ['append', '--format', format, path]
  return { name: `${name}, ${format}`, args, exit: 2, code: 'invalid_input', says: `${path}${says}` }
}

const trail = (name: string, content: string | Uint8Array, says: string) =>
  ofFile(name, content, says, 'cloudtrail')

const FILES: readonly Refusal[] = [
  { ...ofFile('an empty file', '', ''), says: 'the input holds no entry' },
  { ...ofFile('blank lines', '\n \r\n\t\n', ''), says: 'the input holds no entry' },
  { ...ofFile('a byte-order mark', '\ufeff', ''), says: 'the input holds no entry' },
  ofFile('junk', junk, ', line 1: not well-formed UTF-8'),
  ofFile('gzip', zipped, ': expected NDJSON, got gzip'),
  ofFile('ten megabytes', lineOf(10_000_000), ', line 1: longer than 1 MiB'),
  ofFile('UTF-16', Buffer.from(GOOD, 'utf16le'), ', line 1: not valid JSON'),
  trail('an empty trail', '', ': empty'),
  trail('junk', junk, ': not well-formed UTF-8'),
  trail('truncated gzip', zipped.subarray(0, -20), ': a truncated gzip'),
  trail('gzip of nothing', gzipSync(''), ': empty'),
  trail('a truncated gzip file', Buffer.concat([zipped.subarray(0, 10), junk]), ': not a whole gzip'),
  trail('truncated JSON', records(CLOUDTRAIL).slice(0, -5), ': not valid JSON'),
  trail('no Records', '{"records":[]}', ': expected {"Records":[…]}'),
  trail('Records of another type', '{"Records":{}}', ': expected {"Records":[…]}'),
  { ...trail('no record', records(), ''), says: 'the input holds no entry' },
  trail('a record that is null', records(null), ', record 1: record: missing, or of a wrong type'),
  trail('no eventName', records({ ...CLOUDTRAIL, eventName: undefined }), ', record 1: eventName: missing'),
  trail(
    'a record whose identity is text',
    records({ ...CLOUDTRAIL, userIdentity: 'x' }),
    ', record 1: userIdentity: missing, or of a wrong type',
  ),
  trail('two members Records', '{"Records":[],"Records":[]}', ': a key occurs twice in one object'),
  trail(
    'a long name',
    records({ ...CLOUDTRAIL, eventName: 'E'.repeat(126) }),
    ', record 1: relation: expected',
  ),
  {
    ...trail(
      'a person',
      records({ ...CLOUDTRAIL, eventName: `From ${SECRET.ip}`, sourceIPAddress: SECRET.ip }),
      ', record 1: relation holds the ip',
    ),
    code: 'personal_data_in_chain',
  },
]

const folder = join(dir, 'a-folder')
mkdirSync(folder)
const existing = file('rejected-before', 'precious\n')
const good = file('good', GOOD)
const missing = join(dir, 'missing')

const append = (
  name: string,
  args: string[],
  says: Refusal['says'],
  more: Partial<Refusal> = {},
): Refusal => ({
  name,
  args: ['append', ...args],
  exit: 2,
  code: 'usage',
  says,
  ...more,
})

const unreadable = { exit: 3, code: 'file_unreadable' } as const
const INPUTS: readonly Refusal[] = [
  append('no input', [], 'nothing to append: expected --subject, --relation and --object, --stdin, or files'),
  append('empty stdin', ['--stdin'], 'the input holds no entry', { code: 'invalid_input', input: '' }),
  append('blank stdin', ['--stdin'], 'the input holds no entry', { code: 'invalid_input', input: '\n\n \n' }),
  append('a directory', [folder], `${folder}: cannot be read (EISDIR)`, unreadable),
  append('a trail that is a directory', [folder, '--format', 'cloudtrail'], '(EISDIR)', unreadable),
  append('a missing path', [missing], `${missing}: cannot be read (ENOENT)`, unreadable),
  append(
    'a missing trail',
    [missing, '--format', 'cloudtrail'],
    `${missing}: cannot be read (ENOENT)`,
    unreadable,
  ),
  append('a path below a file', [join(good, 'x')], '(ENOTDIR)', unreadable),
  append('an empty name', [''], 'the name of a file is empty'),
  append('a dash', ['-'], 'for standard input: --stdin'),
  append('stdin and a file', ['--stdin', good], 'files and --stdin exclude each other', { input: GOOD }),
  append('stdin and flags', ['--stdin', '--subject', 'x'], '--stdin and --subject exclude each other', {
    input: GOOD,
  }),
  append('a file and flags', [good, '--zedtoken', 'x'], 'files and --zedtoken exclude each other'),
  append('stdin as cloudtrail', ['--stdin', '--format', 'cloudtrail'], '--stdin reads NDJSON', {
    input: GOOD,
  }),
  append('an idempotent NDJSON file', [good, '--idempotent'], '--idempotent is for --format cloudtrail'),
  append(
    'an idempotent entry',
    ['--idempotent', '--subject', 'x'],
    '--idempotent is for --format cloudtrail',
  ),
  append('an unknown format', [good, '--format', 'csv'], '--format: expected one of ndjson, cloudtrail'),
  append('an unknown flag', [`--plaintxt=${SECRET.plaintext}`, good], 'no such flag: --plaintxt'),
  append('rejects that exist', [good, '--rejects', existing], `--rejects: ${existing} already exists`),
  append('rejects into nowhere', [good, '--rejects', join(missing, 'x')], `cannot be made (ENOENT)`, {
    exit: 3,
    code: 'output_failed',
  }),
  append('rejects over the input', [good, '--rejects', good], `--rejects: ${good} already exists`),
  append('rejects of no entry', ['--stdin', '--rejects', 'rejected'], 'the input holds no entry', {
    code: 'invalid_input',
    input: '',
  }),
  append(
    'rejects of a missing file',
    [missing, '--rejects', 'rejected'],
    'cannot be read (ENOENT)',
    unreadable,
  ),
]

describe('files and streams', () => {
  it.concurrent.each([...FILES, ...INPUTS])('$name', holds)
})

describe('an input that stays open', () => {
  const fifo = (name: string) => {
    const path = join(dir, name)
    execFileSync('mkfifo', [path])
    return path
  }

  it('is not waited for after a bad line on standard input', async () => {
    const child = await spawnCli(['append', '--stdin', '--domain', DOMAIN], { env })
    child.stdin.on('error', () => undefined)
    child.stdin.write('bad\n')
    const { code, stderr } = await finished(child)
    expect({ code, stderr }).toMatchObject({
      code: 2,
      stderr: expect.stringContaining('line 1: not valid JSON'),
    })
  })

  it('is not waited for after a bad line in a FIFO', async () => {
    const path = fifo('fed')
    // Opened for reading and writing, the FIFO has a reader at once, so opening it does not block.
    const feeder = openSync(path, constants.O_RDWR)
    writeSync(feeder, 'bad\n')
    const { code, stderr } = await runCli(['append', path, '--domain', DOMAIN], { env })
    closeSync(feeder)
    rmSync(path)
    expect({ code, stderr }).toMatchObject({
      code: 2,
      stderr: expect.stringContaining('line 1: not valid JSON'),
    })
  })

  it.each(['ndjson', 'cloudtrail'])('does not delay the end after a signal, %s', async (format) => {
    const path = fifo(`unfed-${format}`)
    const child = await spawnCli(['append', path, '--format', format, '--domain', DOMAIN], { env })
    // The command reads its input once it has connected to the database.
    while ((await sessionsOf(database.url)) === 0) await sleep(20)
    child.kill('SIGTERM')
    expect(await finished(child)).toMatchObject({ code: 143, stdout: '' })
    rmSync(path)
  })
})

/** Returns the number of connections of the command line. */
async function sessionsOf(url: string): Promise<unknown> {
  const sessions = `SELECT count(*)::int AS n FROM pg_stat_activity
    WHERE datname = current_database() AND application_name = 'audit'`
  return (await rowsOf(url, sessions))[0]?.n
}

/** Returns a refusal of `append` with the entry of these flags. */
function flags(
  name: string,
  given: Record<string, string>,
  says: string,
  more: Partial<Refusal> = {},
): Refusal {
  const all = { subject: SECRET.subject, relation: 'doc.read', object: 'doc:1', ...given }
  const args = Object.entries(all).map(([flag, value]) => `--${flag}=${value}`)
  return append(name, args, says, { code: 'invalid_input', ...more })
}

const FLAGS: readonly Refusal[] = [
  append('a subject alone', ['--subject', SECRET.subject], 'an entry needs --relation and --object'),
  flags('an empty subject', { subject: '' }, 'subject_id: expected 1 to 512 bytes of UTF-8, got 0'),
  flags(
    'a long subject',
    { subject: 'ü'.repeat(257) },
    'subject_id: expected 1 to 512 bytes of UTF-8, got 514',
  ),
  flags(
    'a long relation',
    { relation: 'r'.repeat(129) },
    'relation: expected 1 to 128 bytes of UTF-8, got 129',
  ),
  flags('no object type', { object: SECRET.subject }, 'object: expected type:id'),
  flags('a fifth reason', { reason: 'denied' }, '--reason: expected one of granted', { code: 'usage' }),
  flags('a caveat value', { 'caveat-context': `ip=${SECRET.ip}` }, 'caveat_context: item 1: expected name'),
  flags('an invalid IP address', { ip: `${SECRET.ip}.1` }, 'context.ip: expected an IPv4 or IPv6 address'),
  flags(
    'a long e-mail',
    { 'email-claim': SECRET.email.padEnd(513, 'x') },
    'subject.email_claim: expected 1 to 512',
  ),
  flags(
    'metadata that is text',
    { metadata: SECRET.email },
    '--metadata: expected a JSON object: not valid JSON',
  ),
  flags('metadata with a key twice', { metadata: '{"a":1,"a":2}' }, 'a key occurs twice in one object'),
  flags('metadata that is a list', { metadata: '[]' }, 'context.metadata: expected a JSON object'),
  flags('the subject in the object', { object: `doc:${SECRET.subject}` }, 'object holds the subject_id', {
    code: 'personal_data_in_chain',
  }),
  flags(
    'a reserved relation',
    { relation: 'audit.checkpoint' },
    'relation: only the log itself writes audit.checkpoint',
    { code: 'relation_reserved' },
  ),
  flags('a malformed Domain', { domain: `{${DOMAIN}}` }, '--domain: expected a UUID', {
    code: 'invalid_domain_id',
  }),
  flags('the nil Domain', { domain: NIL }, 'the nil UUID is never a Domain', { code: 'invalid_domain_id' }),
  flags('an unset variable', { domain: '' }, '--domain: expected a UUID', { code: 'invalid_domain_id' }),
  flags('an unknown Domain', { domain: NO_DOMAIN }, `there is no Domain ${NO_DOMAIN}`, {
    code: 'residency_unknown',
  }),
  flags(
    'the platform as a Domain',
    { domain: PLATFORM, object: `domain:${DOMAIN}` },
    'does not belong on the chain',
    {
      code: 'residency_unknown',
    },
  ),
  flags('a cloud on a Domain', { domain: DOMAIN, object: 'cloud:x' }, 'does not belong on the chain', {
    code: 'residency_unknown',
  }),
  {
    ...flags('no chain', {}, 'the object does not say which chain owns it', { code: 'residency_unknown' }),
    env: { AUDIT_DOMAIN: '' },
  },
  {
    ...flags('a malformed AUDIT_DOMAIN', {}, '--domain: expected a UUID', { code: 'invalid_domain_id' }),
    env: { AUDIT_DOMAIN: SECRET.subject },
  },
  append(
    'two chains',
    ['--domain', DOMAIN, '--platform', good],
    '--domain and --platform exclude each other',
  ),
  flags('rejects', { rejects: 'rejected' }, '--rejects is for --stdin and files', { code: 'usage' }),
  flags('a format', { format: 'ndjson' }, '--format is for files', { code: 'usage' }),
]

describe('an entry from flags', () => {
  it.concurrent.each(FLAGS)('$name', holds)
})

const command = (
  line: string,
  code: Refusal['code'],
  says: Refusal['says'],
  more: Partial<Refusal> = {},
): Refusal => ({ name: line, args: line.split(' '), exit: 2, code, says, ...more })

const HASH = 'ab'.repeat(32)
const saved = (fields: object) =>
  JSON.stringify({ ok: true, domain_id: DOMAIN, head: { seq: 1, hash: HASH }, ...fields })
const summary = (chains: number, failed = 0) => JSON.stringify({ summary: { ok: true, chains, failed } })
const NESTED = `${'['.repeat(6_000)}${']'.repeat(6_000)}`
const heads = (name: string, content: string, says: string) => {
  const path = file(name, content)
  return command(`verify --all --expect-heads ${path}`, 'invalid_input', `--expect-heads: ${says}`)
}
const forged = Buffer.alloc(41, 1).toString('base64url')
const notFound = { exit: 4 }

const COMMANDS: readonly Refusal[] = [
  command('list --limit 0', 'invalid_limit', 'limit: expected 1 to 200'),
  command('list --limit 201', 'invalid_limit', 'limit: expected 1 to 200'),
  command('list --limit 1e2', 'invalid_limit', 'limit: expected 1 to 200'),
  command('list --all --limit 5', 'usage', '--all'),
  command(
    'list --from 2026-01-02T00:00:00Z --to 2026-01-01T00:00:00Z',
    'invalid_range',
    'to: expected a time that is not before from',
  ),
  command('list --since yesterday', 'invalid_range', 'since: expected a duration such as 30m, 24h or 7d'),
  command('list --since 24h --from 2026-01-01', 'usage', '--from'),
  command('list --from 2026-02-30', 'invalid_range', 'from: no such date or time'),
  command('list --from 2026-01-02 --to 2026-01-01', 'invalid_range', 'to: expected'),
  command('list --from yesterday', 'invalid_range', 'from: expected'),
  command(
    `list --cursor ${forged}`,
    'invalid_cursor',
    'the cursor is not a cursor of this chain, or was altered',
  ),
  command('list --cursor abc', 'invalid_cursor', 'the cursor is not a cursor of this chain, or was altered'),
  command(
    `list --subject ${SECRET.subject}`,
    'invalid_subject',
    'subject: expected a pseudonym of 64 hex digits',
  ),
  command('list --reason denied', 'invalid_input', 'reason: expected granted'),
  command('list --reason granted --reason denied', 'invalid_input', 'reason: expected granted'),
  command('list --denied --reason granted', 'usage', '--reason'),
  command('list --object project', 'invalid_input', 'object: expected type:id'),
  command('list --object a:b --object-type a', 'usage', '--object'),
  command('export --output x.tar --denied', 'usage', 'room for one reason'),
  command('export --output x.tar --reason granted --reason out_of_scope', 'usage', 'expected one reason'),
  command(`list --domain ${NO_DOMAIN}`, 'domain_not_found', `no Domain ${NO_DOMAIN}`, notFound),
  command('list --domain x', 'invalid_domain_id', '--domain: expected a UUID'),
  ...['list', 'stats', 'get 5', 'verify', 'export --output x', 'report --output x'].flatMap((words) => [
    command(
      `${words} x.tar --source mirror`,
      'usage',
      'FILE and --source mirror exclude each other: a FILE is a bundle',
    ),
    command(`${words} --source bundle`, 'usage', '--source bundle: expected the FILE to read'),
  ]),
  ...['list 5', 'stats 5', 'verify 5', 'export --output x 5', 'report --output x 5'].map((words) =>
    command(words, 'usage', '5 is a seq; expected a FILE'),
  ),
  command('stats --top 0', 'usage', 'expected a whole number from 1 to 1000'),
  command('stats --by colour', 'usage', '--by: expected one of reason'),
  command('stats --all-chains --platform', 'usage', '--platform and --all-chains exclude each other'),
  command(`stats --domain ${NO_DOMAIN}`, 'domain_not_found', `no Domain ${NO_DOMAIN}`, notFound),
  command('get --seq 0', 'invalid_seq', 'seq: expected 1 to 2^53-1'),
  command('get --seq 9007199254740992', 'invalid_seq', 'seq: expected 1 to 2^53-1'),
  command('get --seq 99', 'entry_not_found', '99', notFound),
  command('verify --expect-head 1', 'usage', '--expect-head: expected SEQ:HASH'),
  command(`verify --expect-head 0:${HASH}`, 'usage', '--expect-head: expected SEQ:HASH'),
  command(`verify --expect-head 1:${HASH.slice(1)}g`, 'usage', '--expect-head: expected SEQ:HASH'),
  command(`verify --expect-head 9007199254740992:${HASH}`, 'invalid_seq', 'seq: expected 1 to 2^53-1'),
  command(`verify --all --expect-head 1:${HASH}`, 'usage', '--expect-head is for one chain, not for --all'),
  command(`verify --to-seq 1 --expect-head 2:${HASH}`, 'usage', 'the pinned head 2 lies outside the segment'),
  command('verify --from-seq 3 --to-seq 2', 'invalid_range', '--to-seq 2 is before --from-seq 3'),
  command('verify --from-seq x', 'invalid_seq', 'seq: expected 1 to 2^53-1'),
  command('verify --to-seq 2', 'nothing_to_verify', 'the chain ends at 1', notFound),
  command(`verify --domain ${NO_DOMAIN}`, 'domain_not_found', `there is no chain ${NO_DOMAIN}`, notFound),
  command(`verify --all --platform`, 'usage', '--platform and --all exclude each other'),
  { ...heads('heads-empty', '', ''), says: '--expect-heads: the file holds no verify result' },
  heads('heads-junk', `${saved({})}\n${SECRET.subject}\n`, 'line 2: expected a saved verify result'),
  heads('heads-hash', saved({ head: { seq: 1, hash: 'ab' } }), 'line 1: expected a saved verify result'),
  heads('heads-seq', saved({ head: { seq: 0, hash: HASH } }), 'line 1: expected a saved verify result'),
  heads('heads-cut', `${saved({})}\n${saved({}).slice(0, 60)}`, 'line 2: expected a saved verify result'),
  heads(
    'heads-fewer',
    `${saved({})}\n${summary(2)}\n`,
    'the summary counts 2 chains, but the file has results of 1',
  ),
  heads(
    'heads-doubled',
    `${saved({})}\n${saved({})}\n${summary(2)}\n`,
    'the summary counts 2 chains, but the file has results of 1',
  ),
  heads(
    'heads-failed',
    `${saved({})}\n${summary(3, 1)}\n`,
    'the summary counts 3 chains, 1 of them failed, but the file has results of 1',
  ),
  heads('heads-failed-negative', `${saved({})}\n${summary(1, -1)}\n`, 'line 2: expected the summary of'),
  heads('heads-after', `${summary(1)}\n${saved({})}\n`, 'line 2: expected nothing after the summary'),
  heads('heads-twice', `${saved({})}\n${summary(1)}\n${summary(1)}\n`, 'line 3: expected nothing after the'),
  heads('heads-uncounted', `${saved({})}\n{"summary":{}}\n`, 'line 2: expected the summary of verify --all'),
  heads('heads-negative', `${saved({})}\n${summary(-1)}\n`, 'line 2: expected the summary of verify --all'),
  heads(
    'heads-summary-cut',
    `${saved({})}\n${summary(1).slice(0, -3)}`,
    'line 2: expected a saved verify result',
  ),
  heads('heads-summary-only', `${summary(0)}\n`, 'the file holds no verify result'),
  heads(
    'heads-nested',
    `${saved({ ok: false, x: 0 }).replace(/0}$/, NESTED)}}`,
    'line 1: this result is not ok',
  ),
  heads('heads-diverged', saved({ ok: false }), 'line 1: this result is not ok, so its head proves nothing'),
  command(`verify --all --expect-heads ${missing}`, 'file_unreadable', `${missing} cannot be read (ENOENT)`, {
    exit: 3,
  }),
  command(`verify --all --expect-heads ${folder}`, 'file_unreadable', `${folder} cannot be read (EISDIR)`, {
    exit: 3,
  }),
  command(`domain create --domain ${NIL}`, 'invalid_domain_id', 'the nil UUID is never a Domain'),
  command(`domain create --domain ${DOMAIN}x`, 'invalid_domain_id', 'domain_id: expected a UUID'),
  command(`domain create --domain ${PLATFORM}`, 'invalid_domain_id', 'the platform anchor is not a Domain'),
  command(`domain create --domain ${DOMAIN}`, 'domain_exists', `Domain ${DOMAIN} already exists`),
  {
    ...command('domain create', 'invalid_subject', 'subject_id: expected 1 to 512'),
    env: { AUDIT_ACTOR: 'x'.repeat(513) },
  },
  command('quarantine show 0', 'usage', 'id'),
  command('quarantine show 7', 'quarantine_not_found', '7', notFound),
  command('quarantine acknowledge 7 --reason handled', 'quarantine_not_found', '7', notFound),
]

describe('other commands', () => {
  it.concurrent.each(COMMANDS)('audit $name', holds)
})

/** These tests keep rows, so they need a database of their own: the others compare theirs with its first state. */
describe('bad input next to good input', () => {
  let own: TestDatabase
  const ownEnv: Record<string, string> = {}

  beforeAll(async () => {
    own = await testDatabase()
    Object.assign(ownEnv, { ...env, AUDIT_DATABASE_URL: own.url, AUDIT_DOMAIN: DOMAIN })
    await runCli(['domain', 'create', '--domain', DOMAIN], { env: ownEnv })
  })
  afterAll(() => own.drop())

  const rowsNow = async () => {
    const { stdout } = await runCli(['list', '--all', '--json'], { env: ownEnv })
    return jsonLines(stdout) as { seq: number; relation: string }[]
  }

  it('does not spoil values at every limit: they are stored byte for byte, and verify', async () => {
    const input = Buffer.concat(AT_THE_EDGE.flatMap(([, line]) => [line, NEWLINE]))
    const { code, stderr, stdout } = await runCli(['append', '--stdin', '--json'], { env: ownEnv, input })
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' })
    expect(jsonLines(stdout)).toHaveLength(AT_THE_EDGE.length)
    const sent = AT_THE_EDGE.map(([, line]) => (JSON.parse(line.toString()) as { relation: string }).relation)
    expect((await rowsNow()).slice(1).map(({ relation }) => relation)).toEqual(sent)
    expect((await runCli(['verify'], { env: ownEnv })).code).toBe(0)
  })

  it('stores the rows before a bad line, and none after it', async () => {
    const { length } = await rowsNow()
    const many = Array.from({ length: 1500 }, (_, i) => jsonLine({ relation: `middle.${i}` }))
    const input = Buffer.concat(
      [...many, jsonLine({ object: SECRET.email }), ...many].flatMap((l) => [l, NEWLINE]),
    )
    const result = await runCli(['append', '--stdin', '--json'], { env: ownEnv, input })
    expectClean(result)
    expect(result.code).toBe(2)
    expect(jsonLines(result.stdout)).toHaveLength(1500)
    expect(jsonLines(result.stderr)).toEqual([
      {
        error: {
          code: 'invalid_input',
          message: 'standard input, line 1501: object: expected type:id',
          hint: 'rows appended before it: 1500; after it: none',
        },
      },
    ])
    const printed = jsonLines(result.stdout) as { seq: number }[]
    const kept = (await rowsNow()).slice(length)
    expect(kept.map(({ seq }) => seq)).toEqual(printed.map(({ seq }) => seq))
    expect(kept.map(({ relation }) => relation)).toEqual(many.map((_, i) => `middle.${i}`))
  })

  it('keeps the rows of a good file before a missing file', async () => {
    const { length } = await rowsNow()
    await expectRefused(
      append('', [good, missing], `${missing}: cannot be read (ENOENT)`, {
        ...unreadable,
        rows: 1,
        hint: 'rows appended before it: 1; after it: none',
      }),
      ownEnv,
    )
    expect(await rowsNow()).toHaveLength(length + 2)
  })

  it('goes to --rejects line by line, unchanged; the good lines are appended, and the run ends with 2', async () => {
    const { length } = await rowsNow()
    const path = join(dir, 'rejected-now')
    const lines = BAD_LINES.map(([, line]) => line).filter((line) => line.length <= 1024 * 1024)
    const mixed = lines.flatMap((line, i) => [line, NEWLINE, jsonLine({ relation: `good.${i}` }), NEWLINE])
    const args = ['append', '--stdin', '--rejects', path, '--json']
    const result = await runCli(args, { env: ownEnv, input: Buffer.concat(mixed) })
    expectClean(result)
    expect(result.code).toBe(2)
    const [first = ''] = BAD_LINES.map(([, , says]) => says)
    expect(jsonLines(result.stderr)).toEqual([
      {
        error: {
          code: 'invalid_input',
          message: `${lines.length} of ${2 * lines.length} entries were refused, ${lines.length} rows appended; standard input, line 1: ${first}`,
          hint: `the refused lines are in ${path}`,
        },
      },
    ])
    expect(readFileSync(path).equals(Buffer.concat(lines.flatMap((line) => [line, NEWLINE])))).toBe(true)
    rmSync(path)
    const kept = (await rowsNow()).slice(length)
    expect(kept.map(({ relation }) => relation)).toEqual(lines.map((_, i) => `good.${i}`))
    expect(jsonLines(result.stdout)).toHaveLength(lines.length)
  })

  it('is cut in --rejects when a line is over 1 MiB, with a note', async () => {
    const path = join(dir, 'rejected-cut')
    const input = Buffer.concat([lineOf(10_000_000), NEWLINE, jsonLine({ domain_id: NO_DOMAIN })])
    const { code, stderr } = await runCli(['append', '--stdin', '--rejects', path], { env: ownEnv, input })
    expect(code).toBe(2)
    expect(stderr).toContain(
      `2 of 2 entries were refused, 0 rows appended; standard input, line 1: longer than 1 MiB`,
    )
    expect(stderr).toContain(`the refused lines are in ${path}; 1 over 1 MiB are cut there`)
    const [cut, whole] = readFileSync(path, 'utf8').split('\n')
    expect(cut).toBe(
      lineOf(10_000_000)
        .subarray(0, 1024 * 1024)
        .toString(),
    )
    expect(whole).toBe(jsonLine({ domain_id: NO_DOMAIN }).toString())
    rmSync(path)
  })

  it('leaves no --rejects file when every line is good', async () => {
    const path = join(dir, 'rejected-none')
    const { code } = await runCli(['append', good, '--rejects', path], { env: ownEnv })
    expect(code).toBe(0)
    expect(Object.keys(filesBelow(dir))).not.toContain(path)
  })

  it('leaves intact what was appended', async () => {
    expect((await runCli(['verify', '--all'], { env: ownEnv })).code).toBe(0)
  })
})
