import { chmod, mkdtemp, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import type { SignableRow } from '../../src/chain/log/signed-row.js'
import { vkeyText } from '../../src/chain/note/vkey.js'
import { Context, type Settings } from '../../src/compose/context.js'
import { type LogKeyPlace, logKeysAt } from '../../src/compose/sign/log-key.js'
import { logKeySetting } from '../../src/compose/sign/log-key-setting.js'
import { LogSigner, PLATFORM } from '../support/log-signer.js'
import { TLOG, unhex } from '../support/tlog-vectors.js'

const KEY = unhex(TLOG.keys.log_seed)
const OTHER = new Uint8Array(32).fill(7)
const NAME = 'audit.example.com/tlog'
const DEFAULT = TLOG.keys.default_log_name

let home = ''
beforeEach(async () => {
  home = await mkdtemp(join(tmpdir(), 'audit-log-key-'))
})
afterEach(() => rm(home, { recursive: true, force: true }))

const keyRow = (seed: Uint8Array, logName: string) => {
  const signer = new LogSigner(logName, seed)
  return signer.keyRow([PLATFORM])
}
const vkeyOf = (seed: Uint8Array, logName: string) => vkeyText(new LogSigner(logName, seed).platform.key)

interface Given {
  readonly key?: Uint8Array
  readonly vkey?: string
  readonly rows?: readonly SignableRow[]
  readonly logName?: string
  readonly mint?: boolean
  readonly setting?: LogKeyPlace['setting']
}

async function open({ key, vkey, rows = [], logName, mint = true, setting }: Given) {
  const path = join(home, 'log.key')
  if (key !== undefined) await writeFile(path, key, { mode: 0o600 })
  if (vkey !== undefined) await writeFile(join(home, 'log.vkey'), `${vkey}\n`)
  const place = { setting: setting ?? { kind: 'file', path, isOfHome: true }, home, logName, mint } as const
  return logKeysAt(place, async () => rows)
}

describe('the key of a log', () => {
  it('is created in a home where nothing was signed, and stays the same', async () => {
    const first = await open({})
    const second = await open({})
    if (!('keys' in first && 'keys' in second)) throw new Error('expected keys')
    expect((await stat(join(home, 'log.key'))).mode & 0o777).toBe(0o600)
    expect(await readFile(join(home, 'log.key'))).toHaveLength(32)
    expect(first.platformKey).toEqual(second.platformKey)
    expect(first).toMatchObject({ isInitialised: false, others: [] })
    expect(await readdir(home)).toEqual(['log.key'])
  })

  it.each<[string, Given]>([
    ['only reads', { mint: false }],
    ['has log.vkey', { vkey: vkeyOf(KEY, NAME) }],
    ['has a key row that its own key signed', { rows: [keyRow(KEY, NAME)] }],
  ])('is missing, and is not created, for a run that %s', async (_name, given) => {
    expect(await open(given)).toEqual({ reason: 'no_key' })
    expect(await readdir(home)).toEqual(given.vkey === undefined ? [] : ['log.vkey'])
  })

  it('is created beside a key row without a valid signature', async () => {
    const row = keyRow(KEY, NAME)
    const forged = { ...row, relationPath: [`log:${NAME}x`, ...row.relationPath.slice(1)] }
    expect(await open({ rows: [forged] })).toMatchObject({ isInitialised: false, others: [] })
  })

  it('is not opened where signing is off', async () => {
    expect(await open({ key: KEY, setting: { kind: 'off' } })).toEqual({ reason: 'off' })
  })

  it.each<[string, Given, string, Partial<{ isInitialised: boolean; others: number }>]>([
    ['that follows from the key', {}, DEFAULT, { isInitialised: false }],
    ['that was given', { logName: NAME }, NAME, {}],
    ['of log.vkey', { vkey: vkeyOf(KEY, NAME) }, NAME, { isInitialised: false }],
    ['that its key signed', { rows: [keyRow(KEY, NAME)] }, NAME, { isInitialised: true }],
    [
      'that is everywhere the same',
      { vkey: vkeyOf(KEY, NAME), rows: [keyRow(KEY, NAME)], logName: NAME },
      NAME,
      {},
    ],
    [
      'that its own key signed, and not another',
      { rows: [keyRow(OTHER, 'x'), keyRow(KEY, NAME)] },
      NAME,
      { others: 1 },
    ],
    [
      'that was given beside a row of another key',
      { logName: NAME, rows: [keyRow(OTHER, 'x')] },
      NAME,
      { isInitialised: false, others: 1 },
    ],
  ])('has the log name %s', async (_name, given, logName, expected) => {
    const opened = await open({ key: KEY, ...given })
    if (!('keys' in opened)) throw new Error('expected keys')
    expect([opened.keys.logName, vkeyText(opened.platformKey)]).toEqual([logName, vkeyOf(KEY, logName)])
    const { others, ...rest } = expected
    expect(opened).toMatchObject(rest)
    if (others !== undefined) expect(opened.others).toHaveLength(others)
  })

  it.each<[string, Given, string]>([
    ['another key in log.vkey', { vkey: vkeyOf(OTHER, NAME) }, 'key_mismatch'],
    ['another name in log.vkey', { vkey: vkeyOf(KEY, NAME), logName: 'other' }, 'log_name_conflict'],
    ['another name in a row', { rows: [keyRow(KEY, NAME)], logName: 'other' }, 'log_name_conflict'],
    [
      'a row and log.vkey that differ',
      { rows: [keyRow(KEY, NAME)], vkey: vkeyOf(KEY, 'other') },
      'log_name_conflict',
    ],
    ['a damaged log.vkey', { vkey: 'damaged' }, 'log_key_unavailable'],
    ['a key of 31 bytes', { key: KEY.subarray(1) }, 'log_key_unavailable'],
    [
      'a file that was named and is missing',
      { setting: { kind: 'file', path: '/nonexistent/key', isOfHome: false } },
      'log_key_unavailable',
    ],
  ])('is refused for %s', async (_name, given, code) => {
    await expect(open({ key: KEY, ...given })).rejects.toMatchObject({ code })
  })

  it('is refused where others may read the file', async () => {
    await open({ key: KEY })
    await chmod(join(home, 'log.key'), 0o640)
    await expect(open({})).rejects.toMatchObject({
      code: 'log_key_unavailable',
      advice: { code: 'make_private' },
    })
  })
})

describe('the setting of the log key', () => {
  const URL = 'postgresql://localhost/x'
  const settingOf = (settings: Settings) =>
    logKeySetting(new Context({ home: '/h', ...settings }, new AbortController().signal))

  it.each<[string, Settings, ReturnType<typeof settingOf>]>([
    ['nothing, with a home', {}, { kind: 'file', path: '/h/log.key', isOfHome: true }],
    ['nothing, with an external database', { databaseUrl: URL }, { kind: 'off' }],
    ['none', { logKey: 'none' }, { kind: 'off' }],
    ['none, with an external database', { logKey: 'none', databaseUrl: URL }, { kind: 'off' }],
    ['a file', { logKey: 'file:///k' }, { kind: 'file', path: '/k', isOfHome: false }],
    [
      'a file and a name',
      { logKey: 'file:///k', logName: 'a', databaseUrl: URL },
      { kind: 'file', path: '/k', isOfHome: false },
    ],
    ['a name alone', { logName: 'a', databaseUrl: URL }, { kind: 'off' }],
  ])('is read from %s', (_name, settings, expected) => {
    expect(settingOf(settings)).toEqual(expected)
  })

  it.each<[string, Settings]>([
    ['a path', { logKey: '/k' }],
    ['a secret', { logKey: '00'.repeat(32) }],
    ['a folder', { logKey: pathToFileURL('/k/').href }],
    ['another scheme', { logKey: 'env:KEY' }],
    ['no text', { logKey: '' }],
    ['a file without a name, with an external database', { logKey: 'file:///k', databaseUrl: URL }],
  ])('is refused for %s', (_name, settings) => {
    expect(() => settingOf(settings)).toThrow(expect.objectContaining({ code: 'usage' }))
  })
})
