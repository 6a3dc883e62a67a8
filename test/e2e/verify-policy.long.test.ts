import { generateKeyPairSync, sign } from 'node:crypto'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { keyStatementText } from '../../src/chain/log/key-statement.js'
import { checkpointText } from '../../src/chain/note/checkpoint.js'
import { KEY_TYPE, verifierKey, vkeyText } from '../../src/chain/note/vkey.js'
import { A, a, B, rewritten as rewrittenRows } from '../support/attacks/chains.js'
import { moveHead, put } from '../support/attacks/statements.js'
import { type CliResult, jsonLines, runCli } from '../support/cli.js'
import { LogSigner } from '../support/log-signer.js'
import { keyOf } from '../support/mirror-attacks/objects.js'
import { asSuperuser } from '../support/postgres.js'
import { SignedField } from '../support/signed-field.js'
import { unhex } from '../support/tlog-vectors.js'

const dir = mkdtempSync(join(tmpdir(), 'verify-policy-'))
const at = (name: string) => join(dir, name)
let signed: SignedField
let copy: string

beforeAll(async () => {
  signed = await SignedField.make()
  copy = pathToFileURL(signed.copyOfMirror()).href
  const other = new LogSigner('audit.example.com/tlog', new Uint8Array(32).fill(9))
  const head = signed.headOf(A)
  const files = {
    policy: signed.log.policy,
    foreign: signed.log.policy.replace(/^log .*$/m, `log ${vkeyOf(other)}`),
    kept: head.kept,
    note: head.note,
    platform: signed.platformHead.kept,
    platformNote: signed.platformHead.note,
    keptB: signed.headOf(B).kept,
    early: (await signed.log.head(A, 5)).kept,
    earlyNote: (await signed.log.head(A, 5)).note,
    beyond: rewritten(10).kept,
    beyondNote: rewritten(10).note,
    otherRows: rewritten(6).kept,
    otherRoot: rewritten(6).note,
    unknown: signedBy(other, head.size, head.root),
    statement: statementBy(signed.log.signer, A),
    statementB: statementBy(signed.log.signer, B),
    foreignStatement: statementBy(other, A),
    otherLog: statementBy(new LogSigner('other.example.com', new Uint8Array(32).fill(8)), A),
    invalid: head.note.replace(/.{8}\n$/, 'AAAAAAA=\n'),
    empty: '',
  }
  for (const [name, text] of Object.entries(files)) writeFileSync(at(name), text)
})
afterAll(async () => {
  await signed.drop()
  rmSync(dir, { recursive: true })
})

/** A head that the log signed over other rows than it has. */
function rewritten(size: number) {
  return signed.log.headOf(
    A,
    Array.from({ length: size }, (_, i) => (i < 5 ? a(i + 1).entryHash : String(i).repeat(64).slice(0, 64))),
  )
}

function vkeyOf({ platform }: LogSigner): string {
  const { name, id, publicKey } = platform.key
  return `${name}+${id}+${Buffer.from([1, ...publicKey]).toString('base64')}`
}

function signedBy(signer: LogSigner, size: number, root: string): string {
  const { key, sign } = signer.keyOf({ domainId: A, incarnation: 1 })
  const body = checkpointText({ origin: key.name, size, root: unhex(root) })
  const line = Buffer.from([...unhex(key.id), ...sign(Buffer.from(body))]).toString('base64')
  return `${body}\n— ${key.name} ${line}\n`
}

/** The key statement of a chain, as its mirror has it. */
function statementBy(signer: LogSigner, domainId: string): string {
  const items = [`log:${signer.logName}`, signer.keyItem({ domainId, incarnation: 1 })]
  return keyStatementText({ ...signer.row('audit.log-key', items), origin: signer.platform.key.name })
}

type Source = 'postgres' | 'mirror' | 'both'

function verify(source: Source, ...args: readonly string[]): Promise<CliResult> {
  const database = source === 'mirror' ? [] : ['--database-url', signed.field.url]
  const mirror =
    source === 'postgres' ? [] : ['--mirror', source === 'mirror' ? copy : `file://${signed.mirror}`]
  const words = ['verify', '--source', source, ...database, ...mirror, '--no-quarantine', ...args]
  return runCli(words, { env: { AUDIT_HOME: at('home') } })
}

