import { execFileSync, spawnSync } from 'node:child_process'
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { CliDatabase } from '../support/append-process.js'
import { VERIFIERS } from '../support/bundle-attacks/verifiers.js'
import { finished, jsonLines, runCli, spawnCli } from '../support/cli.js'
import { asSuperuser, type TestDatabase, testDatabase } from '../support/postgres.js'

const ROWS = 5_000
const dir = mkdtempSync(join(tmpdir(), 'export-'))
/** An environment without a database and without a home, with an unrelated Domain. */
const NOWHERE = {
  AUDIT_DATABASE_URL: 'postgresql://postgres@/audit?host=/nonexistent',
  AUDIT_HOME: '/nonexistent/home',
  AUDIT_DOMAIN: '0190a8b8-a0c0-7a0a-8a0a-a0a0a0a0a0a9',
}

let database: TestDatabase
let cli: CliDatabase
let domainId: string
let head: string

const bundle = join(dir, 'evidence.tar')
const verify = (...args: string[]) => runCli(['verify', '--source', 'bundle', ...args], { env: NOWHERE })
const documentOf = (stdout: string) => jsonLines(stdout)[0] as Record<string, unknown>

beforeAll(async () => {
  database = await testDatabase()
  cli = new CliDatabase(database.url)
  domainId = await cli.create()
  const lines = Array.from({ length: ROWS - 1 }, (_, i) =>
    JSON.stringify({ subject_id: `alice-${i % 7}`, relation: `r.${i % 5}`, object: `project:${i}` }),
  )
  const { code } = await cli.runWith(lines.join('\n'), 'append', '--stdin', '--domain', domainId)
  expect(code).toBe(0)
})

afterAll(async () => {
  rmSync(dir, { recursive: true })
  cli.remove()
  await database.drop()
})

describe('export, and verify where nothing else is', () => {
  it('writes one file and prints what it contains', async () => {
    const { code, stdout, stderr } = await cli.run(
      'export',
      '--domain',
      domainId,
      '--output',
      bundle,
      '--json',
    )
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' })
    const exported = documentOf(stdout)
    expect(exported).toMatchObject({
      ok: true,
      file: bundle,
      domain_id: domainId,
      rows: ROWS,
      selection: { kind: 'chain' },
      findings: [],
    })
    const { seq, hash } = exported.head as { seq: number; hash: string }
    head = `${seq}:${hash}`
    expect(exported.sha256).toBe(execFileSync('sha256sum', [bundle]).toString().slice(0, 64))
  })

  it('is verified by the command line without a database', async () => {
    const { code, stdout, stderr } = await verify(bundle, '--json', '--expect-head', head)
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' })
    expect(documentOf(stdout)).toMatchObject({
      ok: true,
      source: 'bundle',
      domain_id: domainId,
      segment_from: 1,
      segment_to: ROWS,
      rows: ROWS,
      complete: true,
      selection: { kind: 'chain' },
    })
    const text = await verify(bundle)
    expect(text.stdout).toMatch(
      /^intact .* rows 1 to 5000 of bundle .*\n.*head 5000:.*\n +intact up to row 5000, .*\n +the whole chain\n$/,
    )
  })

  it('carries verifiers that run alone', () => {
    execFileSync('tar', ['-xf', bundle], { cwd: dir })
    const alone = {
      cwd: dir,
      env: { PATH: process.env.PATH ?? '' },
      encoding: 'utf8' as const,
      maxBuffer: 1e8,
    }
    for (const [program, script] of [
      [process.execPath, 'verify-bundle.mjs'],
      ['python3', 'verify_bundle.py'],
    ] as const) {
      const run = (...args: string[]) =>
        spawnSync(program, [join('audit-bundle', script), bundle, ...args], alone)
      const { status, stdout, stderr } = run('--expect-head', head)
      expect({ script, status, verdict: stderr.slice(0, 6) }).toEqual({
        script,
        status: 0,
        verdict: 'intact',
      })
      expect(JSON.parse(stdout)).toMatchObject({ ok: true, rows: ROWS, domain_id: domainId })
      const rows = run('--rows').stdout.trimEnd().split('\n')
      expect(rows.length).toBe(ROWS)
      expect(JSON.parse(rows[ROWS - 1] ?? '')).toMatchObject({ seq: ROWS, relation: `r.${(ROWS - 2) % 5}` })
    }
  })

  it('holds no personal data', () => {
    const rows = execFileSync('sh', ['-c', 'gzip -dc audit-bundle/rows/*'], {
      cwd: dir,
      maxBuffer: 1e8,
    }).toString()
    const bytes = rows
      .trimEnd()
      .split('\n')
      .map((line) => Buffer.from(JSON.parse(line).canonical_bytes, 'base64').toString('latin1'))
    expect(bytes.some((one) => one.includes('alice'))).toBe(false)
    expect(readFileSync(bundle, 'latin1')).not.toContain('alice')
  })
})

