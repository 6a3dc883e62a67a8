import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { checkEntry, parseInputLine } from '../../src/append/input/input-line.js'
import { AuditError } from '../../src/base/errors.js'
import { PLATFORM_ANCHOR } from '../../src/chain/uuid.js'

const SECRET = 'alice-should-never-be-shown'
const DOMAIN = '0190a8b8-a0c0-7a0a-8a0a-a0a0a0a0a0a1'
const MINIMAL = { subject_id: SECRET, relation: 'r', object: 'doc:1' }

const bytes = (text: string) => new TextEncoder().encode(text)
const line = (value: unknown) => bytes(JSON.stringify(value))
const withField = (fields: object) => line({ ...MINIMAL, ...fields })

function errorOf(input: Uint8Array): AuditError {
  try {
    parseInputLine(input)
  } catch (error) {
    if (error instanceof AuditError) return error
    throw error
  }
  throw new Error('expected a refusal')
}

function spliced(before: string, middle: number[], after: string): Uint8Array {
  return Uint8Array.from([...bytes(before), ...middle, ...bytes(after)])
}

const nested = (depth: number) => `${'['.repeat(depth)}${']'.repeat(depth)}`

const atLimit: [string, object][] = [
  ['subject_id', { subject_id: 'ü'.repeat(256) }],
  ['relation', { relation: 'r'.repeat(128) }],
  ['object', { object: `${'t'.repeat(64)}:${'i'.repeat(512)}` }],
  ['relation_path', { relation_path: Array(64).fill('p'.repeat(512)) }],
  [
    'caveat_context',
    { caveat_context: Array.from({ length: 64 }, (_, i) => `${'c'.repeat(61)}${i}.p`.slice(-65)) },
  ],
  ['correlation_id', { correlation_id: 'c'.repeat(256) }],
  ['zedtoken', { zedtoken: 'z'.repeat(1024) }],
  ['plaintext', { subject: { plaintext: 'p'.repeat(512) } }],
  ['email_claim', { subject: { email_claim: 'p'.repeat(512) } }],
  ['idp_claim_names', { subject: { idp_claim_names: Array(64).fill('n'.repeat(128)) } }],
  ['user_agent', { context: { user_agent: 'u'.repeat(1024) } }],
  ['metadata', { context: { metadata: { k: 'v'.repeat(16 * 1024 - 8) } } }],
]

