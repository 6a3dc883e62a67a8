import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { verifyEd25519 } from '../../src/base/crypto/node-ed25519.js'
import { decodeBase64, encodeBase64 } from '../../src/chain/note/base64.js'
import { checkpointText, parseCheckpoint } from '../../src/chain/note/checkpoint.js'
import { NOTE_LIMITS, parseNote } from '../../src/chain/note/note.js'
import { parsePolicy } from '../../src/chain/note/policy.js'
import { signersOf } from '../../src/chain/note/signers.js'
import { parseTlogProof, tlogProofText } from '../../src/chain/note/tlog-proof.js'
import { KEY_TYPE, parseVkey, type VerifierKey, verifierKey, vkeyText } from '../../src/chain/note/vkey.js'
import { rootOf } from '../../src/chain/tree/inclusion.js'
import { HASHER, hex, TLOG, unhex } from '../support/tlog-vectors.js'

const octets = (text: string) => new TextEncoder().encode(text)
const keyOf = (vkey: string) => parseVkey(vkey) as VerifierKey
const [chain] = TLOG.keys.chains
const LOG = keyOf(chain?.vkey ?? '')
const WITNESS = keyOf(TLOG.keys.witness.vkey)
const ROOT = 'ZM1uiW3gWIATBVcmvQbvsZkBV0xSnCgvNzSAM6NaPfM='

describe('a vkey', () => {
  it.each(TLOG.keys.chains)(
    'of $origin is read and written',
    ({ origin, public: publicKey, key_id, vkey }) => {
      const key = verifierKey(origin, KEY_TYPE.ed25519, unhex(publicKey))
      expect([key.id, vkeyText(key)]).toEqual([key_id, vkey])
      expect(parseVkey(vkey)).toEqual(key)
    },
  )

  it.each<readonly [string, string]>([
    ['without a name', '+5b701a0f+AVd/IbJ4m3YCVQMf9FUBUcJU5orot9N0w8dHwzNPX3Su'],
    ['with a space in its name', 'a b+5b701a0f+AVd/IbJ4m3YCVQMf9FUBUcJU5orot9N0w8dHwzNPX3Su'],
    ['with the id of another key', vkeyText(LOG).replace('5b701a0f', '5b701a0e')],
    ['with an id in upper case', vkeyText(LOG).replace('5b701a0f', '5B701A0F')],
    ['without a key', 'x+5b701a0f+AQ=='],
    ['with other base64', vkeyText(LOG).replace('Su', 'Sv')],
    ['with a fourth part', `${vkeyText(LOG)}+`],
    ['with 33 bytes', vkeyText(verifierKey('x', 1, new Uint8Array(33).fill(9)))],
    ...['00', '01', 'ec', 'ed', 'ee'].map((first) => {
      const rest = first < '02' ? `${'00'.repeat(31)}` : `${'ff'.repeat(30)}7f`
      return [`of small order, ${first}`, vkeyText(verifierKey('x', 4, unhex(first + rest)))] as const
    }),
  ])('%s is refused', (_why, text) => {
    expect(parseVkey(text)).toBeUndefined()
  })
})

describe('the body of a checkpoint', () => {
  it('is read and written', () => {
    const { body } = TLOG.checkpoint
    const checkpoint = parseCheckpoint(body)
    expect(checkpoint).toMatchObject({ origin: LOG.name, size: 513 })
    expect(checkpoint && checkpointText(checkpoint)).toBe(body)
  })

  it.each([
    ...TLOG.refused.checkpoint_bodies,
    { why: 'an extension line', text: `${TLOG.checkpoint.body}more\n` },
    { why: 'no rows', text: `${LOG.name}\n0\n${ROOT}\n` },
    { why: 'more than 2^53-1 rows', text: `${LOG.name}\n9007199254740992\n${ROOT}\n` },
  ])('with $why is refused', ({ text }) => {
    expect(parseCheckpoint(text)).toBeUndefined()
  })

  it('has one spelling', () => {
    const origins = fc.stringMatching(/^[a-z0-9.-]{1,9}(\/[a-z0-9._-]{1,9})?$/)
    const roots = fc.uint8Array({ minLength: 32, maxLength: 32 })
    fc.assert(
      fc.property(
        origins,
        fc.integer({ min: 1, max: Number.MAX_SAFE_INTEGER }),
        roots,
        (origin, size, root) => {
          expect(parseCheckpoint(checkpointText({ origin, size, root }))).toEqual({ origin, size, root })
        },
      ),
    )
  })
})

