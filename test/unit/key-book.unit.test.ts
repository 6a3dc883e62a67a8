import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { verifyEd25519 } from '../../src/base/crypto/node-ed25519.js'
import { KeyBook, type KeyRoot } from '../../src/chain/log/key-book.js'
import { parseKeyStatement } from '../../src/chain/log/key-statement.js'
import type { LogRow } from '../../src/chain/log/log-rows.js'
import { parseVkey, type VerifierKey } from '../../src/chain/note/vkey.js'
import { LogSigner, PLATFORM } from '../support/log-signer.js'
import { TLOG, unhex } from '../support/tlog-vectors.js'

const LOG = 'audit.example.com/tlog'
const { signed_rows: ROWS, keys: KEYS } = TLOG
const seed = (byte: number) => new Uint8Array(32).fill(byte)
const log = new LogSigner(LOG, unhex(KEYS.log_seed))
const next = new LogSigner(LOG, seed(2))
const last = new LogSigner(LOG, seed(3))
const thief = new LogSigner(LOG, seed(4))
const other = new LogSigner('other.example.com', seed(5))
const DOMAIN = { domainId: '0190a5d0-7e57-7000-8000-000000000001', incarnation: 1 }
const SECOND = { domainId: '0190a5d0-7e57-7000-8000-000000000002', incarnation: 1 }
const head = (size: number) => ({ ...DOMAIN, size, root: 'a'.repeat(64), entryHash: 'b'.repeat(64) })

const at = (row: LogRow, seq: number): LogRow => ({ ...row, seq })
const BY_LOG: KeyRoot = { by: 'log', keys: [] }
const policy = (...keys: readonly VerifierKey[]): KeyRoot => ({ by: 'policy', keys })
const home = (signer: LogSigner): KeyRoot => ({ by: 'home', keys: [signer.platform.key] })

const FIRST = log.keyRow([DOMAIN, PLATFORM])
const SUCCESSOR = next.successorRow(log, [
  { ...PLATFORM, size: 20 },
  { ...DOMAIN, size: 7 },
])
const THIRD = last.successorRow(next, [{ ...PLATFORM, size: 40 }])

/** Returns the known keys of a chain as `<whose> from-last`. */
function ranges(book: KeyBook, chain = PLATFORM): string[] {
  const signers = Object.entries({ log, next, last, thief, other })
  return book.rangesOf(chain).map(({ key, fromSize, lastSize = '' }) => {
    const name = signers.find(([, signer]) => signer.keyOf(chain).key.id === key.id)?.[0]
    return `${name} ${fromSize}-${lastSize}`
  })
}

function shuffled<T>(rows: readonly T[]): T[] {
  return [...rows].sort((one, two) => (JSON.stringify(one) < JSON.stringify(two) ? 1 : -1))
}

