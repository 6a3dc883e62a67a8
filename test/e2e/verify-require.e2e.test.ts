import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { A, a } from '../support/attacks/chains.js'
import { type CliResult, jsonLines, runCli, runProcess } from '../support/cli.js'
import { MirrorCopy } from '../support/mirror-attacks/mirror-copy.js'
import { TLOG } from '../support/tlog-vectors.js'

const dir = mkdtempSync(join(tmpdir(), 'verify-require-'))
const at = (name: string) => join(dir, name)
const { platform: witness, warning } = TLOG.policies
const plain = witness.replace(/^witness.*\n/m, '').replace(/^quorum .*/m, 'quorum none')
let mirror: MirrorCopy

beforeAll(async () => {
  mirror = await MirrorCopy.ofChains()
  const files = {
    plain,
    witness,
    empty: '',
    quorumless: plain.replace(/^quorum.*\n/m, ''),
    uncompared: `${warning}\n${plain}`,
    witnessless: plain.replace(/quorum .*/, 'quorum w'),
  }
  for (const [name, text] of Object.entries(files)) writeFileSync(at(name), text)
})
afterAll(async () => {
  await mirror.drop()
  rmSync(dir, { recursive: true })
})

/** Verifies a copy of a mirror that nobody signed, as an investigator does without a database. */
function verify(args: readonly string[], env: Readonly<Record<string, string>> = {}): Promise<CliResult> {
  const words = ['verify', '--source', 'mirror', '--mirror', mirror.url, ...args]
  return runCli(words, { env: { AUDIT_HOME: at('home'), ...env } })
}

const ONE = ['--domain', A]
const policy = (name: string) => ['--policy', at(name)]

describe('a log that nobody signed', () => {
  it.each<readonly [string, readonly string[], number]>([
    ['nothing', [], 0],
    ['a policy', policy('plain'), 5],
    ['a policy with witnesses', policy('witness'), 5],
    ['signed, without a policy', ['--require', 'signed'], 5],
    ['copies', ['--require', 'copies'], 5],
    ['signed and copies', ['--require', 'signed,copies'], 5],
    ['a witness', [...policy('witness'), '--require', 'witnessed'], 5],
    ['one witness', [...policy('witness'), '--require', 'witnessed=1'], 5],
    ['a young signature', [...policy('witness'), '--require', 'max-age=1h'], 5],
    ['a young signature without witnesses', [...policy('plain'), '--require', 'max-age=1h'], 5],
  ])('is judged by %s', async (_name, args, code) => {
    const one = await verify([...ONE, ...args, '--json'])
    const [result] = jsonLines(one.stdout) as [Record<string, unknown>]
    expect([one.code, one.stderr.includes('"error"'), result.ok]).toEqual([code, false, true])
    expect(result.verdict).toBe(code === 0 ? undefined : 'unproven')
    const all = await verify(['--all', ...args])
    expect(all.code, all.stderr).toBe(code)
  })

  it.each<readonly [string, Record<string, string>]>([
    ['AUDIT_POLICY', { AUDIT_POLICY: 'plain' }],
    ['AUDIT_REQUIRE', { AUDIT_REQUIRE: 'signed' }],
  ])('is judged by %s', async (_name, env) => {
    const file = env.AUDIT_POLICY === undefined ? env : { AUDIT_POLICY: at(env.AUDIT_POLICY) }
    const { code, stdout } = await verify(ONE, file)
    expect(code).toBe(5)
    expect(stdout).toMatch(/^unproven /)
    expect(stdout).toContain('not proven: no signed head of a known key')
  })

  it('keeps a finding before what is not proven', async () => {
    const pin = ['--expect-head', `3:${'0'.repeat(64)}`]
    const { code, stdout } = await verify([...ONE, ...policy('plain'), ...pin, '--json'])
    expect(code).toBe(1)
    expect(jsonLines(stdout)[0]).toMatchObject({ verdict: 'diverged' })
  })

  it('keeps what could not be read before what is not proven', async () => {
    const { code } = await verify([...ONE, ...policy('plain')], { AUDIT_MIRROR_MAP: at('absent') })
    expect(code).toBe(3)
  })

  it('writes no head where something is not proven', async () => {
    const file = ['--remember', at('heads.ndjson')]
    expect((await verify([...ONE, ...policy('plain'), ...file])).code).toBe(5)
    const after = await verify([...ONE, ...file])
    expect([after.code, after.stderr]).toEqual([0, expect.stringContaining('had none before')])
  })

  it('counts the chains by their words', async () => {
    const { stdout } = await verify(['--all', '--require', 'signed', '--json'])
    const summary = jsonLines(stdout).at(-1) as { summary: Record<string, unknown> }
    expect(summary.summary).toMatchObject({ ok: false, verified: 0, intact: 0, diverged: 0, failed: 0 })
    expect(summary.summary.unproven).toBe(summary.summary.chains)
    const text = (await verify(['--all', '--require', 'signed'])).stdout
    expect(text).toMatch(/: 0 verified, 0 intact, 0 diverged, \d+ unproven, 0 findings\n$/)
  })

  it('reads the policy from stdin', async () => {
    const words = ['verify', '--source', 'mirror', '--mirror', mirror.url, ...ONE, '--policy', '-']
    const env = { AUDIT_HOME: at('home') }
    expect((await runProcess(words, { env, input: plain })).code).toBe(5)
    expect((await runProcess(words, { env, input: 'no policy\n' })).code).toBe(2)
  })
})

