import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { verifyEd25519 } from '../../src/base/crypto/node-ed25519.js'
import { isInRange, keyRanges } from '../../src/chain/log/key-ranges.js'
import { keyStatementText, parseKeyStatement } from '../../src/chain/log/key-statement.js'
import { leafExtraBytes, parseLeafExtra } from '../../src/chain/log/leaf-extra.js'
import { defaultLogName, seedOf } from '../../src/chain/log/log-seed.js'
import { checkpointKey, keyStatementKey, parseCheckpointKey } from '../../src/chain/log/object-keys.js'
import { originOf, parseOrigin } from '../../src/chain/log/origin.js'
import { readKey } from '../../src/chain/log/row-items.js'
import { isSignedBy, rowMessage, selfSigned } from '../../src/chain/log/row-signature.js'
import { parseSignedRow, type SignableRow } from '../../src/chain/log/signed-row.js'
import { parseSignerState, signerStateText } from '../../src/chain/log/signer-state.js'
import { encodeBase64 } from '../../src/chain/note/base64.js'
import { parseNote } from '../../src/chain/note/note.js'
import { signersOf } from '../../src/chain/note/signers.js'
import { parseTlogProof } from '../../src/chain/note/tlog-proof.js'
import { keyIdOf, parseVkey, type VerifierKey } from '../../src/chain/note/vkey.js'
import { PLATFORM_ANCHOR } from '../../src/chain/uuid.js'
import { hex, TLOG, unhex } from '../support/tlog-vectors.js'

const { signed_rows: ROWS, keys: KEYS } = TLOG
const PLATFORM_KEYS = ROWS.platform_keys.map((vkey) => parseVkey(vkey) as VerifierKey)
const [FIRST] = PLATFORM_KEYS as [VerifierKey]
const LOG_NAME = 'audit.example.com/tlog'

const CHAIN = `chain:${PLATFORM_ANCHOR}:1`
const SIG = `sig:00000000:${encodeBase64(new Uint8Array(64))}`
const chainId = (i: number) => `00000000-0000-7000-8000-${String(i + 1).padStart(12, '0')}`
const keyItem = (i: number) => `key:${chainId(i)}:1:0:${encodeBase64(FIRST.publicKey)}`
const headItem = (i: number) => `head:${chainId(i)}:1:1:${'a'.repeat(64)}:${'b'.repeat(64)}`

type Row = (typeof ROWS.valid)[number] | (typeof ROWS.refused)[number]
const fieldsOf = ({ relation, object, relation_path }: Row): SignableRow => ({
  relation,
  object,
  relationPath: relation_path,
})

describe('the keys of a log', () => {
  it.each(KEYS.chains)(
    'have the origin and the seed of $origin',
    ({ domain_id, incarnation, origin, seed }) => {
      const name = { logName: LOG_NAME, domainId: domain_id, incarnation }
      expect([originOf(name), parseOrigin(origin)]).toEqual([origin, name])
      expect(hex(seedOf(unhex(KEYS.log_seed), domain_id, incarnation))).toBe(seed)
    },
  )

  it.each([0, 2 ** 32])('have no seed in the incarnation %s', (incarnation) => {
    expect(() => seedOf(unhex(KEYS.log_seed), PLATFORM_ANCHOR, incarnation)).toThrow(RangeError)
  })

  it('give the log a name where it has none', () => {
    const platform = KEYS.chains.find(({ domain_id }) => domain_id === PLATFORM_ANCHOR)
    expect(defaultLogName(unhex(platform?.public ?? ''))).toBe(KEYS.default_log_name)
  })

  it.each([
    ['no log name', PLATFORM_ANCHOR],
    ['an upper-case letter', `Audit.example.com/${PLATFORM_ANCHOR}`],
    ['an id in upper case', `x/${PLATFORM_ANCHOR.toUpperCase()}`],
    ['the first incarnation written out', `x/${PLATFORM_ANCHOR}/1`],
    ['an incarnation beyond 32 bits', `x/${PLATFORM_ANCHOR}/4294967296`],
    ['an empty part', `x//${PLATFORM_ANCHOR}`],
    ['a name of 129 bytes', `${'x'.repeat(129)}/${PLATFORM_ANCHOR}`],
  ])('have no origin with %s', (_why, text) => {
    expect(parseOrigin(text)).toBeUndefined()
  })

  it('sign the sizes of their range', () => {
    const ranges = keyRanges(KEYS.ranges.items.map((item) => readKey(item.slice('key:'.length)) as never))
    const origin = KEYS.chains[0]?.origin ?? ''
    const named = ranges.map(({ publicKey, fromSize, lastSize }) => ({
      key_id: keyIdOf(origin, 1, publicKey),
      from_size: fromSize,
      ...(lastSize !== undefined && { last_size: lastSize }),
    }))
    expect(named).toEqual(KEYS.ranges.ranges)
    expect(keyRanges([...ranges, ...ranges])).toEqual(ranges)
    for (const { key_id, size, counts, note } of KEYS.ranges.lines) {
      const range = ranges.find(({ publicKey }) => keyIdOf(origin, 1, publicKey) === key_id)
      expect(range && isInRange(range, size), `${key_id} at ${size}`).toBe(counts)
      const parsed = parseNote(note)
      const key = { name: origin, id: key_id, type: 1, publicKey: range?.publicKey ?? new Uint8Array() }
      expect(parsed && signersOf(parsed, [key], verifyEd25519)?.known.size).toBe(1)
    }
  })
})

