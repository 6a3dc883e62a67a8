import {
  chmodSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  utimesSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { stampSql } from '../support/archive-stamps.js'
import { A, a, B, rewritten } from '../support/attacks/chains.js'
import { type AttackFixture, attackFixture, type Field } from '../support/attacks/fixture.js'
import { moveHead, put, remove } from '../support/attacks/statements.js'
import { type CliResult, jsonLines, runCli } from '../support/cli.js'
import { at } from '../support/mirror-attacks/attack.js'
import { MirrorCopy } from '../support/mirror-attacks/mirror-copy.js'

const ARCHIVED = stampSql()
const CUT = remove('seq > 6') + moveHead(6, a(6).entryHash)
const SUFFIX = rewritten(4, { relation: 'x' })
const REWRITTEN = SUFFIX.map(put).join('') + moveHead(8, SUFFIX.at(-1)?.entryHash ?? '')
const line = (domain_id: string, seq: number, hash: string) =>
  JSON.stringify({ ok: true, domain_id, head: { seq, hash } })
const HEAD_A = line(A, 8, a(8).entryHash)

const dir = mkdtempSync(join(tmpdir(), 'remember-'))
const home = join(dir, 'home')
let fixture: AttackFixture
let honest: Field
let cut: Field
let forged: Field
let mirror: MirrorCopy
let cutMirror: MirrorCopy
let files = 0

beforeAll(async () => {
  fixture = await attackFixture()
  honest = await fixture.attacked(ARCHIVED)
  cut = await fixture.attacked(ARCHIVED + CUT)
  forged = await fixture.attacked(ARCHIVED + REWRITTEN)
  mirror = await MirrorCopy.ofChains()
  cutMirror = await mirror.copied()
  for (const seq of [7, 8]) await cutMirror.remove(at(seq))
  for (const [name, field] of Object.entries({ honest, cut })) {
    await runCli(['export', '--domain', A, '--output', join(dir, `${name}.tar`), '--database-url', field.url])
  }
})

afterAll(async () => {
  for (const field of [honest, cut, forged]) await field.drop()
  await fixture.drop()
  for (const copy of [mirror, cutMirror]) await copy.drop()
  rmSync(dir, { recursive: true })
})

/** Returns the path of a file that holds these lines, or of none. */
function memory(...lines: readonly string[]): string {
  files += 1
  const path = join(dir, `heads-${files}.ndjson`)
  if (lines.length > 0) writeFileSync(path, `${lines.join('\n')}\n`)
  return path
}

function verify(words: readonly string[], path: string): Promise<CliResult> {
  const env = { AUDIT_HOME: home, AUDIT_REMEMBER: path }
  return runCli(['verify', '--json', '--no-quarantine', ...words], { env })
}

type Source = 'postgres' | 'mirror' | 'both' | 'bundle'

/** Returns the words that verify the chain from a source, honest or with its tail cut. */
function from(source: Source, isCut: boolean): string[] {
  if (source === 'bundle') return [join(dir, isCut ? 'cut.tar' : 'honest.tar')]
  const database = ['--database-url', isCut ? cut.url : honest.url]
  const url = ['--mirror', isCut ? cutMirror.url : mirror.url]
  const words = ['--domain', A, '--source', source]
  if (source === 'postgres') return [...words, ...database]
  return source === 'mirror' ? [...words, ...url] : [...words, ...database, ...url]
}

const ENDS = { postgres: 'head', both: 'head', mirror: 'unproven', bundle: 'unproven' } as const

describe.each(['postgres', 'mirror', 'both', 'bundle'] as const)('verify --remember from %s', (source) => {
  it('writes its head, and finds a tail that is cut before the next run', async () => {
    const path = memory()
    const first = await verify(from(source, false), path)
    expect([first.code, jsonLines(first.stdout)]).toMatchObject([0, [{ end: ENDS[source] }]])
    expect(readFileSync(path, 'utf8')).toBe(`${HEAD_A}\n`)
    expect(statSync(path).mode & 0o777).toBe(0o600)

    const again = await verify(from(source, false), path)
    expect([again.code, jsonLines(again.stdout)]).toMatchObject([0, [{ end: 'pinned', pinned_through: 8 }]])

    const attacked = await verify(from(source, true), path)
    const finding = { code: 'unexpected_head', seq_from: 8, seq_to: 8, expected: a(8).entryHash }
    expect([attacked.code, jsonLines(attacked.stdout)]).toMatchObject([
      1,
      [{ ok: false, end: 'unproven', findings: [finding] }],
    ])
    expect(readFileSync(path, 'utf8')).toBe(`${HEAD_A}\n`)
  })

  it('passes a cut tail without a remembered head, and does not call its end proven by anything else', async () => {
    const { code, stdout } = await verify(from(source, true), memory())
    expect([code, jsonLines(stdout)]).toMatchObject([0, [{ end: ENDS[source], head: { seq: 6 } }]])
  })
})

it('finds a suffix that was rewritten with its head', async () => {
  const { code, stdout } = await verify(['--domain', A, '--database-url', forged.url], memory(HEAD_A))
  expect([code, jsonLines(stdout)]).toMatchObject([
    1,
    [{ findings: [{ code: 'unexpected_head', seq_from: 8 }] }],
  ])
})

it('finds a chain that is gone with every trace of it', async () => {
  const unknown = line('0190a8b8-a0c0-7a0a-8a0a-a0a0a0a0a0ff', 3, 'a'.repeat(64))
  const { code, stdout } = await verify(['--all', '--database-url', honest.url], memory(unknown))
  expect(code).toBe(1)
  expect(JSON.stringify(jsonLines(stdout))).toContain('unexpected_head')
})

it('never lowers a head and keeps the lines of other chains, in a segment too', async () => {
  const other = line(B, 2, 'b'.repeat(64))
  const path = memory(other, HEAD_A)
  const words = ['--domain', A, '--database-url', honest.url]
  expect((await verify([...words, '--to-seq', '5'], path)).code).toBe(0)
  expect(readFileSync(path, 'utf8')).toBe(`${other}\n${HEAD_A}\n`)
  const early = memory(line(A, 2, 'f'.repeat(64)))
  expect((await verify([...words, '--from-seq', '5'], early)).code).toBe(0)
  expect(readFileSync(early, 'utf8')).toBe(`${line(A, 2, 'f'.repeat(64))}\n${HEAD_A}\n`)
  expect((await verify(words, early)).code).toBe(1)
})

it('counts a head right at the end of a segment as pinned, and an earlier one not', async () => {
  const words = ['--domain', A, '--source', 'mirror', '--mirror', mirror.url]
  const at5 = await verify([...words, '--to-seq', '5'], memory(line(A, 5, a(5).entryHash)))
  expect(jsonLines(at5.stdout)).toMatchObject([{ end: 'pinned', pinned_through: 5 }])
  const at3 = await verify(words, memory(line(A, 3, a(3).entryHash)))
  expect(jsonLines(at3.stdout)).toMatchObject([{ end: 'unproven', pinned_through: 3 }])
})

it('loses no line when runs end at the same time', async () => {
  const path = memory()
  const runs = await Promise.all(
    [A, B, '--platform', A, B].map((chain) =>
      verify([...(chain === '--platform' ? [] : ['--domain']), chain, '--database-url', honest.url], path),
    ),
  )
  expect(runs.map(({ code }) => code)).toEqual([0, 0, 0, 0, 0])
  const lines = readFileSync(path, 'utf8').trimEnd().split('\n')
  expect(new Set(lines.map((text) => JSON.parse(text).domain_id)).size).toBe(3)
  expect(lines).toHaveLength(3)
  expect(readdirSync(dir).filter((name) => /lock|tmp/.test(name))).toEqual([])
})

it.each([
  ['a line that is no head', 'junk', 2, 'invalid_input'],
  ['the summary of a run', '{"summary":{"chains":1,"failed":0}}', 2, 'invalid_input'],
  ['a result that is not ok', HEAD_A.replace('true', 'false'), 2, 'invalid_input'],
])('refuses a file with %s, and leaves it as it is', async (_name, text, exit, error) => {
  const path = memory(text)
  const { code, stderr } = await verify(from('mirror', false), path)
  expect([code, jsonLines(stderr)]).toMatchObject([exit, [{ error: { code: error } }]])
  expect(readFileSync(path, 'utf8')).toBe(`${text}\n`)
})

it.each([
  ['a folder', () => dir],
  ['a device', () => '/dev/null'],
  ['a file in a folder that does not exist', () => join(dir, 'none', 'heads')],
])('ends with 3 for %s', async (_name, path) => {
  const { code, stdout, stderr } = await verify(from('mirror', false), path())
  expect([code, stdout, jsonLines(stderr)]).toMatchObject([3, '', [{ error: { code: 'file_unreadable' } }]])
})

it('prints the verdict and ends with 3 where the heads cannot be written', async () => {
  const path = memory()
  // Root can write everywhere, so a lock that another process keeps blocks the writer instead.
  mkdirSync(`${path}.lock`)
  utimesSync(`${path}.lock`, 2 ** 32, 2 ** 32)
  const { code, stdout, stderr } = await verify(from('mirror', false), path)
  expect([code, jsonLines(stdout)]).toMatchObject([3, [{ ok: true }]])
  expect(jsonLines(stderr).at(-1)).toMatchObject({ error: { code: 'output_failed' } })
  rmSync(`${path}.lock`, { recursive: true })
})

it('keeps the mode of the file', async () => {
  const path = memory(HEAD_A.replace('"seq":8', '"seq":5').replace(a(8).entryHash, a(5).entryHash))
  chmodSync(path, 0o644)
  expect((await verify(from('mirror', false), path)).code).toBe(0)
  expect(readFileSync(path, 'utf8')).toBe(`${HEAD_A}\n`)
  expect(statSync(path).mode & 0o777).toBe(0o644)
})

it('notes the command with --remember where nothing proves the end, and creates nothing', async () => {
  const { stdout, stderr } = await runCli(['verify', ...from('mirror', false)], { env: { AUDIT_HOME: home } })
  expect(stdout).toMatch(/intact up to row 8, recorded .*Z; that no newer rows were removed is not shown/)
  expect(stderr).toContain(
    `audit verify --domain ${A} --source mirror --mirror ${mirror.url} --remember heads.ndjson`,
  )
  expect(existsSync(home)).toBe(false)
})