describe('parseInputLine', () => {
  it('fills in the defaults', () => {
    expect(parseInputLine(line(MINIMAL))).toStrictEqual({
      subjectId: SECRET,
      relation: 'r',
      object: 'doc:1',
      reason: 'granted',
      relationPath: [],
      caveatContext: [],
      correlationId: '',
      zedtoken: '',
    })
  })

  it('returns every field', () => {
    const entry = parseInputLine(
      line({
        ...MINIMAL,
        reason: 'caveat_violation',
        relation_path: ['b', 'a', 'b'],
        caveat_context: ['z.y', 'a', 'a'],
        correlation_id: 'c',
        zedtoken: 'zt',
        domain_ids: [DOMAIN.toUpperCase()],
        subject: { plaintext: 'Alice', email_claim: 'a@b', source_ip: '::1', idp_claim_names: ['sub'] },
        context: { ip: '192.0.2.1', user_agent: '', metadata: { a: [1, null, true, { b: 'ü' }] } },
      }),
    )
    expect(entry).toStrictEqual({
      subjectId: SECRET,
      relation: 'r',
      object: 'doc:1',
      reason: 'caveat_violation',
      relationPath: ['b', 'a', 'b'],
      caveatContext: ['a', 'z.y'],
      correlationId: 'c',
      zedtoken: 'zt',
      domainIds: [DOMAIN],
      subject: { plaintext: 'Alice', emailClaim: 'a@b', sourceIp: '::1', idpClaimNames: ['sub'] },
      context: { ip: '192.0.2.1', userAgent: '', metadata: { a: [1, null, true, { b: 'ü' }] } },
    })
  })

  it('accepts domain_id and platform', () => {
    expect(parseInputLine(withField({ domain_id: DOMAIN })).domainIds).toEqual([DOMAIN])
    expect(parseInputLine(withField({ platform: true })).platform).toBe(true)
  })

  it.each(atLimit)('accepts %s at its limit', (_name, fields) => {
    expect(() => parseInputLine(withField(fields))).not.toThrow()
  })

  const refused: [string, Uint8Array, RegExp][] = [
    ['nothing', bytes(''), /^not valid JSON$/],
    ['junk', bytes(`{"subject_id": ${SECRET}`), /^not valid JSON$/],
    ['two values', bytes('{} {}'), /^not valid JSON$/],
    ['a byte-order mark', spliced('', [0xef, 0xbb, 0xbf], '{}'), /^not valid JSON$/],
    ['an array', bytes('[]'), /^expected object, received array$/],
    ['null', bytes('null'), /^expected object, received null$/],
    ['a number', bytes('1'), /^expected object, received number$/],
    ['overlong UTF-8', spliced('{"subject_id":"', [0xc0, 0xaf], '"}'), /^not well-formed UTF-8$/],
    ['a raw surrogate', spliced('{"subject_id":"', [0xed, 0xa0, 0x80], '"}'), /^not well-formed UTF-8$/],
    ['a cut sequence', spliced('{"subject_id":"', [0xe2, 0x82], '"}'), /^not well-formed UTF-8$/],
    ['deep nesting', bytes(nested(200_000)), /^nested deeper than 64 levels$/],
    ['unclosed nesting', bytes('['.repeat(1_000_000)), /^nested deeper than 64 levels$/],
    ['over 1 MiB', new Uint8Array(1024 * 1024 + 1).fill(0x20), /^expected a line of at most 1048576 bytes$/],
    ['a missing subject_id', line({ relation: 'r', object: 'a:1' }), /^subject_id: required$/],
    ['a missing relation', line({ subject_id: 's', object: 'a:1' }), /^relation: required$/],
    ['a missing object', line({ subject_id: 's', relation: 'r' }), /^object: required$/],
    ['an unknown key', withField({ subjectId: 'x' }), /^unknown key subjectId$/],
    ['an unknown key that may be a person', withField({ [`${SECRET}@x`]: 1 }), /^unknown key$/],
    [
      'an unknown key of subject',
      withField({ subject: { identity_id: DOMAIN } }),
      /^subject: unknown key identity_id$/,
    ],
    ['an unknown key of context', withField({ context: { foo: 1 } }), /^context: unknown key foo$/],
    [
      'a repeated key',
      bytes(`{"subject_id":"${SECRET}","subject_id":"b","relation":"r","object":"a:1"}`),
      /^a key occurs twice in one object$/,
    ],
    [
      'a repeated key with an escape',
      bytes('{"subject_id":"a","subject\\u005fid":"b","relation":"r","object":"a:1"}'),
      /^a key occurs twice/,
    ],
    [
      'a repeated key in a nested object',
      bytes('{"subject_id":"a","relation":"r","object":"a:1","context":{"metadata":{"a":[{"x":1,"x":1}]}}}'),
      /^a key occurs twice/,
    ],
    [
      '__proto__',
      bytes('{"subject_id":"a","relation":"r","object":"a:1","__proto__":{"reason":"granted"}}'),
      /^unknown key$/,
    ],
    [
      '__proto__ in metadata',
      bytes('{"subject_id":"a","relation":"r","object":"a:1","context":{"metadata":{"a":{"__proto__":1}}}}'),
      /^context\.metadata: the key __proto__ is refused$/,
    ],
    [
      'an idempotency_key of another version',
      withField({ idempotency_key: '5f0c0a1e-0000-7000-8000-000000000000' }),
      /^idempotency_key: expected a UUID v4/,
    ],
    ['idempotency_key null', withField({ idempotency_key: null }), /^idempotency_key: expected string/],
    ['an empty subject_id', withField({ subject_id: '' }), /^subject_id: expected 1 to 512 bytes/],
    [
      'a long subject_id',
      withField({ subject_id: 'ü'.repeat(257) }),
      /^subject_id: expected 1 to 512 bytes of UTF-8, got 514$/,
    ],
    ['a numeric subject_id', withField({ subject_id: 7 }), /^subject_id: expected string, received number$/],
    ['U+0000', withField({ subject_id: 'a\0b' }), /^subject_id: U\+0000 is not allowed$/],
    [
      'a lone surrogate',
      bytes('{"subject_id":"\\ud800","relation":"r","object":"a:1"}'),
      /^subject_id: a lone surrogate/,
    ],
    ['a null field', withField({ correlation_id: null }), /^correlation_id: expected string, received null$/],
    ['a long relation', withField({ relation: 'r'.repeat(129) }), /^relation: expected 1 to 128/],
    ['an empty relation', withField({ relation: '' }), /^relation: expected 1 to 128/],
    ['an object without a type', withField({ object: SECRET }), /^object: expected type:id$/],
    ['an object of a bad type', withField({ object: `Doc:${SECRET}` }), /^object: expected a type of/],
    ['an object without an id', withField({ object: 'doc:' }), /^object: expected 1 to 512/],
    ['a long object', withField({ object: `doc:${'i'.repeat(513)}` }), /^object: expected 1 to 512/],
    ['an unknown reason', withField({ reason: SECRET }), /^reason: expected one of "granted"\|/],
    ['a reason by number', withField({ reason: 1 }), /^reason: expected one of/],
    ['a path that is not a list', withField({ relation_path: 'a' }), /^relation_path: expected array/],
    [
      'a path of 65',
      withField({ relation_path: Array(65).fill('p') }),
      /^relation_path: expected at most 64/,
    ],
    [
      'an empty path item',
      withField({ relation_path: ['a', ''] }),
      /^relation_path: item 2: expected 1 to 512/,
    ],
    ['a long path item', withField({ relation_path: ['p'.repeat(513)] }), /^relation_path: item 1:/],
    ['a path with null', withField({ relation_path: ['a', null] }), /^relation_path\.1: expected string/],
    [
      '65 caveats',
      withField({ caveat_context: Array(65).fill('c') }),
      /^caveat_context: expected at most 64/,
    ],
    [
      'a caveat with a value',
      withField({ caveat_context: [`ip=${SECRET}`] }),
      /^caveat_context: item 1: expected name/,
    ],
    [
      'a caveat as an object',
      withField({ caveat_context: { ip: SECRET } }),
      /^caveat_context: expected array/,
    ],
    [
      'a long correlation_id',
      withField({ correlation_id: 'c'.repeat(257) }),
      /^correlation_id: expected 0 to 256/,
    ],
    ['a long zedtoken', withField({ zedtoken: 'c'.repeat(1025) }), /^zedtoken: expected 0 to 1024/],
    ['a malformed domain_id', withField({ domain_id: `${DOMAIN}x` }), /^domain_id: expected a UUID/],
    ['a UUID in braces', withField({ domain_id: `{${DOMAIN}}` }), /^domain_id: expected a UUID/],
    [
      'the nil UUID',
      withField({ domain_id: '00000000-0000-0000-0000-000000000000' }),
      /^domain_id: the nil UUID/,
    ],
    ['an empty domain_id', withField({ domain_id: '' }), /^domain_id: expected a UUID/],
    [
      'the nil UUID in a list',
      withField({ domain_ids: [DOMAIN, '00000000-0000-0000-0000-000000000000'] }),
      /^domain_ids\.1: the nil/,
    ],
    ['no domain_ids', withField({ domain_ids: [] }), /^domain_ids: expected array to have >=1 items$/],
    ['platform false', withField({ platform: false }), /^platform: expected true$/],
    ['platform as text', withField({ platform: 'true' }), /^platform: expected true$/],
    ['a subject that is text', withField({ subject: SECRET }), /^subject: expected object, received string$/],
    [
      'a long plaintext',
      withField({ subject: { plaintext: 'p'.repeat(513) } }),
      /^subject\.plaintext: expected 1 to 512/,
    ],
    [
      'a long e-mail',
      withField({ subject: { email_claim: 'p'.repeat(513) } }),
      /^subject\.email_claim: expected 1 to 512/,
    ],
    [
      'a malformed source_ip',
      withField({ subject: { source_ip: SECRET } }),
      /^subject\.source_ip: expected an IPv4 or IPv6/,
    ],
    [
      '65 claim names',
      withField({ subject: { idp_claim_names: Array(65).fill('n') } }),
      /^subject\.idp_claim_names: expected array to have <=64/,
    ],
    [
      'a long claim name',
      withField({ subject: { idp_claim_names: ['n'.repeat(129)] } }),
      /^subject\.idp_claim_names\.0: expected 1 to 128/,
    ],
    [
      'an ip with a zone',
      withField({ context: { ip: 'fe80::1%eth0' } }),
      /^context\.ip: expected an IPv4 or IPv6/,
    ],
    [
      'an ip with a mask',
      withField({ context: { ip: '10.0.0.0/8' } }),
      /^context\.ip: expected an IPv4 or IPv6/,
    ],
    [
      'an ip out of range',
      withField({ context: { ip: '10.0.0.256' } }),
      /^context\.ip: expected an IPv4 or IPv6/,
    ],
    [
      'an ip with leading zeros',
      withField({ context: { ip: '010.0.0.1' } }),
      /^context\.ip: expected an IPv4 or IPv6/,
    ],
    ['an empty ip', withField({ context: { ip: '' } }), /^context\.ip: expected an IPv4 or IPv6/],
    [
      'a long user_agent',
      withField({ context: { user_agent: 'u'.repeat(1025) } }),
      /^context\.user_agent: expected 0 to 1024/,
    ],
    [
      'metadata as text',
      withField({ context: { metadata: SECRET } }),
      /^context\.metadata: expected a JSON object$/,
    ],
    [
      'metadata as an array',
      withField({ context: { metadata: [] } }),
      /^context\.metadata: expected a JSON object$/,
    ],
    [
      'metadata null',
      withField({ context: { metadata: null } }),
      /^context\.metadata: expected a JSON object$/,
    ],
    [
      'metadata over 16 KiB',
      withField({ context: { metadata: { k: 'v'.repeat(16 * 1024 - 7) } } }),
      /^context\.metadata: expected at most 16384 bytes of JSON, got 16385$/,
    ],
    [
      'metadata of many values',
      withField({ context: { metadata: { k: Array(20_000).fill(1) } } }),
      /^context\.metadata: expected at most 16384/,
    ],
    [
      'U+0000 in a value',
      withField({ context: { metadata: { a: [{ b: '\0' }] } } }),
      /^context\.metadata: U\+0000/,
    ],
    [
      'U+0000 in a key',
      withField({ context: { metadata: { a: { 'b\0': 1 } } } }),
      /^context\.metadata: U\+0000/,
    ],
    [
      'a lone surrogate in metadata',
      bytes('{"subject_id":"a","relation":"r","object":"a:1","context":{"metadata":{"a":"\\udc00"}}}'),
      /^context\.metadata: a lone surrogate/,
    ],
    [
      'a number without end',
      bytes('{"subject_id":"a","relation":"r","object":"a:1","context":{"metadata":{"a":1e999}}}'),
      /^context\.metadata: a number is too large/,
    ],
    [
      'an integer beyond 2^53',
      bytes(
        '{"subject_id":"a","relation":"r","object":"a:1","context":{"metadata":{"a":12345678901234567890}}}',
      ),
      /^context\.metadata: a number is too large/,
    ],
  ]
  it.each(refused)('refuses %s', (_name, input, message) => {
    const error = errorOf(input)
    expect(error.code).toBe('invalid_input')
    expect(error.message).toMatch(message)
    expect(`${error.message}${JSON.stringify(error.advice)}${String(error.cause)}`).not.toContain(SECRET)
  })

  it.each([
    [{ domain_id: DOMAIN, domain_ids: [DOMAIN] }],
    [{ domain_id: DOMAIN, platform: true }],
    [{ domain_ids: [DOMAIN], platform: true }],
  ])('refuses %o, which contradicts itself', (fields) => {
    expect(errorOf(withField(fields)).code).toBe('residency_unknown')
  })

  it('throws nothing but an AuditError for any bytes', () => {
    const nearly = fc.record(
      {
        subject_id: fc.anything(),
        relation: fc.string(),
        object: fc.constantFrom('a:1', 'x', ':'),
        domain_ids: fc.anything(),
        subject: fc.anything(),
        context: fc.record({ metadata: fc.anything() }),
      },
      { requiredKeys: [] },
    )
    const json = fc.oneof(
      fc.json(),
      nearly.map((v) => JSON.stringify(v, bigints) ?? ''),
    )
    const input = fc.oneof(fc.uint8Array({ maxLength: 400 }), json.map(bytes))
    fc.assert(
      fc.property(input, (some) => {
        try {
          parseInputLine(some)
        } catch (error) {
          expect(error).toBeInstanceOf(AuditError)
        }
      }),
      { numRuns: 2000 },
    )
  })

  it('finds a repeated key, and only a repeated key', () => {
    fc.assert(
      fc.property(fc.dictionary(fc.string(), fc.jsonValue(), { minKeys: 1 }), (object) => {
        const body = JSON.stringify(object).slice(1)
        const first = JSON.stringify(Object.keys(object)[0])
        expect(errorOf(bytes(`{${body}`)).message).not.toMatch(/twice/)
        expect(errorOf(bytes(`{${first}:0,${body}`)).message).toBe('a key occurs twice in one object')
      }),
    )
  })
})