describe('a note', () => {
  const signers = (text: string) => {
    const note = parseNote(text)
    return note && signersOf(note, [LOG, WITNESS], verifyEd25519)
  }

  it('names the known keys that signed it', () => {
    expect(signers(TLOG.checkpoint.signed)).toEqual({ known: new Set([LOG]), cosignatures: [], unknown: [] })
    expect(signers(TLOG.checkpoint.cosigned)).toEqual({
      known: new Set([LOG, WITNESS]),
      cosignatures: [{ key: WITNESS, time: 1_790_000_000n }],
      unknown: [],
    })
  })

  it('counts the lines of other keys by their id', () => {
    const note = parseNote(TLOG.checkpoint.cosigned)
    expect(note && signersOf(note, [], verifyEd25519)).toEqual({
      known: new Set(),
      cosignatures: [],
      unknown: [LOG.id, WITNESS.id],
    })
  })

  it.each(TLOG.refused.notes)('with $why proves nothing', ({ why, text }) => {
    const isRead = why === 'only a key of another name signed'
    expect(signers(text)).toEqual(
      isRead ? { known: new Set(), cosignatures: [], unknown: ['0a026aa1'] } : undefined,
    )
  })

  it.each([
    ['name', { ...LOG, name: 'other.example.com/x' }],
    ['id', { ...LOG, id: '00000000' }],
    ['type', { ...LOG, type: 6 }],
  ])('does not count a key of another %s', (_what, key) => {
    const note = parseNote(TLOG.checkpoint.signed)
    expect(note && signersOf(note, [key], () => true)?.known.size).toBe(0)
  })

  it.each([
    ['without a time', 7],
    ['with a short signature', 8 + 63],
  ])('is malformed by a cosignature %s', (_why, length) => {
    const bytes = Uint8Array.of(...unhex(WITNESS.id), ...new Uint8Array(length))
    const note = parseNote(`${TLOG.checkpoint.signed}— ${WITNESS.name} ${encodeBase64(bytes)}\n`)
    expect(note && signersOf(note, [LOG, WITNESS], verifyEd25519)).toBeUndefined()
  })

  it('is malformed by a cosignature whose time is beyond 2^63-1', () => {
    const bytes = Uint8Array.of(...unhex(WITNESS.id), 0x80, ...new Uint8Array(71))
    const note = parseNote(`${TLOG.checkpoint.body}\n— ${WITNESS.name} ${encodeBase64(bytes)}\n`)
    expect(note && signersOf(note, [WITNESS], () => true)).toBeUndefined()
  })

  it.each([
    ['a carriage return', TLOG.checkpoint.signed.replaceAll('\n', '\r\n')],
    ['no final newline', TLOG.checkpoint.signed.slice(0, -1)],
    ['no signature line', `${TLOG.checkpoint.body}\n`],
    ['a text after its lines', `${TLOG.checkpoint.signed}x\n`],
    ['too many lines', `${TLOG.checkpoint.signed}${'— x AAAAAAA=\n'.repeat(NOTE_LIMITS.lines)}`],
    ['too many bytes', `${'x'.repeat(NOTE_LIMITS.bytes)}\n\n— x AAAAAAA=\n`],
    ['a tab', TLOG.checkpoint.signed.replace('513', '51\t3')],
    ['a space in the name of a key', TLOG.checkpoint.signed.replace('— audit', '— a\u00a0udit')],
    ['a lone surrogate', TLOG.checkpoint.signed.replace('513', '51\ud800')],
  ])('with %s is refused', (_why, text) => {
    expect(parseNote(text)).toBeUndefined()
  })
})