describe('the keys that a verifier knows', () => {
  const all = [at(FIRST, 3), at(SUCCESSOR, 21), at(THIRD, 41)]

  it.each<[string, KeyRoot, LogRow[], string[], string[]]>([
    ['none, without rows', BY_LOG, [], [], []],
    ['the key that signs the row that names it', BY_LOG, [at(FIRST, 3)], ['log 0-'], ['log 0-']],
    ['the key of the home, without rows', home(log), [], ['log 0-'], []],
    ['the key of the home and what it names', home(log), [at(FIRST, 3)], ['log 0-'], ['log 0-']],
    ['successors', BY_LOG, all, ['log 0-20', 'next 20-40', 'last 40-'], ['log 0-7', 'next 7-']],
    [
      'successors of the home',
      home(log),
      all,
      ['log 0-20', 'next 20-40', 'last 40-'],
      ['log 0-7', 'next 7-'],
    ],
    ['no predecessor of a given key', policy(last.platform.key), all, ['last 40-'], []],
    [
      'what a successor signed with its predecessor',
      policy(next.platform.key),
      all.slice(0, 2),
      ['next 20-'],
      ['next 7-'],
    ],
    ['two keys of a policy', policy(log.platform.key, next.platform.key), [], ['log 0-', 'next 0-'], []],
    [
      'two linked keys of a policy',
      policy(log.platform.key, next.platform.key),
      all,
      ['log 0-20', 'next 20-40', 'last 40-'],
      ['log 0-7', 'next 7-'],
    ],
    ['a key of the Domain alone', policy(log.keyOf(DOMAIN).key), [at(FIRST, 3)], [], ['log 0-']],
    [
      'neither of two keys that no row links',
      BY_LOG,
      [at(FIRST, 3), at(thief.keyRow([PLATFORM, DOMAIN]), 9)],
      [],
      [],
    ],
    ['neither of two logs', BY_LOG, [at(FIRST, 3), at(other.keyRow([PLATFORM]), 9)], [], []],
    [
      'the first key, if a linked one signs itself too',
      BY_LOG,
      [...all, at(next.keyRow([PLATFORM], 20), 22)],
      ['log 0-20', 'next 20-40', 'last 40-'],
      ['log 0-7', 'next 7-'],
    ],
    [
      'the key of the home beside a forged one',
      home(log),
      [at(thief.keyRow([PLATFORM, DOMAIN]), 2), at(FIRST, 3)],
      ['log 0-'],
      ['log 0-'],
    ],
    [
      'the key of the policy beside a forged one',
      policy(log.platform.key),
      [at(thief.keyRow([PLATFORM, DOMAIN]), 2), at(FIRST, 3)],
      ['log 0-'],
      ['log 0-'],
    ],
    [
      'no successor that the first key did not sign',
      home(log),
      [at(FIRST, 3), at(thief.row('audit.log-key', SUCCESSOR.relationPath.slice(0, -2), [thief, next]), 21)],
      ['log 0-'],
      ['log 0-'],
    ],
    [
      'no key that a row names beside its own without replacing it',
      home(log),
      [at(log.row('audit.log-key', [`log:${LOG}`, thief.keyItem(PLATFORM)]), 5)],
      ['log 0-'],
      [],
    ],
    [
      'no key of a row that the replaced key signed later',
      home(log),
      [...all, at(log.keyRow([SECOND]), 50)],
      ['log 0-20', 'next 20-40', 'last 40-'],
      ['log 0-7', 'next 7-'],
    ],
    [
      'the log that signed rows, of two in a policy',
      policy(other.platform.key, log.platform.key),
      [at(FIRST, 3)],
      ['other 0-', 'log 0-'],
      ['log 0-'],
    ],
    [
      'those of both logs of a policy that signed rows',
      policy(other.platform.key, log.platform.key),
      [at(FIRST, 3), at(other.keyRow([PLATFORM, DOMAIN]), 9)],
      ['other 0-', 'log 0-'],
      ['other 0-', 'log 0-'],
    ],
    [
      'two keys of one log that no row links, each from the first row on',
      policy(log.platform.key, next.platform.key),
      [at(FIRST, 3), at(next.keyRow([PLATFORM, DOMAIN]), 9)],
      ['log 0-', 'next 0-'],
      ['log 0-', 'next 0-'],
    ],
    [
      'two keys of one log that no row links, before the second signs',
      policy(log.platform.key, next.platform.key),
      [at(FIRST, 3)],
      ['log 0-', 'next 0-'],
      ['log 0-'],
    ],
    [
      'the successors of one key beside another key of the log',
      policy(thief.platform.key, log.platform.key),
      [...all, at(thief.keyRow([PLATFORM, DOMAIN]), 50)],
      ['thief 0-', 'log 0-20', 'next 20-40', 'last 40-'],
      ['thief 0-', 'log 0-7', 'next 7-'],
    ],
    [
      'one line, if the policy names the successor before its predecessor',
      policy(last.platform.key, log.platform.key),
      all,
      ['log 0-20', 'next 20-40', 'last 40-'],
      ['log 0-7', 'next 7-'],
    ],
  ])('are %s', (_what, root, rows, platform, domain) => {
    const book = KeyBook.of(root, rows, verifyEd25519)
    expect([ranges(book), ranges(book, DOMAIN)]).toEqual([platform, domain])
    expect(book.rangesOf(SECOND)).toEqual([])
  })

  it('of several logs are about this platform chain unless they name other Domains alone', () => {
    const root = policy(log.platform.key, other.platform.key)
    const isHere = (...domains: readonly (typeof DOMAIN)[]) => {
      const rows = [at(FIRST, 3), at(other.keyRow([PLATFORM, ...domains]), 9)]
      const book = KeyBook.of(root, rows, verifyEd25519)
      return [log, other].map(({ platform }) => book.isOfThisLog(platform.key))
    }
    expect(isHere(DOMAIN)).toEqual([true, true])
    expect(isHere(SECOND)).toEqual([true, false])
    expect(isHere()).toEqual([true, true])
  })

  it.each<[string, LogRow, string[]]>([
    ['of another Domain', log.keyRow([SECOND]), ['log 0-']],
    ['of the platform chain', at(log.keyRow([PLATFORM, SECOND]), 5), ['log 0-']],
    ['of a successor', at(SUCCESSOR, 21), ['log 0-7', 'next 7-']],
    ['of no known key', thief.keyRow([SECOND]), ['log 0-']],
  ])('are the same in a book with more rows %s, where nothing is checked twice', (_, row, domain) => {
    let checks = 0
    const verify = (...args: Parameters<typeof verifyEd25519>) => {
      checks += 1
      return verifyEd25519(...args)
    }
    const rows = [at(FIRST, 3), at(log.headRow([head(3)]), 4)]
    const base = KeyBook.of(home(log), rows, verify)
    for (const one of rows) base.signerOf(one)
    const before = checks
    const book = base.with([row])
    for (const one of [...rows, row]) book.signerOf(one)
    const added = row.relationPath.filter((item) => item.startsWith('sig:')).length
    expect(checks - before).toBeLessThanOrEqual(added)
    const whole = KeyBook.of(home(log), [...rows, row], verifyEd25519)
    for (const one of [...rows, row]) whole.signerOf(one)
    for (const chain of [PLATFORM, DOMAIN, SECOND]) expect(ranges(book, chain)).toEqual(ranges(whole, chain))
    expect(ranges(book, DOMAIN)).toEqual(domain)
    expect(book.foreign).toEqual(whole.foreign)
    expect(book.hasPlatformOf(base)).toBe(!row.relationPath.some((item) => item.includes(PLATFORM.domainId)))
  })

  it.each([BY_LOG, home(log)])('follow from the rows in any order and number: $by', (root) => {
    const rows = shuffled([...all, ...all])
    expect(ranges(KeyBook.of(root, rows, verifyEd25519))).toEqual(['log 0-20', 'next 20-40', 'last 40-'])
  })

  it('are those of the vectors', () => {
    const rows = ROWS.valid.map(({ relation, object, relation_path: relationPath }, i) => ({
      relation,
      object,
      relationPath,
      seq: [3, 4, 5, 22][i],
    }))
    const book = KeyBook.of(BY_LOG, rows, verifyEd25519)
    expect(book.platformOrigin).toBe(ROWS.origin)
    expect(book.rangesOf(PLATFORM).map(({ key }) => key)).toEqual(ROWS.platform_keys.map(parseVkey))
    expect(book.rangesOf(DOMAIN).map(({ key, fromSize }) => [key.id, fromSize])).toEqual([
      ['5b701a0f', 0],
      ['0ce93919', 257],
    ])
    for (const { key_id, size, counts } of KEYS.ranges.lines)
      expect(book.keyFor(DOMAIN, key_id, size) !== undefined).toBe(counts)
    expect(rows.map((row) => book.signerOf(row)?.id)).toEqual([
      'b3933f46',
      'b3933f46',
      'b3933f46',
      'b3933f46',
    ])
  })

  it('are named by a key statement, where its signer is known', () => {
    const statement = parseKeyStatement(ROWS.statement.text) as LogRow
    const key = parseVkey(ROWS.platform_keys[0] ?? '') as VerifierKey
    const known = (root: KeyRoot, row: LogRow) =>
      KeyBook.of(root, [row], verifyEd25519).rangesOf(DOMAIN).length
    expect(known(policy(key), statement)).toBe(1)
    expect(known(BY_LOG, statement)).toBe(0)
    expect(known(policy(key), { ...statement, origin: other.originOf(PLATFORM) })).toBe(0)
  })
})