function bigints(_key: string, value: unknown): unknown {
  return typeof value === 'bigint' ? String(value) : value
}

describe('the order of checks', () => {
  it.each([
    ['the first field of the list, not of the line', { zedtoken: 1, subject_id: 2 }, /^subject_id: /],
    ['a field before a key that is unknown', { zz: 1, zedtoken: 1 }, /^zedtoken: /],
    ['a key inside before a later field', { subject: { zz: 1 }, context: 1 }, /^subject: unknown key zz$/],
    ['a length before the items', { domain_ids: Array(65).fill(null) }, /^domain_ids: .*<=64 items$/],
    ['a type of an item before the rule of its list', { relation_path: ['', 1] }, /^relation_path\.1: /],
    ['a field before a contradiction', { domain_id: DOMAIN, platform: 1 }, /^platform: /],
    ['the first unknown key', { B_2: 1, zz: 1 }, /^unknown key$/],
  ])('names %s', (_name, fields, message) => {
    const error = errorOf(withField(fields))
    expect(error.code).toBe('invalid_input')
    expect(error.message).toMatch(message)
  })
})

describe('checkEntry', () => {
  it('applies the same rules and the same defaults', () => {
    const entry = { subjectId: 's', relation: 'r', object: 'a:1' }
    expect(checkEntry(entry)).toStrictEqual(
      parseInputLine(line({ subject_id: 's', relation: 'r', object: 'a:1' })),
    )
    expect(() => checkEntry({ ...entry, relation: '' })).toThrowError(/^relation: expected 1 to 128/)
    expect(() => checkEntry({ ...entry, domainIds: [DOMAIN], platform: true })).toThrowError(AuditError)
    expect(checkEntry({ ...entry, domainIds: [PLATFORM_ANCHOR] }).domainIds).toEqual([PLATFORM_ANCHOR])
  })

  it.each(atLimit)('returns an entry of a line unchanged, with %s', (_name, fields) => {
    const entry = parseInputLine(withField({ ...fields, domain_id: DOMAIN }))
    expect(checkEntry(entry)).toStrictEqual(entry)
  })

  it('refuses a value of a wrong type, and so does the compiler', () => {
    const entry = { subjectId: 's', relation: 'r', object: 'a:1' }
    // @ts-expect-error a subject_id is a text
    expect(() => checkEntry({ ...entry, subjectId: 1 })).toThrowError(/^subject_id: expected string/)
    // @ts-expect-error a plaintext is a text
    expect(() => checkEntry({ ...entry, subject: { plaintext: 1 } })).toThrowError(/^subject\.plaintext: /)
    // @ts-expect-error an address is a text
    expect(() => checkEntry({ ...entry, context: { ip: 1 } })).toThrowError(/^context\.ip: expected string/)
    // @ts-expect-error a reason is one of four
    expect(() => checkEntry({ ...entry, reason: 'maybe' })).toThrowError(/^reason: expected one of/)
  })

  it.each([
    ['a date', new Date(0), 'Date'],
    ['a map', new Map(), 'Map'],
    ['NaN', Number.NaN, 'NaN'],
    ['an infinite number', Number.POSITIVE_INFINITY, 'Infinity'],
    ['a bigint', 1n, 'bigint'],
    ['an object without a prototype', Object.create(null), 'object'],
    ['a function', () => 'a', 'function'],
  ])('names the type of %s', (_name, subjectId, type) => {
    const entry = { subjectId: subjectId as string, relation: 'r', object: 'a:1' }
    expect(() => checkEntry(entry)).toThrowError(`subject_id: expected string, received ${type}`)
  })

  it('keeps its own copy of a list', () => {
    const relationPath = ['a']
    const entry = checkEntry({ subjectId: 's', relation: 'r', object: 'a:1', relationPath })
    relationPath.push('')
    expect(entry.relationPath).toEqual(['a'])
  })

  it('leaves out undefined fields', () => {
    const entry = { subjectId: 's', relation: 'r', object: 'a:1' }
    const absent = {
      reason: undefined,
      relationPath: undefined,
      domainIds: undefined,
      idempotencyKey: undefined,
    }
    expect(checkEntry({ ...entry, ...absent, subject: undefined })).toStrictEqual(checkEntry(entry))
  })

  it('keeps an identity, which a line cannot hold', () => {
    const entry = { subjectId: 's', relation: 'r', object: 'a:1' }
    const subject = { identityId: DOMAIN.toUpperCase(), plaintext: 'Al' }
    expect(checkEntry({ ...entry, subject }).subject).toMatchObject({ identityId: DOMAIN, plaintext: 'Al' })
    expect(() => checkEntry({ ...entry, subject: { identityId: 'x' } })).toThrowError(
      /^subject\.identity_id: /,
    )
  })

  it.each([
    ['a cycle', cyclic()],
    ['a date', { a: new Date(0) }],
    ['undefined', { a: undefined }],
    ['a bigint', { a: 1n }],
    ['a hole', { a: Array(2) }],
    ['toJSON', { toJSON: () => ({}) }],
    ['a map', new Map()],
  ])('refuses metadata with %s', (_name, metadata) => {
    const entry = { subjectId: 's', relation: 'r', object: 'a:1' }
    const context = { metadata: metadata as Record<string, unknown> }
    expect(() => checkEntry({ ...entry, context })).toThrowError(/^context\.metadata: /)
  })
})

function cyclic(): Record<string, unknown> {
  const a: Record<string, unknown> = {}
  a.a = [a, a]
  return a
}