const ONE = ['--domain', A]
const POLICY = () => ['--policy', at('policy')]
const given = (...names: readonly string[]) => names.flatMap((name) => ['--checkpoint', at(name)])
const resultOf = ({ stdout }: CliResult) => jsonLines(stdout)[0] as Record<string, unknown>
const SOURCES = ['postgres', 'mirror', 'both'] as const

describe.each(SOURCES)('a signed log in %s', (source) => {
  it('is verified with the key of its operator', async () => {
    const one = await verify(source, ...ONE, ...POLICY(), '--json')
    expect(one.code, one.stderr).toBe(0)
    expect(resultOf(one)).toMatchObject({
      verdict: 'verified',
      not_proven: [],
      signed: { through_seq: 8, entry_hash: a(8).entryHash, by: 'policy', rows_beyond: 0 },
      axes: { signed: { state: 'proven' }, complete: { state: 'proven' } },
    })
    const text = (await verify(source, ...ONE, ...POLICY())).stdout
    expect(text).toMatch(/^verified /)
    const row = source === 'mirror' ? '' : ` (platform row ${signed.headOf(A).platformSeq})`
    expect(text).toContain(`          signed through row 8 by audit.example.com/tlog${row}\n`)
  })

  it('is verified as a whole', async () => {
    const all = await verify(source, '--all', ...POLICY())
    expect(all.code, all.stderr + all.stdout).toBe(0)
    expect(all.stdout).toMatch(
      /3 chains, \d+ rows: 3 verified, 0 intact, 0 diverged, 0 unproven, 0 findings\n$/,
    )
  })

  it('is not proven with the key of another log, and not proven by itself', async () => {
    for (const args of [
      ['--policy', at('foreign')],
      ['--require', 'signed'],
    ]) {
      const { code, stdout } = await verify(source, ...ONE, ...args, '--json')
      expect([code, (jsonLines(stdout)[0] as { verdict: string }).verdict]).toEqual([5, 'unproven'])
    }
  })

  it('says that nobody else vouches for its own key', async () => {
    const { code, stdout } = await verify(source, ...ONE)
    expect(code).toBe(0)
    expect(stdout).toMatch(/^intact /)
    expect(stdout).toContain("signed through row 8 by this log's own key")
    expect(stdout).toContain(
      'nobody else vouches for that key: give --policy FILE with a key that you did not get from here',
    )
  })

  it.each<readonly [string, readonly string[], number, string | undefined]>([
    ['its kept checkpoint', ['kept'], 0, undefined],
    ['its note', ['note'], 0, undefined],
    ['both, and older ones', ['kept', 'note', 'early', 'earlyNote'], 0, undefined],
    ['the same one twice', ['kept', 'kept'], 0, undefined],
    ['a kept checkpoint over other rows', ['otherRows'], 1, 'checkpoint_conflict'],
    ['a note with another root', ['otherRoot'], 1, 'checkpoint_conflict'],
    ['a kept checkpoint with more rows', ['beyond'], 1, 'checkpoint_rollback'],
    ['a note with more rows', ['beyondNote'], 1, 'checkpoint_rollback'],
    ['one that an unknown key signed', ['unknown'], 5, undefined],
  ])('is compared with %s', async (_name, names, code, finding) => {
    const result = await verify(source, ...ONE, ...POLICY(), ...given(...names), '--json')
    // One chain of a mirror does not say which rows were signed over.
    const expected = source === 'mirror' && names.includes('otherRoot') ? 5 : code
    expect(result.code, result.stdout + result.stderr).toBe(expected)
    const { findings } = resultOf(result) as { findings: readonly { code: string }[] }
    if (finding !== undefined && expected === 1) expect(findings.map((one) => one.code)).toEqual([finding])
    else expect(findings.length).toBe(expected === 1 ? 1 : 0)
  })

  it.each<readonly [string, readonly string[], string, string]>([
    ['a checkpoint of another chain', ONE, 'keptB', 'checkpoint_malformed'],
    ['a checkpoint of the platform chain', ONE, 'platform', 'checkpoint_malformed'],
    ['an invalid signature', ONE, 'invalid', 'checkpoint_malformed'],
    ['an empty file', ONE, 'empty', 'checkpoint_malformed'],
    ['a policy', ONE, 'policy', 'checkpoint_malformed'],
    ['a checkpoint beyond the segment', [...ONE, '--to-seq', '7'], 'kept', 'usage'],
    ['a note of a segment without row 1', [...ONE, '--from-seq', '2'], 'note', 'usage'],
  ])('refuses %s', async (_name, chain, name, said) => {
    const { code, stderr } = await verify(source, ...chain, ...POLICY(), ...given(name), '--json')
    expect([code, JSON.parse(stderr.trim().split('\n').at(-1) ?? '').error.code], stderr).toEqual([2, said])
  })

  it.each<readonly [string, string, number, string]>([
    ['is absent', 'absent', 3, 'file_unreadable'],
    ['is a folder', '', 3, 'file_unreadable'],
    ['never ends', '/dev/zero', 2, 'checkpoint_malformed'],
  ])('refuses a file that %s', async (_name, path, code, said) => {
    const file = path.startsWith('/') ? path : at(path)
    const result = await verify(source, ...ONE, '--checkpoint', file, '--json')
    expect([result.code, JSON.parse(result.stderr).error.code]).toEqual([code, said])
  })
})