describe('what cannot be read is refused before anything else', () => {
  const bad: readonly (readonly [string, readonly string[], number, string])[] = [
    ['a policy that is absent', policy('absent'), 3, 'file_unreadable'],
    ['a policy that is a folder', ['--policy', dir], 3, 'file_unreadable'],
    ['an empty policy', policy('empty'), 2, 'policy_invalid'],
    ['a policy of more than 64 KiB', ['--policy', '/dev/zero'], 2, 'policy_invalid'],
    ['a policy without a quorum', policy('quorumless'), 2, 'policy_invalid'],
    ['a policy that nobody compared', policy('uncompared'), 2, 'policy_invalid'],
    ['a quorum without a witness', policy('witnessless'), 2, 'policy_invalid'],
    ['an empty list', ['--require', ''], 2, 'usage'],
    ['an unknown axis', ['--require', 'trusted'], 2, 'usage'],
    ['an axis twice', ['--require', 'signed,signed'], 2, 'usage'],
    ['witnesses without a policy', ['--require', 'witnessed'], 2, 'usage'],
    ['an age without a policy', ['--require', 'max-age=1h'], 2, 'usage'],
    ['more witnesses than the policy has', [...policy('witness'), '--require', 'witnessed=2'], 2, 'usage'],
    ['no age', [...policy('witness'), '--require', 'max-age'], 2, 'usage'],
  ]
  it.each(bad)('%s', async (_name, args, code, said) => {
    for (const chain of [ONE, ['--all'], ['--domain', '0190a5d0-7e57-7000-8000-00000000ffff']]) {
      const { stdout, stderr, ...result } = await verify([...chain, ...args, '--json'])
      expect([result.code, stdout, JSON.parse(stderr).error.code], stderr).toEqual([code, '', said])
    }
  })

  it.each(bad)('%s, with an evidence file', async (_name, args, code, said) => {
    const { stderr, ...result } = await runCli(['verify', at('absent.tar'), ...args, '--json'], {
      env: { AUDIT_HOME: at('home') },
    })
    expect([result.code, JSON.parse(stderr).error.code], stderr).toEqual([code, said])
  })
})

it('says nothing new in the JSON of a run that asks for nothing', async () => {
  const { stdout } = await verify([...ONE, '--json'])
  expect(Object.keys(jsonLines(stdout)[0] as object)).toEqual(
    'ok domain_id source mirror segment_from segment_to rows head end first_recorded_at last_recorded_at findings stats'.split(
      ' ',
    ),
  )
  expect(jsonLines(stdout)[0]).toMatchObject({ head: { seq: 8, hash: a(8).entryHash } })
})