describe('the signer of a row', () => {
  const keys = [at(FIRST, 3), at(SUCCESSOR, 21)]
  it.each<[string, LogRow, string | undefined]>([
    ['of the first key is known', at(log.headRow([head(1)]), 10), log.platform.key.id],
    ['of the last seq of its range is known', at(log.headRow([head(1)]), 20), log.platform.key.id],
    ['beyond the range of its key is unknown', at(log.headRow([head(1)]), 21), undefined],
    ['before the range of its key is unknown', at(next.headRow([head(1)]), 20), undefined],
    ['of the successor is known', at(next.headRow([head(1)]), 21), next.platform.key.id],
    ['of another key is unknown', at(thief.headRow([head(1)]), 10), undefined],
    [
      'that does not verify is unknown',
      at(
        {
          ...log.headRow([head(2)]),
          relationPath: [
            ...log.headRow([head(3)]).relationPath.slice(0, 1),
            log.headRow([head(2)]).relationPath[1] ?? '',
          ],
        },
        10,
      ),
      undefined,
    ],
    [
      'of an ordinary row is unknown',
      at({ relation: 'audit.checkpoint', object: 'platform:platform', relationPath: [] }, 10),
      undefined,
    ],
  ])('%s', (_why, row, expected) => {
    expect(KeyBook.of(home(log), [...keys, row], verifyEd25519).signerOf(row)?.id).toBe(expected)
  })

  it('is unknown for a copy of a row beyond the range of its key', () => {
    const row = log.headRow([head(1)])
    const [original, copy] = [at(row, 10), at(row, 30)]
    const book = KeyBook.of(home(log), [...keys, original, copy], verifyEd25519)
    expect([book.signerOf(original)?.id, book.signerOf(copy)]).toEqual([log.platform.key.id, undefined])
    expect(book.foreign.byRelation).toEqual(new Map([['audit.checkpoint', 1]]))
  })
})