it('takes checkpoints of every chain for every chain', async () => {
  const all = await verify(
    'both',
    '--all',
    ...POLICY(),
    ...given('kept', 'keptB', 'platform', 'platformNote'),
  )
  expect(all.code, all.stdout + all.stderr).toBe(0)
  const mirror = await verify('mirror', '--all', ...POLICY(), ...given('otherRoot'))
  expect(mirror.code, mirror.stdout).toBe(1)
})

it('takes the key from the home, which proves that the end is signed and vouches for nobody', async () => {
  const home = mkdtempSync(join(dir, 'home-'))
  signed.log.writeHomeKey(home)
  const words = ['verify', '--source', 'mirror', '--mirror', copy, ...ONE, '--require', 'signed', '--json']
  const result = await runCli(words, { env: { AUDIT_HOME: home } })
  expect(result.code).toBe(0)
  expect(resultOf(result)).toMatchObject({ verdict: 'intact', signed: { by: 'home' } })
})

describe('an evidence file', () => {
  let file: string
  beforeAll(async () => {
    file = at('evidence.tar')
    const database = ['--database-url', signed.field.url]
    const { code, stderr } = await runCli(['export', '--domain', A, '--output', file, ...database])
    if (code !== 0) throw new Error(stderr)
    const range = ['--from-seq', '2', '--to-seq', '6']
    await runCli(['export', '--domain', A, ...range, '--output', at('range.tar'), ...database])
    const { key } = signed.log.signer.keyOf({ domainId: A, incarnation: 1 })
    const vkey = `${key.name}+${key.id}+${Buffer.from([1, ...key.publicKey]).toString('base64')}`
    writeFileSync(at('domain.policy'), `log ${vkey}\nquorum none\n`)
  })

  it.each<readonly [string, string, readonly string[], number]>([
    ['a policy alone', 'evidence.tar', [], 5],
    ['a checkpoint', 'evidence.tar', ['kept'], 0],
    ['a note', 'evidence.tar', ['note'], 0],
    ['an older checkpoint', 'evidence.tar', ['early'], 0],
    ['a checkpoint over other rows', 'evidence.tar', ['otherRows'], 1],
    ['a checkpoint with more rows', 'evidence.tar', ['beyond'], 1],
    ['a checkpoint of another chain', 'evidence.tar', ['keptB'], 2],
    ['a checkpoint of an unknown key', 'evidence.tar', ['unknown'], 5],
    ['a checkpoint, with a range that begins later', 'range.tar', ['early'], 5],
    ['a checkpoint after the range', 'range.tar', ['kept'], 5],
  ])('is compared with %s', async (_name, name, checkpoints, code) => {
    const words = ['verify', at(name), '--policy', at('domain.policy'), ...given(...checkpoints), '--json']
    const result = await runCli(words, { env: { AUDIT_HOME: at('home') } })
    expect(result.code, result.stdout + result.stderr).toBe(code)
  })

  it.each<readonly [string, readonly string[], number]>([
    ['a kept checkpoint and the key statement', ['kept', 'statement'], 0],
    ['the statement before the checkpoint', ['statement', 'kept'], 0],
    ['a note and the key statement', ['note', 'statement'], 0],
    ['a checkpoint over other rows and the statement', ['otherRows', 'statement'], 1],
    ['a note with another root, where holes are not known', ['otherRoot', 'statement'], 5],
    ['the key statement alone', ['statement'], 5],
    ['the statement of another chain', ['kept', 'statementB'], 5],
    ['a statement that no known key signed', ['unknown', 'foreignStatement'], 5],
    ['the statement of another log', ['kept', 'otherLog'], 2],
  ])('is compared by the platform key with %s', async (_name, files, code) => {
    const words = ['verify', file, ...POLICY(), ...given(...files), '--json']
    const result = await runCli(words, { env: { AUDIT_HOME: at('home') } })
    expect(result.code, result.stdout + result.stderr).toBe(code)
  })

  it('names what would say whose key signed its checkpoint', async () => {
    const words = ['verify', file, ...POLICY(), ...given('kept')]
    const { code, stdout } = await runCli(words, { env: { AUDIT_HOME: at('home') } })
    expect(code).toBe(5)
    expect(stdout).toContain(
      `give its key statement tlog/${A}/keys/….json too, or the policy that log policy prints for this Domain`,
    )
  })

  it('looks for no signed head where the command names neither a key nor a checkpoint', async () => {
    const { stdout } = await runCli(['verify', file], { env: { AUDIT_HOME: at('home') } })
    expect(stdout).not.toContain('signed')
  })
})

