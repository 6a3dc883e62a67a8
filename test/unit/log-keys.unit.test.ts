import { describe, expect, it } from 'vitest'
import { Ed25519KeyPair, verifyEd25519 } from '../../src/base/crypto/node-ed25519.js'
import { utf8 } from '../../src/chain/limits.js'
import { decodeBase64 } from '../../src/chain/note/base64.js'
import { parseNote } from '../../src/chain/note/note.js'
import { logKeys } from '../../src/signer/log-keys.js'
import { hex, TLOG, unhex } from '../support/tlog-vectors.js'

const keys = logKeys(unhex(TLOG.keys.log_seed), 'audit.example.com/tlog')

describe('the keys of an independent implementation', () => {
  it.each(TLOG.keys.chains)('$origin', ({ domain_id: domainId, incarnation, origin, seed, public: key }) => {
    const derived = keys.of({ domainId, incarnation })
    expect(derived.origin).toBe(origin)
    expect(hex(derived.publicKey)).toBe(key)
    expect(hex(Ed25519KeyPair.of(unhex(seed)).publicKey)).toBe(key)
  })

  it('sign the same checkpoint', () => {
    const [chain] = TLOG.keys.chains
    const note = parseNote(TLOG.checkpoint.signed)
    const derived = keys.of({ domainId: chain?.domain_id ?? '', incarnation: 1 })
    expect(derived.sign(utf8(TLOG.checkpoint.body))).toEqual(note?.lines[0]?.signature)
  })

  it.each(TLOG.signed_rows.valid.filter(({ signed_by: by }) => by.length === 1))(
    'sign the row $name',
    ({ message, relation_path: path }) => {
      const platform = keys.of({ domainId: TLOG.signed_rows.origin.split('/').at(-1) ?? '', incarnation: 1 })
      const signature = decodeBase64(path.at(-1)?.split(':')[2] ?? '')
      expect(hex(platform.sign(utf8(message)))).toBe(hex(signature ?? new Uint8Array()))
      expect(verifyEd25519(platform.publicKey, utf8(message), signature ?? new Uint8Array())).toBe(true)
    },
  )
})

it('keeps its own copy of the bytes of the key file', () => {
  const bytes = unhex(TLOG.keys.log_seed)
  const kept = logKeys(bytes, 'audit.example.com/tlog')
  bytes.fill(0)
  const [chain] = TLOG.keys.chains
  expect(hex(kept.of({ domainId: chain?.domain_id ?? '', incarnation: 1 }).publicKey)).toBe(chain?.public)
})

it.each([0, 31, 33, 64])('refuses a seed of %i bytes', (length) => {
  expect(() => Ed25519KeyPair.of(new Uint8Array(length))).toThrow(RangeError)
  expect(
    () =>
      logKeys(new Uint8Array(length), 'a').of({
        domainId: TLOG.keys.chains[0]?.domain_id ?? '',
        incarnation: 1,
      }).publicKey,
  ).toThrow(RangeError)
})