describe('rows that are not the log’s own', () => {
  it('are counted by relation and key id', () => {
    const ordinary = { relation: 'audit.checkpoint', object: 'platform:platform', relationPath: ['x'] }
    const foreign = [
      thief.headRow([head(1)]),
      thief.headRow([head(2)]),
      thief.keyRow([PLATFORM]),
      ordinary,
      ordinary,
    ]
    const book = KeyBook.of(home(log), [...foreign, FIRST, log.headRow([head(1)])], verifyEd25519)
    expect(book.foreign.byRelation).toEqual(
      new Map([
        ['audit.checkpoint', 4],
        ['audit.log-key', 1],
      ]),
    )
    expect(book.foreign.byKeyId).toEqual(new Map([[thief.platform.key.id, 3]]))
  })

  it('are counted after their check, where they bear the id of a known key', () => {
    const row = log.headRow([head(1)])
    const forged = {
      ...row,
      relationPath: [log.headRow([head(2)]).relationPath[0] ?? '', row.relationPath[1] ?? ''],
    }
    const book = KeyBook.of(home(log), [forged], verifyEd25519)
    expect(book.foreign.byRelation.size).toBe(0)
    expect(book.signerOf(forged)).toBeUndefined()
    expect(book.foreign.byRelation).toEqual(new Map([['audit.checkpoint', 1]]))
  })
})

describe('the cost of the keys', () => {
  it.each([BY_LOG, home(log)])('is at most one check of each signature: $by', (root) => {
    const rows = [
      at(FIRST, 3),
      at(SUCCESSOR, 21),
      at(THIRD, 41),
      at(log.headRow([head(1)]), 5),
      at(thief.headRow([head(1)]), 6),
    ]
    const checked: string[] = []
    const book = KeyBook.of(root, [...rows, ...rows], (key, message, signature) => {
      checked.push(Buffer.from(signature).toString('hex'))
      return verifyEd25519(key, message, signature)
    })
    for (const row of [...rows, ...rows]) book.signerOf(row)
    expect(new Set(checked).size).toBe(checked.length)
    expect(checked.length).toBe(6)
  })
})

describe('every set of rows', () => {
  it('gives a book, and never more keys than a known key signed', () => {
    const items = fc.oneof(
      fc.constantFrom(...[FIRST, SUCCESSOR, THIRD].flatMap(({ relationPath }) => relationPath)),
      fc.string(),
    )
    const row = fc.record({
      relation: fc.constantFrom('audit.log-key', 'audit.checkpoint'),
      object: fc.constantFrom('platform:platform', 'x'),
      relationPath: fc.array(items, { maxLength: 8 }),
      seq: fc.integer({ min: 1, max: 60 }),
    })
    fc.assert(
      fc.property(fc.array(row, { maxLength: 6 }), (rows) => {
        const real = new Set([FIRST, SUCCESSOR, THIRD].map(({ relationPath }) => relationPath.join('\n')))
        const book = KeyBook.of(home(log), rows, verifyEd25519)
        const named = rows.filter(({ relationPath }) => real.has(relationPath.join('\n')))
        expect(book.rangesOf(PLATFORM).length).toBeLessThanOrEqual(1 + named.length)
        expect(book.foreign.byRelation).toBeDefined()
      }),
    )
  })
})