describe('a filtered selection', () => {
  const some = join(dir, 'some.tar')

  it('is made for a person by their pseudonym', async () => {
    const args = ['--domain', domainId, '--subject-id', 'alice-3', '--output', some, '--json']
    const { code, stdout } = await cli.run('export', ...args)
    expect({ code, stdout }).toEqual({ code: 0, stdout: expect.not.stringContaining('alice') })
    expect(documentOf(stdout)).toMatchObject({
      rows: Math.ceil((ROWS - 1 - 3) / 7),
      selection: { kind: 'filtered', filter: { subject_pseudonym: expect.stringMatching(/^[0-9a-f]{64}$/) } },
    })
  })

  it('is never accepted as a complete range', async () => {
    const json = await verify(some, '--json')
    expect(json.code).toBe(3)
    expect(documentOf(json.stdout)).toMatchObject({ ok: false, complete: false, findings: [] })
    expect(documentOf(json.stderr)).toMatchObject({ error: { code: 'bundle_filtered' } })
    const text = await verify(some)
    expect(text).toMatchObject({ code: 3, stdout: expect.stringMatching(/^PARTIAL /) })
    expect(text.stdout).toContain('FILTERED from rows 1 to 5000')
  })

  it('is intact with --allow-filtered', async () => {
    const { code, stdout } = await verify(some, '--allow-filtered', '--json')
    expect(code).toBe(0)
    expect(documentOf(stdout)).toMatchObject({ ok: true, complete: false, selection: { kind: 'filtered' } })
  })

  it('shows with no pin that rows before it are there', async () => {
    const { stdout } = await runCli(['list', some, '--limit', '1', '--json'], { env: NOWHERE })
    const { items } = documentOf(stdout) as { items: { seq: number; entry_hash: string }[] }
    const pin = `${items[0]?.seq}:${items[0]?.entry_hash}`
    const json = await verify(some, '--allow-filtered', '--expect-head', pin, '--json')
    expect([json.code, documentOf(json.stdout)]).toMatchObject([0, { ok: true, end: 'unproven' }])
    expect(documentOf(json.stdout)).not.toHaveProperty('pinned_through')
    const text = await verify(some, '--allow-filtered', '--expect-head', pin)
    expect(text.stdout).not.toContain('no row up to')
  })
})

describe('the saved output of a verify', () => {
  it('pins a bundle of the same chain, and no other', async () => {
    const { stdout } = await cli.run('verify', '--domain', domainId, '--json')
    const heads = join(dir, 'heads.ndjson')
    writeFileSync(heads, stdout)
    expect(await verify(bundle, '--expect-heads', heads)).toMatchObject({ code: 0 })
    const platform = join(dir, 'platform.tar')
    expect(await cli.run('export', '--platform', '--output', platform)).toMatchObject({ code: 0 })
    expect(await verify(platform, '--expect-heads', heads)).toMatchObject({
      code: 2,
      stderr: expect.stringContaining('has no result for chain'),
    })
  })
})

describe('usage', () => {
  it.each([
    ['no file', [], 2, 'usage'],
    ['another chain than was named', ['FILE', '--platform'], 4, 'domain_not_found'],
    ['a segment of it', ['FILE', '--from-seq', '2'], 2, 'usage'],
    ['every chain', ['FILE', '--all'], 2, 'usage'],
    ['a pin twice', ['FILE', '--expect-head', `1:${'a'.repeat(64)}`, '--expect-heads', 'x'], 2, 'usage'],
    ['a file that is not there', [join(dir, 'gone.tar')], 3, 'file_unreadable'],
    ['a directory', [dir], 3, 'file_unreadable'],
    ['no bundle', [join(dir, 'heads.ndjson')], 3, 'bundle_malformed'],
  ])('refuses %s', async (_, args, exit, code) => {
    const {
      code: status,
      stdout,
      stderr,
    } = await verify(...args.map((arg) => (arg === 'FILE' ? bundle : arg)), '--json')
    expect({ status, stdout, error: documentOf(stderr) }).toMatchObject({
      status: exit,
      stdout: '',
      error: { error: { code } },
    })
  })

  it('refuses a FILE or --allow-filtered with another source', async () => {
    for (const [args, says] of [
      [[bundle, '--source', 'postgres'], 'FILE and --source postgres exclude each other'],
      [['--allow-filtered'], '--allow-filtered is for a bundle: expected a FILE'],
    ] as const) {
      const { code, stderr } = await cli.run('verify', '--domain', domainId, ...args)
      expect({ code, stderr }).toEqual({ code: 2, stderr: expect.stringContaining(says) })
    }
  })

  it.each([
    ['no output', []],
    ['times and seqs', ['--output', 'x', '--from-seq', '1', '--to', '2026-01-01T00:00:00Z']],
    ['a range that ends before it begins', ['--output', 'x', '--from-seq', '5', '--to-seq', '4']],
    ['no chain', ['--output', 'x']],
  ])('refuses an export with %s', async (name, args) => {
    const chain = name === 'no chain' ? [] : ['--domain', domainId]
    expect(await cli.run('export', ...chain, ...args)).toMatchObject({ code: 2, stdout: '' })
    expect(existsSync('x')).toBe(false)
  })
})

