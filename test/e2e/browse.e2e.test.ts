import { existsSync } from 'node:fs'
import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'
import { A, a, B, rehashed } from '../support/attacks/chains.js'
import { type AttackFixture, attackFixture, type Field } from '../support/attacks/fixture.js'
import { change, NO_CHECKS } from '../support/attacks/statements.js'
import { type PtyOptions, PtySession } from '../support/browse/pty.js'
import { jsonLines, runCli } from '../support/cli.js'
import { MirrorCopy } from '../support/mirror-attacks/mirror-copy.js'
import { keyOf } from '../support/mirror-attacks/objects.js'

/** Text that a terminal would execute or turn around. */
const HOSTILE = '\u001b[31mINJ\u001b]8;;http://evil\u0007\u202e'

let fixture: AttackFixture
let field: Field
let session: PtySession | undefined

beforeAll(async () => {
  fixture = await attackFixture()
  field = await fixture.attacked(`${NO_CHECKS}${change(4, { relation: 'project.delete' })}`)
})

afterEach(() => {
  session?.drop()
  session = undefined
})

afterAll(async () => {
  await field.drop()
  await fixture.drop()
})

async function browse(args: readonly string[] = [], options: PtyOptions = {}): Promise<PtySession> {
  session = await PtySession.start(['browse', '--database-url', field.url, ...args], options)
  return session
}

