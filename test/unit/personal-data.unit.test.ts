import { createHash } from 'node:crypto'
import { describe, expect, it } from 'vitest'
import {
  type PersonalData,
  personalDataProblem,
  type StoredTexts,
} from '../../src/append/personal/personal-data.js'
import { isPersonObject, pseudonymiseObject } from '../../src/append/personal/pseudonymise.js'

const CLEAN: StoredTexts = {
  relation: 'doc.read',
  object: 'doc:1',
  relationPath: ['viewer', 'owner'],
  correlationId: 'r-1',
}
const ALICE: PersonalData = {
  subjectId: 'alice-7',
  plaintext: 'Alice Lovelace',
  emailClaim: 'alice@example.com',
  sourceIp: '192.0.2.7',
  ip: '2001:db8::7',
}

describe('personalDataProblem', () => {
  it('finds nothing in a clean row', () => {
    expect(personalDataProblem(CLEAN, ALICE)).toBeUndefined()
  })

  it.each<[Partial<StoredTexts>, string]>([
    [{ relation: 'read-by-alice-7' }, 'relation holds the subject_id'],
    [{ object: 'home:alice-7' }, 'object holds the subject_id'],
    [{ object: 'home:x-ALICE-7-y' }, 'object holds the subject_id'],
    [{ relationPath: ['viewer', 'group:alice-7'] }, 'relation_path holds the subject_id'],
    [{ correlationId: 'req/alice-7' }, 'correlation_id holds the subject_id'],
    [{ object: 'mailbox:Alice@Example.COM' }, 'object holds the e-mail claim'],
    [{ correlationId: 'for alice lovelace' }, 'correlation_id holds the plaintext'],
    [{ object: 'home:ａlice lovelace' }, 'object holds the plaintext'],
    [{ object: 'host:192.0.2.7' }, 'object holds the source_ip'],
    [{ object: 'url:http://192.0.2.7:80/' }, 'object holds the source_ip'],
    [{ object: 'host:::ffff:192.0.2.7' }, 'object holds the source_ip'],
    [{ object: 'host:2001:DB8::7' }, 'object holds the ip'],
    [{ object: 'url:http://[2001:db8:0:0:0:0:0:7]/' }, 'object holds the ip'],
    [{ correlationId: '2001:0db8::0007' }, 'correlation_id holds the ip'],
  ])('finds it in %o', (fields, problem) => {
    expect(personalDataProblem({ ...CLEAN, ...fields }, ALICE)).toBe(problem)
  })

  it.each<[Partial<StoredTexts>, Partial<PersonalData>]>([
    [{ object: 'host:192.0.2.70' }, {}],
    [{ object: 'host:1192.0.2.7' }, {}],
    [{ object: 'host:2001:db8::77' }, {}],
    [{ object: 'doc:alpha' }, { subjectId: 'a' }],
    [{ object: 'doc:b2' }, { subjectId: 'b' }],
    [{ object: 'doc:jöe' }, { subjectId: 'j' }],
    [{ object: 'doc:𐐨b' }, { subjectId: 'b' }],
    [{ object: 'doc:b𐐨' }, { subjectId: 'b' }],
    [{}, { subjectId: 'x', plaintext: '', emailClaim: '' }],
  ])('finds nothing in %o for %o', (fields, person) => {
    expect(personalDataProblem({ ...CLEAN, ...fields }, { ...ALICE, ...person })).toBeUndefined()
  })

  it.each<[string, string]>([
    ['doc:a', 'a'],
    ['doc:x/a/y', 'a'],
    ['doc:xa a', 'a'],
    ['doc:王芳的文件', '王芳'],
    ['doc:bob', 'Bob'],
  ])('finds in %s the short subject %s', (object, subjectId) => {
    expect(personalDataProblem({ ...CLEAN, object }, { subjectId })).toBe('object holds the subject_id')
  })

  it('finds ::1 in its spellings', () => {
    for (const object of ['host:::1', 'host:0:0:0:0:0:0:0:1', 'host:[::1]', 'host:::0001']) {
      expect(personalDataProblem({ ...CLEAN, object }, { subjectId: 'zzzz', ip: '::1' })).toBe(
        'object holds the ip',
      )
    }
  })

  it('finds an IPv4 address in its mapped form, and a mapped address in IPv4 form', () => {
    const mapped = { subjectId: 'zzzz', ip: '::ffff:192.0.2.7' }
    expect(personalDataProblem({ ...CLEAN, object: 'host:192.0.2.7' }, mapped)).toBe('object holds the ip')
    expect(personalDataProblem({ ...CLEAN, object: 'host:[::ffff:c000:207]' }, mapped)).toBe(
      'object holds the ip',
    )
  })

  it('ignores a pseudonym, whatever its digits', () => {
    const object = `user:${'dead'.repeat(16)}`
    expect(personalDataProblem({ ...CLEAN, object }, { subjectId: 'dead' })).toBeUndefined()
  })

  it('accepts every address that net.isIP accepts', () => {
    for (const ip of [
      '1:2:3:4:5:6:7::',
      '::',
      '::1.2.3.4',
      '64:ff9b::1.2.3.4',
      '::2:3:4:5:6:7:8',
      'FE80::',
    ]) {
      expect(personalDataProblem({ ...CLEAN, object: `host:[${ip}]` }, { subjectId: 'zzzz', ip })).toBe(
        'object holds the ip',
      )
    }
  })
})

describe('pseudonymiseObject', () => {
  const pepper = new Uint8Array(32).fill(7)
  const sha = (id: string) => createHash('sha256').update(pepper).update(id).digest('hex')

  it.each([
    ['user:alice', `user:${sha('alice')}`],
    ['identity:a:b', `identity:${sha('a:b')}`],
    ['apikey:ak_1', `apikey:${sha('ak_1')}`],
    ['user:0190A8B8-A0C0-7A0A-8A0A-A0A0A0A0A0A1', `user:${sha('0190a8b8-a0c0-7a0a-8a0a-a0a0a0a0a0a1')}`],
    ['users:alice', 'users:alice'],
    ['iam/user:alice', 'iam/user:alice'],
    ['doc:user:alice', 'doc:user:alice'],
  ])('stores %s as %s', (object, stored) => {
    expect(pseudonymiseObject(pepper, object)).toBe(stored)
    expect(isPersonObject(object)).toBe(stored !== object)
  })
})