it('remembers the heads of a verified log, which serve as expected heads', async () => {
  const heads = at('heads.ndjson')
  expect((await verify('both', '--all', ...POLICY(), '--remember', heads)).code).toBe(0)
  expect(readFileSync(heads, 'utf8').split('\n').length).toBe(4)
  expect((await verify('mirror', '--all', ...POLICY(), '--expect-heads', heads)).code).toBe(0)
})

describe('witnesses', () => {
  const name = 'witness.example.net/w1'
  const secret = generateKeyPairSync('ed25519')
  const raw = secret.publicKey.export({ format: 'der', type: 'spki' }).subarray(-32)
  const key = verifierKey(name, KEY_TYPE.cosignature, new Uint8Array(raw))
  const now = () => BigInt(Math.floor(Date.now() / 1000))

  /** Returns the line of the witness over a note. */
  function line(note: string, time: bigint): string {
    const body = note.slice(0, note.indexOf('\n\n') + 1)
    const message = Buffer.from(`cosignature/v1\ntime ${time}\n${body}`)
    const stamp = Buffer.alloc(8)
    stamp.writeBigUInt64BE(time)
    const bytes = Buffer.concat([unhex(key.id), stamp, sign(null, message, secret.privateKey)])
    return `— ${name} ${bytes.toString('base64')}\n`
  }

  beforeAll(() => {
    const { note, kept } = signed.platformHead
    const lines = `witness w1 ${vkeyText(key)}\nquorum w1`
    const [fresh, old] = [line(note, now()), line(note, now() - 7200n)]
    const files = {
      'witness.policy': signed.log.policy.replace('quorum none', lines),
      fresh: kept + fresh,
      freshNote: note + fresh,
      old: note + old,
      ahead: note + line(note, now() + 600n),
      badLine: note + fresh.replace(/.{8}\n$/, 'AAAAAAA=\n'),
    }
    for (const [path, text] of Object.entries(files)) writeFileSync(at(path), text)
  })

  it.each<readonly [string, readonly string[], readonly string[], number]>([
    ['without a cosignature', [], [], 5],
    ['where only the head is required', ['--require', 'signed'], [], 0],
    ['with a checkpoint that the witness signed', [], ['fresh'], 0],
    ['with a note that it signed', [], ['freshNote'], 0],
    ['where one of one is required', ['--require', 'witnessed=1'], ['freshNote'], 0],
    ['where it must have signed within the hour', ['--require', 'witnessed,max-age=1h'], ['freshNote'], 0],
    ['where it signed two hours ago', ['--require', 'witnessed'], ['old'], 0],
    ['where it signed too long ago', ['--require', 'max-age=1h'], ['old'], 5],
    ['where its clock is ahead', [], ['ahead'], 5],
    ['where its signature is not valid', [], ['badLine'], 2],
  ])('are counted %s', async (_name, args, names, code) => {
    for (const chain of [ONE, ['--all']]) {
      const result = await verify(
        'postgres',
        ...chain,
        '--policy',
        at('witness.policy'),
        ...args,
        ...given(...names),
      )
      expect(result.code, result.stdout + result.stderr).toBe(code)
    }
  })

  it('are named with the time of their signature, and those that have not signed', async () => {
    const policy = ['--policy', at('witness.policy')]
    const { stdout } = await verify('postgres', ...ONE, ...policy, ...given('fresh'))
    expect(stdout).toMatch(/seen by 1 of 1 witness, \d+ s ago\n/)
    const unproven = await verify('postgres', ...ONE, ...policy)
    expect(unproven.stdout).toContain(`not proven: 1 witness required, 0 have signed: ${name} has not\n`)
  })

  it('are found beside the kept checkpoints of a mirror', async () => {
    const { note, key: object } = signed.platformHead
    const folder = signed.copyOfMirror()
    const time = now()
    const beside = object.replace(/\.tlog-proof$/, `.${key.id}-${String(time).padStart(20, '0')}.cosig`)
    writeFileSync(join(folder, beside), line(note, time))
    const words = ['verify', '--source', 'mirror', '--mirror', pathToFileURL(folder).href, '--all', '--json']
    const result = await runCli([...words, '--policy', at('witness.policy')], {
      env: { AUDIT_HOME: at('home') },
    })
    expect(result.code, result.stdout + result.stderr).toBe(0)
    for (const one of jsonLines(result.stdout).slice(0, -1))
      expect(one).toMatchObject({ verdict: 'verified', axes: { timed: { state: 'proven' } } })
  })
})