describe('audit browse on a terminal', () => {
  it('leads from the chains to the row that was edited', async () => {
    const on = await browse()
    await on.sees('platform chain')
    expect(on.isFullScreen).toBe(true)
    on.press('j')
    await on.sees(/▸ .* 0190a8b8…a0a1 +8 /)
    on.press('\r')
    await on.sees(/✗ +4 .*project\.delete/)
    on.press('v')
    await on.sees(/DIVERGED: 1 finding/)
    on.press('f')
    await on.sees(/▸ entry_hash_mismatch +row 4 /)
    on.press('\r')
    await on.sees('does not recompute: expected entry_hash')
    on.press('\u001b')
    await on.sees(/▸ entry_hash_mismatch/)
    on.press('q')
    expect((await on.ended()).code).toBe(0)
    expect(on.isFullScreen).toBe(false)
  })

  it('writes nothing: a finding is not in the quarantine', async () => {
    const on = await browse(['--domain', A])
    await on.sees(/▸ ✓ +1 /)
    on.press('v')
    await on.sees(/DIVERGED/)
    on.press('q')
    await on.ended()
    const listed = await runCli(['quarantine', 'list', '--all', '--json', '--database-url', field.url])
    expect({ code: listed.code, rows: jsonLines(listed.stdout) }).toEqual({ code: 0, rows: [] })
  })

  it('takes arrow keys, and draws anew when the terminal is resized', async () => {
    const on = await browse(['--domain', A])
    await on.sees(/▸ ✓ +1 /)
    on.press('\u001b[B\u001b[B')
    await on.sees(/▸ ✓ +3 /)
    on.resize(200, 50)
    await on.sees(/subject +correlation_id/)
    await on.sees(/q leaves$/)
    expect(on.lines).toHaveLength(50)
    on.resize(40, 10)
    await on.sees('audit browse needs 60 columns')
    on.resize(80, 24)
    await on.sees(/▸ ✓ +3 /)
    on.press('q')
    expect((await on.ended()).code).toBe(0)
  })

  it.each([
    ['Ctrl-C', 130, (on: PtySession) => on.press('\u0003')],
    ['SIGINT', 130, (on: PtySession) => on.kill('SIGINT')],
    ['SIGTERM', 143, (on: PtySession) => on.kill('SIGTERM')],
  ] as const)('puts the terminal back after %s, exit code %i', async (_name, code, end) => {
    const on = await browse(['--domain', A])
    await on.sees(/▸ ✓ +1 /)
    end(on)
    expect((await on.ended()).code).toBe(code)
    expect(on.isFullScreen).toBe(false)
    // The cursor is shown, and lines wrap again.
    expect(on.output.lastIndexOf('\u001b[?25h')).toBeGreaterThan(on.output.lastIndexOf('\u001b[?25l'))
    expect(on.output.lastIndexOf('\u001b[?7h')).toBeGreaterThan(on.output.lastIndexOf('\u001b[?7l'))
  })

  it('needs no UTF-8 and no colours', async () => {
    const on = await browse(['--domain', A], { env: { LANG: 'C', NO_COLOR: '1' } })
    await on.sees(/> \+ +1 [\s\S]*8 rows, 0 denied/)
    expect(on.screen).toMatch(/^[\x20-\x7e\n]*$/)
    // biome-ignore lint/suspicious/noControlCharactersInRegex: the codes of colours.
    expect(on.output).not.toMatch(/\u001b\[[0-9;]*3[0-7]m/)
    on.press('q')
    expect((await on.ended()).code).toBe(0)
  })

  it('works where the environment says CI', async () => {
    const on = await browse(['--domain', A], { env: { CI: 'true' } })
    await on.sees(/▸ ✓ +1 /)
    on.press('q')
    expect((await on.ended()).code).toBe(0)
  })

  it.each([
    ['an unknown Domain', ['--domain', '0190a8b8-a0c0-7a0a-8a0a-a0a0a0a0a0ff'], 4, 'no Domain'],
    ['a database that does not answer', ['--database-url', 'postgresql://localhost:1/x'], 3, 'Error: '],
  ])('ends with the error where it can show nothing: %s', async (_name, args, code, says) => {
    const url = args.includes('--database-url') ? [] : ['--database-url', field.url]
    session = await PtySession.start(['browse', ...url, ...args])
    const on = session
    const ended = await on.ended()
    expect(ended.code).toBe(code)
    expect(on.isFullScreen).toBe(false)
    expect(ended.screen).toContain(says)
  })

  it('refuses a terminal on which nothing can be drawn', async () => {
    const on = await browse([], { env: { TERM: 'dumb' } })
    const ended = await on.ended()
    expect(ended).toMatchObject({ code: 2 })
    expect(ended.screen).toContain('audit list')
    expect(on.output).not.toContain('\u001b[?1049h')
  })
})

describe('audit browse of copies that need no database', () => {
  let mirror: MirrorCopy
  let folder: string

  beforeAll(async () => {
    mirror = await MirrorCopy.ofChains()
    await mirror.write(rehashed({ ...a(4), relation: HOSTILE }))
    await mirror.write({ ...a(6), reason: 3 })
    await mirror.put(keyOf(A, 7), Buffer.from('no object'))
    folder = await mkdtemp(join(tmpdir(), 'audit-browse-'))
  })

  afterAll(async () => {
    await mirror.drop()
    await rm(folder, { recursive: true, force: true })
  })

  /** A home that does not exist, and must not exist afterwards. */
  const home = () => join(folder, 'home')

  it('leads through a mirror that was tampered with, and creates nothing', async () => {
    const before = await mirror.keys()
    const words = ['browse', '--source', 'mirror', '--mirror', mirror.url, '--home', home()]
    session = await PtySession.start(words)
    const on = session
    await on.sees(/platform chain +706c6174…0000 +3 /)
    on.press('j\r')
    await on.sees(/▸ ✓ +1 /)
    await on.sees(/✗ +6 /)
    await on.sees(/✗ +7 /)
    on.press('v')
    await on.sees('DIVERGED')
    on.press('f')
    await on.sees('finding 1 of')
    on.press('\r')
    await on.sees(/ row \d/)
    on.press('\u001b')
    await on.sees('finding 1 of')
    on.press('q')
    expect((await on.ended()).code).toBe(0)
    expect(existsSync(home())).toBe(false)
    expect(await mirror.keys()).toEqual(before)
  })

  it.each([
    ['a field', '/relation=project.none\r'],
    ['a text', '/nowhere\r'],
  ])('names the rows that cannot be decoded and that a filter of %s leaves out', async (_name, filter) => {
    const words = ['browse', '--domain', A, '--source', 'mirror', '--mirror', mirror.url, '--home', home()]
    session = await PtySession.start(words, { columns: 120 })
    const on = session
    await on.sees(/✗ +7 /)
    on.press(filter)
    await on.sees(/left out: \d rows?: row \d has no canonical bytes/)
    on.press('/')
    await on.sees('█')
    on.press('\u0015')
    await on.sees(' /█')
    on.press('\r')
    await on.sees(/✗ +7 /)
    expect(on.screen).not.toContain('left out')
    on.press('q')
    await on.ended()
  })

  it('proves the end of a chain by the heads that it remembers, and writes none without --remember', async () => {
    const copy = await MirrorCopy.ofChains()
    const heads = join(folder, 'heads.ndjson')
    const words = ['browse', '--source', 'mirror', '--mirror', copy.url, '--home', home()]
    const verified = async (remember: readonly string[], state: string | RegExp) => {
      session?.drop()
      session = await PtySession.start([...words, ...remember])
      const on = session
      await on.sees(/platform chain +706c6174…0000 +3 /)
      on.press('j')
      await on.sees(/▸ .* 0190a8b8…a0a1 +\d /)
      on.press('v')
      await on.sees(state)
      on.press('q')
      expect((await on.ended()).code).toBe(0)
    }
    try {
      await verified([], /\? intact, no pin/)
      expect(existsSync(heads)).toBe(false)
      await verified(['--remember', heads], /\? intact, no pin/)
      expect(jsonLines(await readFile(heads, 'utf8'))).toMatchObject([{ domain_id: A, head: { seq: 8 } }])
      await verified(['--remember', heads], /✓ intact/)
      await copy.remove(keyOf(A, 8))
      await verified([], /\? intact, no pin/)
      await verified(['--remember', heads], /✗ DIVERGED/)
    } finally {
      await copy.drop()
    }
  })

  it('does not call a chain intact whose mirror cannot be read', async () => {
    const mirrors = ['--source', 'both', '--mirror', 'file:///nonexistent']
    session = await PtySession.start(['browse', '--database-url', field.url, '--domain', B, ...mirrors])
    const on = session
    await on.sees(/✓ +1 /)
    on.press('v')
    await on.sees(/not proven/)
    expect(on.screen).not.toMatch(/✓ intact|^ intact/m)
    on.press('q')
    expect((await on.ended()).code).toBe(0)
  })

  it('shows hostile text as text', async () => {
    const words = ['browse', '--domain', A, '--source', 'mirror', '--mirror', mirror.url, '--home', home()]
    session = await PtySession.start(words, { columns: 200, rows: 50 })
    const on = session
    await on.sees(String.raw`\x1b[31mINJ`)
    on.press('#4\r\r')
    await on.sees(/row 4[\s\S]*x1b\]8;;http:\/\/evil/)
    on.press('q')
    await on.ended()
    // biome-ignore lint/suspicious/noControlCharactersInRegex: the codes that the text would execute.
    expect(on.output).not.toMatch(/\u001b\[31mINJ|\u001b\]8;;|\u202e/)
  })

  it('shows an evidence file', async () => {
    const file = join(folder, 'evidence.tar')
    const words = ['export', '--domain', B, '--output', file, '--database-url', field.url]
    expect(await runCli(words)).toMatchObject({ code: 0 })
    session = await PtySession.start(['browse', file, '--home', home()])
    const on = session
    await on.sees(/▸ .* 0190a8b8 +5 /)
    on.press('v')
    await on.sees('? intact, no pin')
    on.press('\r')
    await on.sees(/▸ ✓ +1 /)
    on.press('q')
    expect((await on.ended()).code).toBe(0)
    expect(existsSync(home())).toBe(false)
  })

  it.each([
    ['a file that is not there', ['/nonexistent/evidence.tar'], 3],
    ['a mirror that is not there', ['--source', 'mirror', '--mirror', 'file:///nonexistent'], 3],
    ['a bundle without a FILE', ['--source', 'bundle'], 2],
    ['a FILE with another source', ['evidence.tar', '--source', 'mirror'], 2],
  ])('ends with the error: %s', async (_name, args, code) => {
    session = await PtySession.start(['browse', ...args, '--home', home()])
    expect((await session.ended()).code).toBe(code)
    expect(session.isFullScreen).toBe(false)
  })
})

describe('audit browse without a terminal', () => {
  it.each([[[]], [['--json']]])('ends with 2 and names audit list: %j', async (json) => {
    const result = await runCli(['browse', '--database-url', field.url, ...json])
    expect(result).toMatchObject({ code: 2, stdout: '' })
    expect(result.stderr).toContain('audit list')
  })
})