describe('a signed row', () => {
  it.each(ROWS.valid)('with $name is read, and its signatures are valid', (vector) => {
    const row = parseSignedRow(fieldsOf(vector))
    if (row === undefined) throw new Error('expected a signed row')
    expect(new TextDecoder().decode(rowMessage(ROWS.origin, row))).toBe(vector.message)
    expect(row.signatures.map(({ keyId }) => keyId)).toEqual(vector.signed_by)
    expect(isSignedBy(row, ROWS.origin, [FIRST], verifyEd25519)).toBe(true)
    expect(isSignedBy(row, ROWS.origin, [], verifyEd25519)).toBe(false)
  })

  it.each(ROWS.refused)('is an ordinary row: $why', (vector) => {
    const row = parseSignedRow(fieldsOf(vector))
    expect(row !== undefined && isSignedBy(row, ROWS.origin, PLATFORM_KEYS, verifyEd25519)).toBe(false)
  })

  it('names the platform key that signs it', () => {
    const [first, heads] = ROWS.valid.map((vector) => parseSignedRow(fieldsOf(vector)))
    if (first?.relation !== 'audit.log-key') throw new Error('expected a row of keys')
    expect(selfSigned(first, verifyEd25519)).toEqual(FIRST)
    expect(heads?.relation).toBe('audit.checkpoint')
    const forged = { ...first, signatures: heads?.signatures ?? [] }
    expect(selfSigned(forged, verifyEd25519)).toBeUndefined()
  })

  it.each(ROWS.valid)('with any item of $name twice, removed or moved is refused or not signed', (vector) => {
    const path = vector.relation_path
    const changed = path.flatMap((item, at) => [
      path.toSpliced(at, 0, item),
      path.toSpliced(at, 1),
      path.toSpliced(at, 1).toSpliced((at + 1) % path.length, 0, item),
    ])
    for (const relationPath of changed.filter((items) => items.join() !== path.join())) {
      const row = parseSignedRow({ ...fieldsOf(vector), relationPath })
      expect(row !== undefined && isSignedBy(row, ROWS.origin, PLATFORM_KEYS, verifyEd25519)).toBe(false)
    }
  })

  const NEW = ROWS.valid[3] as Row
  const relog = (change: (path: string[]) => string[]) => {
    const row = parseSignedRow({ ...fieldsOf(NEW), relationPath: change([...NEW.relation_path]) })
    return row !== undefined && isSignedBy(row, ROWS.origin, PLATFORM_KEYS, () => true)
  }
  it.each<[string, (path: string[]) => string[], boolean]>([
    ['as it is', (path) => path, true],
    ['whose second signature has another key id', (path) => path.with(5, path[4] ?? ''), false],
    ['that replaces its own key', (path) => path.with(3, `replaces:${path[2]?.split(':').at(-1)}`), false],
    [
      'that names a second platform key without replacing one',
      (path) => path.toSpliced(3, 1).toSpliced(4, 1),
      false,
    ],
  ])('with a change of key %s: %s', (_why, change, expected) => {
    expect(relog(change)).toBe(expected)
  })

  it('is signed by keys of the platform chain alone', () => {
    const row = parseSignedRow(fieldsOf(ROWS.valid[1] as Row))
    if (row === undefined) throw new Error('expected a signed row')
    const others = [
      { ...FIRST, name: KEYS.chains[0]?.origin ?? '' },
      { ...FIRST, type: 4 },
    ]
    expect(isSignedBy(row, ROWS.origin, others, verifyEd25519)).toBe(false)
    expect(isSignedBy(row, KEYS.chains[0]?.origin ?? '', [FIRST], () => true)).toBe(false)
  })

  it.each([
    ['60 keys', 'audit.log-key', ['log:x', ...Array.from({ length: 60 }, (_, i) => keyItem(i)), SIG]],
    [
      '33 ranges',
      'audit.signed-over',
      [CHAIN, ...Array.from({ length: 33 }, (_, i) => `rows:${2 * i + 1}-${2 * i + 1}`), 'reason:test', SIG],
    ],
    ['a range that ends before it begins', 'audit.signed-over', [CHAIN, 'rows:5-4', 'reason:test', SIG]],
    ['keys that descend', 'audit.log-key', ['log:x', keyItem(2), keyItem(1), SIG]],
    [
      'a key of small order',
      'audit.log-key',
      ['log:x', `key:${PLATFORM_ANCHOR}:1:0:${encodeBase64(Uint8Array.of(1, ...new Uint8Array(31)))}`, SIG],
    ],
  ])('with %s is refused', (_why, relation, relationPath) => {
    expect(parseSignedRow({ relation, object: 'platform:platform', relationPath })).toBeUndefined()
  })

  it.each([
    ['59 keys', 'audit.log-key', ['log:x', ...Array.from({ length: 59 }, (_, i) => keyItem(i)), SIG]],
    [
      '32 ranges',
      'audit.signed-over',
      [CHAIN, ...Array.from({ length: 32 }, (_, i) => `rows:${2 * i + 1}-${2 * i + 1}`), 'reason:test', SIG],
    ],
    ['63 heads', 'audit.checkpoint', [...Array.from({ length: 63 }, (_, i) => headItem(i)), SIG]],
  ])('with %s is read', (_why, relation, relationPath) => {
    expect(parseSignedRow({ relation, object: 'platform:platform', relationPath })).toBeDefined()
  })

  it('of another log is not signed', () => {
    const other = { ...fieldsOf(ROWS.valid[0] as Row) }
    const relationPath = other.relationPath.with(0, 'log:other.example.com')
    const row = parseSignedRow({ ...other, relationPath })
    expect(row && isSignedBy(row, ROWS.origin, PLATFORM_KEYS, () => true)).toBe(false)
  })
})