describe('a proof', () => {
  const cases = [...TLOG.kept.map(({ text, entry_hash }) => ({ text, entry_hash })), TLOG.tlog_proof]

  it.each(cases)('is read, written, and leads to its root: $entry_hash', ({ text, entry_hash }) => {
    const proof = parseTlogProof(text)
    if (proof === undefined) throw new Error('expected a proof')
    const { index, path, checkpoint } = proof
    expect(tlogProofText(proof, text.slice(text.indexOf('\n\n') + 2))).toBe(text)
    const leafHash = HASHER.leaf(unhex(entry_hash))
    expect(rootOf({ leafHash, index, size: checkpoint.size, path }, HASHER)).toEqual(checkpoint.root)
  })

  it.each(TLOG.refused.proofs)('with a $why does not lead to its root', ({ text, entry_hash }) => {
    const proof = parseTlogProof(text)
    if (proof === undefined) throw new Error('expected a proof')
    const { index, path, checkpoint } = proof
    const leafHash = HASHER.leaf(unhex(entry_hash))
    const root = rootOf({ leafHash, index, size: checkpoint.size, path }, HASHER)
    expect(root && hex(root)).not.toBe(hex(checkpoint.root))
  })

  it.each([
    ['an index with a sign', (text: string) => text.replace('index 300', 'index +300')],
    ['no index', (text: string) => text.replace('index 300\n', '')],
    [
      'a path line of 31 bytes',
      (text: string) => text.replace(/(?<=index 300\n).*/, encodeBase64(new Uint8Array(31))),
    ],
    ['extra that is not base64', (text: string) => text.replace('index', 'extra ?\nindex')],
    [
      'a path of 64 lines',
      (text: string) => text.replace('index 300\n', `index 300\n${`${ROOT}\n`.repeat(64)}`),
    ],
  ])('with %s is refused', (_why, change) => {
    expect(parseTlogProof(TLOG.tlog_proof.text)).toBeDefined()
    expect(parseTlogProof(change(TLOG.tlog_proof.text))).toBeUndefined()
  })
})

describe('a policy', () => {
  it.each(TLOG.policies.refused)('with $why is refused', ({ text }) => {
    expect(parsePolicy(octets(text))).toEqual({ line: expect.any(Number), problem: expect.any(String) })
  })

  const sets = TLOG.policies.quorums.flatMap(({ policy, sets }) =>
    sets.map(({ signed, met }) => ({ rule: policy.split('\n').slice(-3).join(' '), policy, signed, met })),
  )
  it.each(sets)('says $met of $signed: $rule', ({ policy, signed, met }) => {
    const parsed = parsePolicy(octets(policy))
    if ('problem' in parsed) throw new Error(parsed.problem)
    const isSigner = ({ name }: VerifierKey) => signed.some((one) => name.endsWith(one))
    expect(parsed.isQuorum(new Set(parsed.witnesses.filter(isSigner)))).toBe(met)
  })

  it('may name a witness whose signatures are not checked, which never counts', () => {
    const other = vkeyText(verifierKey('pq.example', 0x06, new Uint8Array(1312)))
    const parsed = parsePolicy(octets(`log ${vkeyText(LOG)}\nwitness w ${other}\nquorum w\n`))
    if ('problem' in parsed) throw new Error(parsed.problem)
    const line = `— pq.example ${encodeBase64(Uint8Array.of(...unhex(keyOf(other).id), 1))}\n`
    const note = parseNote(TLOG.checkpoint.signed + line)
    const signed = note && signersOf(note, [...parsed.logs, ...parsed.witnesses], verifyEd25519)
    expect(signed?.known.size).toBe(1)
    expect(parsed.isQuorum(signed?.known ?? new Set())).toBe(false)
  })

  it('keeps a text before an empty line as signed text', () => {
    const text = `a\n\n${TLOG.checkpoint.signed}`
    expect(parseNote(text)?.body).toBe(`a\n\n${TLOG.checkpoint.body}`)
  })

  const w = TLOG.policies.quorums[1]?.policy.split('\n').filter((line) => line.startsWith('witness')) ?? []
  it.each([
    ['a member of two groups', `${w[0]}\ngroup a any w1\ngroup b any w1\nquorum b\n`, 3],
    ['a byte order mark before a vkey', `log \u00ef\u00bb\u00bf${vkeyText(LOG)}\nquorum none\n`, 1],
    ['an octet that is no UTF-8 in a vkey', `log \u00ff${vkeyText(LOG)}\nquorum none\n`, 1],
    ['a vertical tab', `# \u000b\nquorum none\n`, 1],
    ['more than 64 KiB', `# ${'x'.repeat(65536)}\nquorum none\n`, 1],
  ])('with %s is refused', (_why, text, line) => {
    const policy = Uint8Array.from(text, (character) => character.charCodeAt(0))
    expect(parsePolicy(policy)).toMatchObject({ line })
  })

  it('may have groups in groups, as many as there is room for', () => {
    const groups = Array.from({ length: 3000 }, (_, i) => `group ${i} any ${i === 0 ? 'w1' : i - 1}\n`)
    const parsed = parsePolicy(octets(`${w[0]}\n${groups.join('')}quorum 2999\n`))
    if ('problem' in parsed) throw new Error(parsed.problem)
    expect([parsed.isQuorum(new Set()), parsed.isQuorum(new Set(parsed.witnesses))]).toEqual([false, true])
  })

  it('names the line that is wrong', () => {
    const text = `log ${vkeyText(LOG)}\n\nquorum nobody\n`
    expect(parsePolicy(octets(text))).toEqual({ line: 3, problem: 'no line above this one defines "nobody"' })
  })
})