describe('an export that is killed', () => {
  const KILLS = 30

  async function killed(path: string, delay: number): Promise<boolean> {
    const child = await spawnCli(['export', '--domain', domainId, '--output', path, '--force'], {
      env: cli.env,
    })
    child.stdin.end()
    const ended = finished(child)
    await sleep(delay)
    child.kill('SIGKILL')
    return (await ended).signal === 'SIGKILL'
  }

  it(`leaves no half file under its name in ${KILLS} kills`, async () => {
    const begun = performance.now()
    const replaced = join(dir, 'replaced.tar')
    await cli.run('export', '--domain', domainId, '--output', replaced)
    const whole = performance.now() - begun
    const outcomes: boolean[] = []
    for (let i = 0; i < KILLS; i += 2) {
      // Every second run replaces an existing file.
      const paths = [join(dir, `killed-${i}.tar`), replaced]
      const delay = () => (0.3 + 0.8 * Math.random()) * whole
      outcomes.push(...(await Promise.all(paths.map((path) => killed(path, delay())))))
    }
    const files = readdirSync(dir).filter((name) => /^(killed|replaced).*tar$/.test(name))
    const said = (await VERIFIERS.product?.(files.map((name) => [join(dir, name)]))) ?? []
    expect(said.map(({ exit }) => exit)).toEqual(files.map(() => 0))
    expect(outcomes.filter(Boolean).length).toBeGreaterThan(KILLS / 4)
    const drafts = readdirSync(dir).filter((name) => name.startsWith('.'))
    expect(drafts.filter((name) => !/^\.audit-export-[0-9a-f]{16}\.tmp(\.rows)?$/.test(name))).toEqual([])
  })

  it.each([150, 250, 350, 450])('leaves a whole file or nothing after a signal at %i ms', async (delay) => {
    const fresh = mkdtempSync(join(dir, 'signal-'))
    const child = await spawnCli(['export', '--domain', domainId, '--output', join(fresh, 'x.tar')], {
      env: cli.env,
    })
    child.stdin.end()
    const ended = finished(child)
    await sleep(delay)
    child.kill('SIGTERM')
    const { code } = await ended
    // Null means that the signal came before the command began.
    expect([0, 143, null]).toContain(code)
    const left = readdirSync(fresh)
    if (code !== 0 && left.length === 0) return
    expect(left).toEqual(['x.tar'])
    const verified = await cli.run('verify', '--source', 'bundle', join(fresh, 'x.tar'))
    expect(verified.code).toBe(0)
  })
})

it('exports a chain that diverges, and ends with 1', async () => {
  await asSuperuser(
    database.url,
    `UPDATE audit_log_entry SET relation = 'x' WHERE domain_id = '${domainId}' AND seq = 40`,
  )
  const path = join(dir, 'diverged.tar')
  const { code, stdout } = await cli.run('export', '--domain', domainId, '--output', path)
  expect({ code, stdout }).toEqual({ code: 1, stdout: expect.stringMatching(/^DIVERGED /) })
  expect(stdout).toMatch(/entry_hash_mismatch {2}row 40:/)
  const verified = await verify(path, '--json')
  expect(verified.code).toBe(1)
  expect(documentOf(verified.stdout)).toMatchObject({
    ok: false,
    findings: [{ code: 'entry_hash_mismatch', seq_from: 40, seq_to: 40 }],
    divergent_seq: 40,
  })
})
