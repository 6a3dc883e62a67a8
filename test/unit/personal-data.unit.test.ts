import { createHash } from 'node:crypto'
import fc from 'fast-check'
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
    [{ caveatContext: ['hours', 'alice-7'] }, 'caveat_context holds the subject_id'],
    [{ object: 'key:home%2Falice-7%2Fdiary' }, 'object holds the subject_id'],
    [{ object: 'key:alice%20lovelace' }, 'object holds the plaintext'],
    [{ object: 'key:alice%40example.com' }, 'object holds the e-mail claim'],
    [{ object: 'key:alice%2540EXAMPLE.com' }, 'object holds the e-mail claim'],
    [{ relationPath: ['alice+audit@example.com'] }, 'relation_path holds the e-mail claim'],
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
    [{ object: 'order:51234567' }, { subjectId: '1234567' }],
    [{ object: 'order:12345678' }, { subjectId: '1234567' }],
    [{ object: 'host:malice-77' }, {}],
    [{ relation: 'palice-7.read' }, {}],
    [{ object: 'key:alice@example.community' }, {}],
    [{ object: 'key:malice@example.com' }, {}],
    [{ object: 'key:alice%40' }, {}],
    [{ object: 'key:%zz%' }, {}],
    // Parts of a composite id that are no e-mail address are no people.
    [{ object: 'ec2/instance:i-0abc' }, { subjectId: 'AROAEXAMPLE:i-0abc' }],
    [
      { object: 'lambda/function:backup' },
      { subjectId: 'AROAEXAMPLE:backup', plaintext: 'arn:aws:sts::1:assumed-role/r/backup' },
    ],
    [{ object: 's3/bucket:logs-123456789012' }, { subjectId: '123456789012', impersonal: ['123456789012'] }],
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

  it.each<[string, Partial<PersonalData>]>([
    ['subject_id', { subjectId: 'AROAEXAMPLE:first.last@example.com' }],
    ['subject_id', { subjectId: 'first.last+work@example.com' }],
    ['subject_id', { subjectId: 'AROAEXAMPLE:First.Last%40Example.com' }],
    ['plaintext', { plaintext: 'arn:aws:sts::1:assumed-role/Role/first.last@example.com' }],
    ['plaintext', { plaintext: 'First Last <first.last@example.com>' }],
    ['plaintext', { plaintext: 'EXAMPLE\\first.last@example.com' }],
    ['name of the subject', { names: ['x', 'first.last@example.com'] }],
    ['subject_id', { subjectId: 'AROA:first.last@example.com', impersonal: ['AROA:first.last@example.com'] }],
  ])('finds the e-mail address that is a part of the %s', (kind, personal) => {
    for (const object of [
      's3/object:home/first.last@example.com/diary',
      'key:FIRST.LAST%40example.com.txt',
    ]) {
      expect(personalDataProblem({ ...CLEAN, object }, { subjectId: 'zzzz', ...personal })).toBe(
        `object holds the ${kind}`,
      )
    }
  })

  it.each([
    'idp#ann@example.com',
    'idp!ann@example.com',
    't*ann@example.com',
    'Google_ann@example.com',
    'mailto:ann@example.com?subject=x',
    'login=ann@example.com&idp=1',
    'https://idp/ann@example.com#me',
    'Ann <ann@example.com>',
    'ann+x@example.com',
    'ann%40example.com',
    'a\u200bnn@exam\u00adple.com',
    'ann@example.com\u200b',
    '"ann"@example.com',
    'x:"ann"@example.com',
    '-ann@example.com',
    '+ann@example.com',
    'ann@example.com.',
    'ann@example.com的',
    '的ann@example.com',
    'ann@example。com',
    'a+b#ann@example.com',
    'bob@corp,ann@example.com',
  ])('finds ann@example.com where the subject or the field is %j', (text) => {
    const found = (object: string, personal: Partial<PersonalData>) =>
      personalDataProblem({ ...CLEAN, object }, { subjectId: 'zzzz', ...personal })
    expect(found('mailbox:ann@example.com', { subjectId: text })).toBe('object holds the subject_id')
    expect(found('mailbox:ann@example.com', { plaintext: text })).toBe('object holds the plaintext')
    expect(found(`x:${text}`, { subjectId: 'ann@example.com' })).toBe('object holds the subject_id')
    expect(found(`x:${text}`, { emailClaim: 'AROA:Ann@Example.com' })).toBe('object holds the e-mail claim')
    expect(found(`x:${text}`, { subjectId: text })).toBe('object holds the subject_id')
  })

  it.each([
    ['ann@bücher.example', 'ann@xn--bcher-kva.example'],
    ['ann@xn--bcher-kva.example', 'ann@bücher.example'],
    ['ann@XN--BCHER-KVA.example', 'ann@Bücher.example.txt'],
    ['x:"ann.lee"@example.com', 'ann.lee@example.com'],
    ['x:"ann\\.lee"@example.com', 'ann.lee@example.com'],
    ['ann.lee@example.com', '"ann.lee"@example.com'],
    ['Google_ann_lee@example.com', 'ann_lee@example.com'],
    ['ann@corp', 'home/ann@corp.txt'],
    ['-@-', '-@-'],
    ['+49@example.com', '+49@example.com'],
    ["o'brien@example.com", "o'brien@example.com"],
    ['ann@[192.0.2.1]', 'ann@[192.0.2.1]'],
    ['ann@example.com', 'ann@example.com-backup.tar.gz'],
    ['ann@example.com', 'ann@example.com.2026-01-01.log'],
  ])('finds the address of %s in %s', (subjectId, text) => {
    expect(personalDataProblem({ ...CLEAN, object: `x:${text}` }, { subjectId })).toBe(
      'object holds the subject_id',
    )
  })

  it.each([
    ['ann@example.com', 'mary-ann@example.com'],
    ['ann@example.com', 'lee.ann@example.com'],
    ['ann@example.com', 'ann@example.com.au'],
    ['ann@example.com', 'ann@example.com.example.org'],
    ['ann@example.com', 'ann@mail.example.com'],
    ['ann@example.com', 'joann@example.com'],
    ['ann@corp', 'ann@corp.example.com'],
    ['mary-ann@example.com', 'ann@example.com'],
    ['ann@example.com.au', 'ann@example.com'],
    ['john_smith@example.com', 'jane_smith@example.com'],
    ['AROA:ann@example.com', 'mary-ann@example.com'],
    ['idp#ann@example.com', 'mary-ann@example.com'],
    ['ann+x@example.com', 'mary-ann+x@example.com'],
    ['ann@bücher.example', 'mary-ann@xn--bcher-kva.example'],
    ['ann@eng.acme', 'ann@eng.other'],
  ])('does not find %s in the address %s of another person', (subjectId, text) => {
    for (const object of [`mailbox:${text}`, `key:home/${encodeURIComponent(text)}/x`]) {
      expect(personalDataProblem({ ...CLEAN, object }, { subjectId, emailClaim: subjectId })).toBeUndefined()
    }
  })

  it('finds an address between characters that are no part of one, and not within a longer one', () => {
    const word = fc.stringMatching(/^[a-z0-9]{1,8}([.-][a-z0-9]{1,8})?$/)
    const email = fc
      .tuple(word, word, fc.constantFrom('com', 'org', 'de'))
      .map(([local, domain, top]) => `${local}@${domain}.${top}`)
    const apart = fc.constantFrom(...'#!*?&=:/\\,;<>"\'()[]{}|~^$` \t')
    const around = fc.tuple(word, apart, apart, word)
    fc.assert(
      fc.property(email, around, fc.boolean(), (address, [before, left, right, after], isSubject) => {
        const text = `${before}${left}${address}${right}${after}`
        const [subjectId, object] = isSubject ? [text, `x:${address}`] : [address, `x:${text}`]
        expect(personalDataProblem({ object }, { subjectId })).toBe('object holds the subject_id')
      }),
    )
    const longer = fc.oneof(
      fc.tuple(word, fc.constantFrom('.', '-')).map((pair) => [pair.join(''), ''] as const),
      fc.constantFrom('.au', '.co.uk', '.example.net').map((end) => ['', end] as const),
      word.map((start) => [start, ''] as const),
    )
    fc.assert(
      fc.property(email, longer, fc.boolean(), (address, [start, end], isSubject) => {
        const other = `${start}${address}${end}`
        const [subjectId, object] = isSubject ? [other, `x:${address}`] : [address, `x:${other}`]
        expect(personalDataProblem({ object }, { subjectId })).toBeUndefined()
      }),
    )
  })

  it.each<[string, Partial<PersonalData>, string | undefined]>([
    ['ann@example.com', { subjectId: 'AROA:ann@example.com' }, 'zedtoken holds the subject_id'],
    ['GhUKEzE2/ann/1==', { subjectId: 'ann' }, 'zedtoken holds the subject_id'],
    ['for-192.0.2.7', { ip: '192.0.2.7' }, 'zedtoken holds the ip'],
    // A short id can occur in a token by chance.
    ['GhUKEzE2/7+b/Nz==', { subjectId: '7' }, undefined],
    ['GhUKEzE2NzUzNzM4NDk=', { subjectId: 'ann' }, undefined],
  ])('in the zedtoken %s for %o', (zedtoken, personal, problem) => {
    expect(personalDataProblem({ zedtoken }, { subjectId: 'zzzz', ...personal })).toBe(problem)
  })

  it('finds an e-mail address in every spelling, wherever it is', () => {
    const word = fc.stringMatching(/^[a-z0-9]{1,8}([._-][a-z0-9]{1,8})?$/)
    const email = fc.tuple(word, word).map(([local, domain]) => `${local}@${domain}.com`)
    const spelling = fc.constantFrom<(email: string) => string>(
      (text) => text,
      (text) => text.toUpperCase(),
      (text) => text.replace('@', '%40'),
      (text) => encodeURIComponent(encodeURIComponent(text)),
      (text) => text.replace('@', '+tag@'),
      (text) => text.replace('@', '＠'),
      (text) => encodeURIComponent(text.replace('@', '+tag@')).toLowerCase(),
    )
    const around = fc.constantFrom('', '/', ' ', ':', '-', '/b_', '.')
    const field = fc.constantFrom<(text: string) => StoredTexts>(
      (text) => ({ relation: text }),
      (text) => ({ object: `doc:${text}` }),
      (text) => ({ relationPath: ['viewer', text] }),
      (text) => ({ correlationId: text }),
    )
    const whose = fc.constantFrom<(email: string) => PersonalData>(
      (text) => ({ subjectId: text }),
      (text) => ({ subjectId: `AROAEXAMPLE:${text}` }),
      (text) => ({ subjectId: 'zzzz', plaintext: `arn:aws:sts::1:assumed-role/r/${text}` }),
      (text) => ({ subjectId: 'zzzz', emailClaim: text.replace('@', '+other@') }),
    )
    fc.assert(
      fc.property(email, spelling, around, around, field, whose, (text, spell, before, after, into, of) => {
        const stored = into(`${before}${spell(text)}${after}`)
        expect(personalDataProblem({ ...CLEAN, ...stored }, of(text))).toMatch(/ holds the /)
      }),
    )
  })

  it('finds a number only as a whole', () => {
    const number = fc.stringMatching(/^[1-9][0-9]{0,14}$/)
    const digits = fc.stringMatching(/^[0-9]{0,4}$/)
    fc.assert(
      fc.property(number, digits, digits, (subjectId, before, after) => {
        const text = `${before}${subjectId}${after}`
        const alone = text === subjectId || new RegExp(`^${subjectId}$`).test(text)
        const found = personalDataProblem({ ...CLEAN, object: `order:${text}` }, { subjectId, names: [] })
        expect(found !== undefined).toBe(alone || CLEAN.correlationId === `r-${subjectId}`)
      }),
    )
  })

  it('finds no part of an id that is a plain word', () => {
    const word = fc.stringMatching(/^[a-z][a-z0-9-]{2,20}$/)
    fc.assert(
      fc.property(word, (session) => {
        const personal = {
          subjectId: `AROAEXAMPLE:${session}`,
          plaintext: `arn:aws:sts::1:assumed-role/r/${session}`,
        }
        expect(
          personalDataProblem({ ...CLEAN, object: `lambda/function:${session}` }, personal),
        ).toBeUndefined()
      }),
    )
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

describe('the look that spares most rows the whole search', () => {
  // Short texts of few characters, so that about a third of the rows hold one.
  const text = fc
    .array(fc.constantFrom('a', 'B', 'b', '1', '.', '@', 'x', '-', '/', ' ', 'com', '%40', 'é', ':'), {
      maxLength: 6,
    })
    .map((parts) => parts.join(''))
  const some = fc.option(text, { nil: undefined })
  const stored = fc.record({
    relation: text,
    object: fc.tuple(fc.constantFrom('doc:', 'user:'), text).map((parts) => parts.join('')),
    relationPath: fc.array(text, { maxLength: 2 }),
    caveatContext: fc.array(text, { maxLength: 2 }),
    correlationId: text,
    zedtoken: text,
  })
  const personal = fc.record({
    subjectId: text,
    plaintext: some,
    emailClaim: some,
    names: fc.option(fc.array(text, { maxLength: 2 }), { nil: undefined }),
    impersonal: fc.option(fc.array(text, { maxLength: 1 }), { nil: undefined }),
  })
  /** A field that holds nobody and that only the whole search reads. */
  const ODD = '的%'

  it('gives the answer of the whole search', () => {
    const found = { yes: 0, no: 0 }
    fc.assert(
      fc.property(stored, personal, (fields, person) => {
        const problem = personalDataProblem(fields, person)
        const whole = personalDataProblem(
          { ...fields, caveatContext: [...fields.caveatContext, ODD] },
          person,
        )
        expect(problem).toBe(whole)
        found[problem === undefined ? 'no' : 'yes'] += 1
      }),
      { numRuns: 5000 },
    )
    expect(Math.min(found.yes, found.no)).toBeGreaterThan(100)
  })
})