// The last tests: they damage the log.
describe('an investigator with the policy of the operator', () => {
  it('learns that the rows of a copy end before what was signed', async () => {
    const folder = signed.copyOfMirror()
    for (const seq of [7, 8]) rmSync(join(folder, keyOf(A, seq)))
    const words = ['verify', '--source', 'mirror', '--mirror', pathToFileURL(folder).href]
    const result = await runCli([...words, ...ONE, ...POLICY()], { env: { AUDIT_HOME: at('home') } })
    expect(result.code, result.stdout + result.stderr).toBe(3)
    expect(result.stderr).toContain('rows 7 to 8 are signed and not in this copy')
    expect(result.stderr).toContain('copy tlog/ before audit/')
  })

  it('sees which rows are not those that were signed, and which copy has them', async () => {
    const suffix = rewrittenRows(4, { relation: 'x' })
    const head = moveHead(8, suffix.at(-1)?.entryHash ?? '')
    await asSuperuser(signed.field.url, suffix.map(put).join('') + head)
    for (const args of [POLICY(), [], ['--policy', at('witness.policy')]]) {
      const json = await verify('both', ...ONE, ...args, '--json')
      expect([json.code, resultOf(json).verdict]).toEqual([1, 'diverged'])
    }
    const { stdout } = await verify('postgres', ...ONE, ...POLICY())
    expect(stdout).toMatch(/^DIVERGED /)
    expect(stdout).toMatch(/\n {2}checkpoint_mismatch {2}rows 1 to 8: not the rows that were signed/)
    const row = signed.headOf(A).platformSeq
    expect(stdout).toContain(
      `    expected  ${a(8).entryHash}   entry_hash of row 8 as signed in platform row ${row}\n    observed  ${suffix.at(-1)?.entryHash}\n`,
    )
    expect(stdout).toContain('docs/runbook.md#signed-rows-differ')
    const all = await verify('postgres', '--all', ...POLICY())
    expect(all.code).toBe(1)
    expect(all.stdout).toMatch(/: 2 verified, 0 intact, 1 diverged, 0 unproven, 1 finding\n$/)
  })
})
