import { describe, expect, it } from 'vitest'
import { contentFingerprint } from '../../src/append/fingerprint.js'
import type { NewRow } from '../../src/ports/append.js'

const PEPPER = new Uint8Array(32).fill(7)
const A = '018f0000-0000-7000-8000-00000000000a'
const B = '018f0000-0000-7000-8000-00000000000b'
const KEY = '6ba7b810-9dad-41d1-80b4-00c04fd430c8'

const ROW: NewRow = {
  domainId: A,
  subjectPseudonym: '11'.repeat(32),
  relation: 'r',
  object: 'doc:1',
  reason: 'granted',
  relationPath: ['a', 'b'],
  caveatContext: ['c'],
  correlationId: 'id',
  zedtoken: 'zt',
  subject: { identityId: A, plaintext: 'p', emailClaim: 'e', sourceIp: '::1', idpClaimNames: ['n'] },
  context: { ip: '::2', userAgent: 'u', metadata: { a: 1, b: { c: [1, { d: 2, e: 3 }] } } },
}

const print = (patch: Partial<NewRow> = {}, key = KEY, domainIds = [A, B], pepper = PEPPER) =>
  contentFingerprint(pepper, { key, domainIds, row: { ...ROW, ...patch } })

describe('contentFingerprint', () => {
  it('returns 32 bytes in hex, which depend on the pepper', () => {
    expect(print()).toMatch(/^[0-9a-f]{64}$/)
    expect(print({}, KEY, [A, B], new Uint8Array(32).fill(8))).not.toBe(print())
  })

  it('differs for every field, every key and every set of chains', () => {
    const metadata = (value: Record<string, unknown>) => ({ context: { ...ROW.context, metadata: value } })
    const others = [
      print({}, KEY.replace('6', '7')),
      print({}, KEY, [A]),
      print({ subjectPseudonym: '12'.repeat(32) }),
      print({ relation: 's' }),
      print({ object: 'doc:2' }),
      print({ reason: 'out_of_scope' }),
      print({ relationPath: ['b', 'a'] }),
      print({ relationPath: ['a'], caveatContext: ['b', 'c'] }),
      print({ correlationId: '', zedtoken: 'idzt' }),
      print({ zedtoken: '' }),
      print({ subject: undefined }),
      ...(['identityId', 'plaintext', 'emailClaim', 'sourceIp', 'idpClaimNames'] as const).map((field) =>
        print({ subject: { ...ROW.subject, [field]: undefined } }),
      ),
      print({ context: undefined }),
      ...(['ip', 'userAgent', 'metadata'] as const).map((field) =>
        print({ context: { ...ROW.context, [field]: undefined } }),
      ),
      print(metadata({ a: 1, b: { c: [{ d: 2, e: 3 }, 1] } })),
      print(metadata({ a: '1', b: { c: [1, { d: 2, e: 3 }] } })),
    ]
    expect(new Set([print(), ...others]).size).toBe(others.length + 1)
  })

  it('does not depend on the order of the chains and of the metadata’s keys', () => {
    const metadata = { b: { c: [1, { e: 3, d: 2 }] }, a: 1 }
    expect(print({ context: { ...ROW.context, metadata } }, KEY, [B, A])).toBe(print())
  })
})