describe('every reader', () => {
  const texts = [TLOG.tlog_proof.text, TLOG.policies.one_witness, TLOG.checkpoint.cosigned]
  const edit = fc.tuple(
    fc.constantFrom(...texts),
    fc.nat(),
    fc.string({ unit: 'binary', maxLength: 3 }),
    fc.nat(9),
  )
  const readers: ((text: string) => unknown)[] = [
    parseVkey,
    parseCheckpoint,
    parseNote,
    parseTlogProof,
    decodeBase64,
    (text) => parsePolicy(octets(text.toWellFormed())),
  ]

  it('returns for every text, and never throws', () => {
    fc.assert(
      fc.property(edit, ([text, at, insert, cut]) => {
        const from = at % text.length
        const edited = text.slice(0, from) + insert + text.slice(from + cut)
        for (const read of readers) read(edited)
      }),
      { numRuns: 500 },
    )
  })

  it('reads base64 in one spelling', () => {
    fc.assert(
      fc.property(fc.uint8Array(), (bytes) => {
        expect(decodeBase64(encodeBase64(bytes))).toEqual(bytes)
      }),
    )
    fc.assert(
      fc.property(fc.base64String(), (text) => {
        const bytes = decodeBase64(text)
        expect(bytes === undefined || encodeBase64(bytes) === text).toBe(true)
      }),
    )
  })
})

it.each([
  ['none', 0],
  ['a', 1],
  ['any', 1],
  ['all', 3],
  ['two', 2],
])('counts the witnesses of the smallest quorum %s', (quorum, least) => {
  const line = (name: string) =>
    `witness ${name} ${vkeyText(verifierKey(name, KEY_TYPE.cosignature, new Uint8Array(32).fill(name.charCodeAt(0))))}`
  const lines = ['a', 'b', 'c', 'd', 'e', 'f'].map(line)
  const groups = {
    none: [],
    a: [],
    any: ['group any any a b'],
    all: ['group all all a b c'],
    two: ['group x all a b c', 'group y any d e', 'group two 2 x y f'],
  }[quorum]
  const text = [...lines, ...(groups ?? []), `quorum ${quorum}`, ''].join('\n')
  expect(parsePolicy(octets(text))).toMatchObject({ leastWitnesses: least })
})
