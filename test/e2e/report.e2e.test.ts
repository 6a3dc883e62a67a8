import { execFileSync, spawnSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { stampSql } from '../support/archive-stamps.js'
import { A } from '../support/attacks/attack.js'
import { a } from '../support/attacks/chains.js'
import { type AttackFixture, attackFixture, type Field } from '../support/attacks/fixture.js'
import { put } from '../support/attacks/statements.js'
import { jsonLines, runCli } from '../support/cli.js'
import { MirrorCopy } from '../support/mirror-attacks/mirror-copy.js'

const ARCHIVED = stampSql()
const UNKNOWN = '0190a8b8-a0c0-7a0a-8a0a-a0a0a0a0a0ff'
const NOWHERE = {
  AUDIT_DATABASE_URL: 'postgresql://postgres@/audit?host=/nonexistent',
  AUDIT_HOME: '/nonexistent/home',
}

let fixture: AttackFixture
let whole: Field
let changed: Field
let mirror: MirrorCopy
let dir: string
let output: string

beforeAll(async () => {
  fixture = await attackFixture()
  whole = await fixture.attacked(ARCHIVED)
  changed = await fixture.attacked(ARCHIVED + put({ ...a(4), relation: '<b>forged</b>' }))
  mirror = await MirrorCopy.ofChains()
})

afterAll(async () => {
  await mirror.drop()
  await whole.drop()
  await changed.drop()
  await fixture.drop()
})

beforeEach(() => {
  if (dir !== undefined) rmSync(dir, { recursive: true, force: true })
  dir = mkdtempSync(join(tmpdir(), 'report-'))
  output = join(dir, 'report.html')
})

const page = () => readFileSync(output, 'utf8')
const offline = (...args: string[]) => runCli(['report', '--output', output, ...args], { env: NOWHERE })
const onMirror = (...args: string[]) => offline('--source', 'mirror', '--mirror', mirror.url, ...args)
const onDatabase = (field: Field, ...args: string[]) =>
  runCli(['report', '--output', output, '--mirror', mirror.url, ...args], {
    env: { ...NOWHERE, AUDIT_DATABASE_URL: field.url },
  })

describe('audit report', () => {
  it('reports on a mirror where there is no database, and writes nothing but the page', async () => {
    const { code, stdout, stderr } = await onMirror('--domain', A)
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' })
    expect(stdout).toContain(`report    ${output}  8 rows selected, 8 listed`)
    expect(readdirSync(dir)).toEqual(['report.html'])
    expect(page()).toContain('<strong>intact.</strong> Every row of')
    expect(page()).toContain('after row 8 were removed is not shown')
    expect(page()).toContain(`audit verify --domain ${A} --source mirror --mirror ${mirror.url}`)
  })

  it('prints the hash of the page and the verify results as one JSON document', async () => {
    const { code, stdout } = await onMirror('--domain', A, '--json')
    const sha256 = createHash('sha256').update(readFileSync(output)).digest('hex')
    const bytes = readFileSync(output).length
    expect(code).toBe(0)
    expect(jsonLines(stdout)).toEqual([
      {
        report: { file: output, sha256, bytes, rows: 8, listed: 8 },
        results: [expect.objectContaining({ ok: true, domain_id: A, rows: 8, end: 'unproven' })],
      },
    ])
  })

  it('ends with 1 for a changed row and shows what was changed, as text', async () => {
    const { code, stdout, stderr } = await onDatabase(changed, '--domain', A, '--source', 'both')
    expect({ code, stderr }).toEqual({ code: 1, stderr: '' })
    expect(stdout).toContain('entry_hash_mismatch  row 4')
    expect(page()).toContain('<strong>CHANGED.</strong>')
    expect(page()).toContain('Row 4: The content of the row is not the content that was written')
    expect(page()).toContain('&lt;b&gt;forged&lt;/b&gt;')
    expect(page()).not.toContain('<b>')
  })

  it('writes one page about all chains', async () => {
    const { code } = await onDatabase(whole, '--all')
    expect(code).toBe(0)
    expect(page()).toContain('Verdict of each chain')
    expect(page()).toContain('the platform chain')
  })

  it('lists the rows that a filter selects, and says that it is a selection', async () => {
    const { code, stdout } = await onMirror('--domain', A, '--relation', 'no.such.relation')
    expect(code).toBe(0)
    expect(stdout).toContain('0 rows selected, 0 listed')
    expect(page()).toContain('a selection: --relation no.such.relation.')
    expect(page()).toContain('show a selection of the rows')
  })

  it('reports on a segment and on a pin', async () => {
    const { code } = await onMirror('--domain', A, '--from-seq', '3', '--expect-head', `8:${a(8).entryHash}`)
    expect(code).toBe(0)
    expect(page()).toContain('rows before row 3 were not checked')
    expect(page()).toContain(`row 8 with hash ${a(8).entryHash}`)
    expect(page()).not.toContain('were removed is not shown')
  })

  it('names the rows after the last one that was asked for as not read', async () => {
    const { code } = await onMirror('--domain', A, '--to-seq', '5', '--expect-head', `5:${a(5).entryHash}`)
    expect(code).toBe(0)
    expect(page()).toContain('after row 5 were not read, because the check was asked to end there')
    expect(page()).toContain('not looked at: the check was asked to end with row 5')
    expect(page()).toContain(`--to-seq 5 --expect-head 5:${a(5).entryHash}`)
  })

  it('shows the heads that were remembered for an evidence file among its pins', async () => {
    const env = { ...NOWHERE, AUDIT_DATABASE_URL: whole.url }
    const [bundle, remember] = [join(dir, 'e.tar'), join(dir, 'heads')]
    await runCli(['export', '--domain', A, '--output', bundle], { env })
    expect((await runCli(['verify', bundle, '--remember', remember], { env: NOWHERE })).code).toBe(0)
    expect((await offline(bundle, '--remember', remember)).code).toBe(0)
    expect(page()).toContain(`row 8 with hash ${a(8).entryHash}`)
    expect(page()).toContain(`--expect-head 8:${a(8).entryHash}`)
  })

  it('reports on an evidence file, and on a filtered one with 3', async () => {
    const env = { ...NOWHERE, AUDIT_DATABASE_URL: whole.url }
    const [bundle, part] = [join(dir, 'e.tar'), join(dir, 'p.tar')]
    await runCli(['export', '--domain', A, '--output', bundle], { env })
    await runCli(['export', '--domain', A, '--object', a(3).object, '--output', part], { env })
    expect((await offline(bundle)).code).toBe(0)
    expect(page()).toContain('python3 audit-bundle/verify_bundle.py')
    expect(page()).toContain(createHash('sha256').update(readFileSync(bundle)).digest('hex'))
    const { code, stdout, stderr } = await offline('--force', part)
    expect(code).toBe(3)
    expect(stdout).toMatch(/^PARTIAL /)
    expect(stderr).toContain('filtered selection')
    expect(page()).toContain('<strong>NOT PROVEN.</strong>')
  })

  it('names a pin that an evidence file cannot answer, and calls the file neither intact nor diverged', async () => {
    const env = { ...NOWHERE, AUDIT_DATABASE_URL: whole.url }
    const bundle = join(dir, 'e.tar')
    await runCli(['export', '--domain', A, '--to-seq', '6', '--output', bundle], { env })
    const { code, stdout, stderr } = await offline(bundle, '--expect-head', `8:${a(8).entryHash}`)
    expect(code).toBe(3)
    expect(stdout).toMatch(/^PARTIAL /)
    expect(stderr).toContain('the file ends with row 6, and the pin is for row 8')
    expect(page()).toContain(`row 8 with hash ${a(8).entryHash}`)
    expect(page()).toContain('<strong>NOT PROVEN.</strong>')
  })

  it('puts a page about its rows into an evidence file, which every verifier accepts', async () => {
    const env = { ...NOWHERE, AUDIT_DATABASE_URL: changed.url }
    const bundle = join(dir, 'e.tar')
    const { code, stdout } = await runCli(
      ['export', '--report', '--domain', A, '--output', bundle, '--json'],
      { env },
    )
    expect(code).toBe(1)
    execFileSync('tar', ['-xf', bundle, '-C', dir])
    const inside = readFileSync(join(dir, 'audit-bundle', 'report.html'))
    const sha256 = createHash('sha256').update(inside).digest('hex')
    expect(jsonLines(stdout)).toMatchObject([{ report: { bytes: inside.length, sha256 } }])
    expect(inside.toString()).toContain('Report in an evidence bundle: not evidence')
    expect(inside.toString()).toContain('<strong>CHANGED.</strong>')
    expect(inside.toString()).toContain('audit verify --source bundle e.tar')
    const [mjs, py] = ['verify-bundle.mjs', 'verify_bundle.py'].map((name) => join(dir, 'audit-bundle', name))
    expect(spawnSync('node', [mjs ?? '', bundle]).status).toBe(1)
    expect(spawnSync('python3', [py ?? '', bundle]).status).toBe(1)
    expect((await runCli(['verify', '--source', 'bundle', bundle], { env: NOWHERE })).code).toBe(1)
    expect((await offline(bundle)).code).toBe(1)
  })

  it('says in the page of a filtered evidence file that it is not proven', async () => {
    const env = { ...NOWHERE, AUDIT_DATABASE_URL: whole.url }
    const bundle = join(dir, 'e.tar')
    const words = ['export', '--report', '--domain', A, '--object', a(3).object, '--output', bundle]
    expect((await runCli(words, { env })).code).toBe(0)
    execFileSync('tar', ['-xf', bundle, '-C', dir])
    const inside = readFileSync(join(dir, 'audit-bundle', 'report.html'), 'utf8')
    expect(inside).toContain('<strong>NOT PROVEN.</strong>')
    expect(inside).toContain('a selection: object_type')
  })

  it('keeps an existing file without --force', async () => {
    writeFileSync(output, 'mine')
    expect((await onMirror('--domain', A)).code).toBe(2)
    expect(page()).toBe('mine')
    expect((await onMirror('--domain', A, '--force')).code).toBe(0)
    expect(page()).toContain('<!doctype html>')
  })

  it.each([
    [
      'a mirror that is not there',
      ['--source', 'mirror', '--mirror', 'file:///nonexistent', '--domain', A],
      3,
    ],
    ['a bundle that is not there', ['/nonexistent/e.tar'], 3],
    ['a database that is away', ['--domain', A], 3],
    ['context of a mirror', ['--source', 'mirror', '--context', '--domain', A], 2],
    ['a person on all chains', ['--source', 'mirror', '--subject-id', 'anna', '--all'], 2],
    ['a file that is named like a row', ['12'], 2],
    ['a FILE of another source', ['--source', 'mirror', 'e.tar'], 2],
    ['a bundle without a FILE', ['--source', 'bundle'], 2],
    ['no chain', ['--source', 'mirror'], 2],
    ['the last rows of a list', ['--source', 'mirror', '--domain', A, '--last', '5'], 2],
    ['an event time', ['--domain', A, '--event-from', '2026-01-01'], 2],
    ['a segment of all chains', ['--source', 'mirror', '--all', '--from-seq', '2'], 2],
    ['standard output', ['--source', 'mirror', '--domain', A, '--output', '-'], 2],
    ['a bad filter', ['--source', 'mirror', '--domain', A, '--reason', 'because'], 2],
  ])('writes nothing for %s', async (_name, words, exit) => {
    expect((await offline(...words)).code).toBe(exit)
    expect(existsSync(output)).toBe(false)
  })

  it('writes nothing for a chain that the mirror does not have, nor into a folder that does not exist', async () => {
    expect((await onMirror('--domain', UNKNOWN)).code).toBe(4)
    output = join(dir, 'no', 'report.html')
    expect((await onMirror('--domain', A)).code).toBe(3)
    expect(readdirSync(dir)).toEqual([])
  })

  it('shows addresses and agents only with --context, with a warning first', async () => {
    await onDatabase(whole, '--domain', A)
    expect(page()).not.toContain('class="context-data"')
    const { code } = await onDatabase(whole, '--domain', A, '--context', '--force')
    expect(code).toBe(0)
    expect(page()).toContain('This page holds personal data.')
    expect(page()).not.toContain('The page had no room')
  })
})