describe('a key statement', () => {
  it('is read, written and signed', () => {
    const { key, text } = ROWS.statement
    const statement = parseKeyStatement(text)
    if (statement === undefined) throw new Error('expected a statement')
    expect(keyStatementText(statement)).toBe(text)
    expect(keyStatementKey(KEYS.chains[0]?.domain_id ?? '', text)).toBe(key)
    const row = parseSignedRow(statement)
    expect(row && isSignedBy(row, statement.origin, [FIRST], verifyEd25519)).toBe(true)
  })

  it.each([
    ['a space', (text: string) => text.replace(':', ': ')],
    ['no newline', (text: string) => text.trimEnd()],
    ['a member more', (text: string) => text.replace('}', ',"x":1}')],
    ['another relation', (text: string) => text.replace('audit.log-key', 'audit.checkpoint')],
    [
      'an origin that names no chain',
      (text: string) => text.replace(/audit.example.com.tlog.706c[^"]+/, 'x'),
    ],
    ['a path that is no list', (text: string) => text.replace(/\[.*\]/, '"x"')],
  ])('with %s is refused', (_why, change) => {
    expect(parseKeyStatement(change(ROWS.statement.text))).toBeUndefined()
  })
})

describe('a kept checkpoint', () => {
  it.each(TLOG.kept)('of $size rows has its key and its entry_hash', ({ size, key, entry_hash, text }) => {
    const proof = parseTlogProof(text)
    const domainId = KEYS.chains[0]?.domain_id ?? ''
    expect(checkpointKey(domainId, size, proof?.note.body ?? '')).toBe(key)
    expect(parseCheckpointKey(key)).toMatchObject({ domainId, size })
    const extra = parseLeafExtra(proof?.extra ?? new Uint8Array())
    expect(extra).toEqual({ kind: 'leaf', entryHash: unhex(entry_hash) })
    expect(leafExtraBytes({ kind: 'leaf', entryHash: unhex(entry_hash) })).toEqual(proof?.extra)
  })

  it.each([
    'tlog/x/checkpoints/1.tlog-proof',
    TLOG.kept[0]?.key.replace(/[0-9a-f]{8}-[0-9a-f-]{27}/, '-'.repeat(36)) ?? '',
    TLOG.kept[0]?.key.replace('tlog-proof', 'cosig') ?? '',
  ])('does not have the key %s', (key) => expect(parseCheckpointKey(key)).toBeUndefined())
})

describe('the extra data of a proof', () => {
  it.each([
    ['of another application', 'other', undefined],
    ['of a row without its bytes', `PXA1-row${'x'.repeat(32)}`, 'malformed'],
    ['of a short entry_hash', `PXA1-leaf${'x'.repeat(31)}`, 'malformed'],
  ])('%s is %3$s', (_why, text, expected) => {
    expect(parseLeafExtra(new TextEncoder().encode(text))).toBe(expected)
  })
})

describe('a record of the signer', () => {
  it.each(TLOG.signer_state.map((text) => [JSON.parse(text).k, text]))(
    'with k %s is read and written',
    (_k, text) => {
      const state = parseSignerState(text)
      expect(state && signerStateText(state)).toBe(text)
    },
  )

  const text = TLOG.signer_state[2] ?? ''
  it.each([
    ['a subtree missing', text.replace(/"frontier":\["[0-9a-f]+",/, '"frontier":[')],
    [
      'a hash in upper case',
      text.replace(/"root":"[0-9a-f]+"/, (root) => root.replace(/[0-9a-f]{64}/, 'A'.repeat(64))),
    ],
    ['no rows', text.replace('"size":513', '"size":0')],
    ['a path that is too long', text.replace('"path":[', `"path":["${'a'.repeat(64)}",`)],
    ['an origin that names no chain', text.replace(/"origin":"[^"]+"/, '"origin":"x"')],
    ['another format', text.replace('audit-signer/1', 'audit-signer/2')],
    ['a text after it', `${text}{}`],
  ])('with %s is refused', (_why, changed) => {
    expect(parseSignerState(text)).toBeDefined()
    expect(parseSignerState(changed)).toBeUndefined()
  })
})

describe('every reader', () => {
  it('returns for every row and text, and never throws', () => {
    const item = fc.oneof(
      fc.constantFrom(...ROWS.valid.flatMap(({ relation_path }) => relation_path)),
      fc.string({ unit: 'binary' }),
      fc
        .tuple(fc.constantFrom('key', 'head', 'rows', 'sig', 'chain', 'by'), fc.string())
        .map((parts) => parts.join(':')),
    )
    const relation = fc.constantFrom('audit.log-key', 'audit.checkpoint', 'audit.signed-over', 'other')
    fc.assert(
      fc.property(relation, fc.array(item, { maxLength: 70 }), (name, relationPath) => {
        parseSignedRow({ relation: name, object: 'platform:platform', relationPath })
      }),
    )
    fc.assert(
      fc.property(fc.oneof(fc.string({ unit: 'binary' }), fc.json()), (text) => {
        for (const read of [parseKeyStatement, parseSignerState, parseOrigin, parseCheckpointKey]) read(text)
        parseLeafExtra(new TextEncoder().encode(text))
      }),
    )
  })
})
