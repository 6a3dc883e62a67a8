import { RESERVED_RELATIONS } from '../../src/append/reserved-relation.js'
import type { ErrorCode } from '../../src/base/errors.js'
import { SECRET } from './refusal.js'

export const DOMAIN = '01900000-0000-7000-8000-00000000ba01'
export const OTHER_DOMAIN = '01900000-0000-7000-8000-00000000ba02'
/** A Domain that is not registered. */
export const NO_DOMAIN = '01900000-0000-7000-8000-00000000baff'
export const NIL = '00000000-0000-0000-0000-000000000000'
export const PLATFORM = '706c6174-666f-726d-8000-000000000000'

export const MINIMAL = { subject_id: SECRET.subject, relation: 'doc.read', object: 'doc:1' }

export const jsonLine = (fields: object): Buffer => Buffer.from(JSON.stringify({ ...MINIMAL, ...fields }))

/** Returns a minimal line with blanks inside, of exactly this many bytes. */
export function lineOf(bytes: number): Buffer {
  const line = JSON.stringify(MINIMAL)
  return Buffer.from(`{${' '.repeat(bytes - line.length)}${line.slice(1)}`)
}

/** Returns a line with `raw` as its subject_id, which may be ill-formed UTF-8. */
function rawSubject(...raw: readonly number[]): Buffer {
  const [before = '', after = ''] = JSON.stringify({ ...MINIMAL, subject_id: '?' }).split('?')
  return Buffer.concat([Buffer.from(before), Buffer.from(raw), Buffer.from(after)])
}

/** Returns a caveat name of the greatest length. `i` makes it unique. */
const longCaveat = (i: number) => `${`c${i}_`.padEnd(63, 'x')}.${'p'.repeat(63)}`

const many = <T>(count: number, item: (i: number) => T): T[] =>
  Array.from({ length: count }, (_, i) => item(i))

const subject = (fields: object) => jsonLine({ subject: fields })
const context = (fields: object) => jsonLine({ context: fields })
const metadata = (value: unknown) => context({ metadata: value })

/** Lines at the edge of each limit, which are accepted. */
export const AT_THE_EDGE: readonly (readonly [string, Buffer])[] = [
  ['subject_id of 512 bytes', jsonLine({ subject_id: 'ü'.repeat(256) })],
  ['subject_id of 1 byte', jsonLine({ subject_id: 'x' })],
  ['relation of 128 bytes', jsonLine({ relation: 'r'.repeat(128) })],
  ['object type of 64 and id of 512 bytes', jsonLine({ object: `${'t'.repeat(64)}:${'ü'.repeat(256)}` })],
  ['64 path items of 512 bytes', jsonLine({ relation_path: many(64, () => 'p'.repeat(512)) })],
  ['64 caveats of 63.63 characters', jsonLine({ caveat_context: many(64, longCaveat) })],
  ['correlation_id of 256 bytes', jsonLine({ correlation_id: 'c'.repeat(256) })],
  ['zedtoken of 1024 bytes', jsonLine({ zedtoken: 'z'.repeat(1024) })],
  ['plaintext of 512 bytes', subject({ plaintext: 'p'.repeat(512) })],
  ['e-mail claim of 512 bytes', subject({ email_claim: 'e'.repeat(512) })],
  ['64 claim names of 128 bytes', subject({ idp_claim_names: many(64, () => 'n'.repeat(128)) })],
  ['an IPv6 source_ip', subject({ source_ip: '2001:db8::1' })],
  ['user_agent of 1024 bytes', context({ user_agent: 'u'.repeat(1024) })],
  ['metadata of 16 KiB', metadata({ k: 'v'.repeat(16 * 1024 - 8) })],
  ['a line 64 levels deep', metadata({ a: nested(61) })],
  ['64 domain_ids, of one Domain', jsonLine({ domain_ids: many(64, () => DOMAIN) })],
  ['a line of 1 MiB', lineOf(1024 * 1024)],
  [
    'every optional key',
    jsonLine({ reason: 'out_of_scope', relation_path: [], caveat_context: [], zedtoken: '' }),
  ],
  [
    'all noncharacters and controls but U+0000',
    jsonLine({ relation: '\u0001\u001b[2J\u007f\u0085\u202e\ufffe\uffff' }),
  ],
]

function nested(depth: number): unknown {
  return depth === 1 ? [] : [nested(depth - 1)]
}

export type BadLine = readonly [name: string, line: Buffer, says: string, code?: ErrorCode]

/** Lines one beyond each limit, and other malformed lines. `says` follows the name of the line. */
export const BAD_LINES: readonly BadLine[] = [
  ['no JSON', Buffer.from(SECRET.subject), 'not valid JSON'],
  ['a cut object', jsonLine({}).subarray(0, -1), 'not valid JSON'],
  ['two objects', Buffer.concat([jsonLine({}), jsonLine({})]), 'not valid JSON'],
  ['an array', Buffer.from(`["${SECRET.subject}"]`), 'expected object, received array'],
  ['a text', Buffer.from(`"${SECRET.subject}"`), 'expected object, received string'],
  ['null', Buffer.from('null'), 'expected object, received null'],
  ['an overlong slash', rawSubject(0xc0, 0xaf), 'not well-formed UTF-8'],
  ['an overlong NUL', rawSubject(0xc0, 0x80), 'not well-formed UTF-8'],
  ['a surrogate in UTF-8', rawSubject(0xed, 0xa0, 0x80), 'not well-formed UTF-8'],
  ['beyond U+10FFFF', rawSubject(0xf4, 0x90, 0x80, 0x80), 'not well-formed UTF-8'],
  ['a sequence cut short', rawSubject(0xe2, 0x82), 'not well-formed UTF-8'],
  ['a raw NUL', rawSubject(0x00), 'not valid JSON'],
  ['an escaped NUL', jsonLine({ subject_id: 'a\0b' }), 'subject_id: U+0000 is not allowed'],
  ['a NUL in object', jsonLine({ object: 'doc:\0' }), 'object: U+0000 is not allowed'],
  ['a lone surrogate', jsonLine({ subject_id: '\ud800' }), 'subject_id: a lone surrogate is not text'],
  [
    'a lone surrogate in a path',
    jsonLine({ relation_path: ['\udc00'] }),
    'relation_path: item 1: a lone surrogate',
  ],
  [
    'a key twice',
    Buffer.from(`{"subject_id":"a","relation":"r","object":"d:1","object":"d:2"}`),
    'a key occurs twice',
  ],
  ['a line 65 levels deep', metadata({ a: nested(62) }), 'nested deeper than 64 levels'],
  ['an unknown key', jsonLine({ subjectId: SECRET.subject }), 'unknown key subjectId'],
  ['an unknown key that is a person', jsonLine({ [SECRET.email]: 1 }), 'unknown key'],
  ['an unknown key of subject', subject({ email: SECRET.email }), 'subject: unknown key email'],
  ['an unknown key of context', context({ addr: SECRET.ip }), 'context: unknown key addr'],
  ['idempotency_key', jsonLine({ idempotency_key: NIL }), 'idempotency_key: expected a UUID v4'],
  ['no subject_id', Buffer.from('{"relation":"r","object":"d:1"}'), 'subject_id: required'],
  ['no relation', Buffer.from(`{"subject_id":"${SECRET.subject}","object":"d:1"}`), 'relation: required'],
  ['no object', Buffer.from(`{"subject_id":"${SECRET.subject}","relation":"r"}`), 'object: required'],
  ['subject_id empty', jsonLine({ subject_id: '' }), 'subject_id: expected 1 to 512 bytes'],
  [
    'subject_id of 513 bytes',
    jsonLine({ subject_id: `${'ü'.repeat(256)}x` }),
    'subject_id: expected 1 to 512 bytes of UTF-8, got 513',
  ],
  ['subject_id a number', jsonLine({ subject_id: 7 }), 'subject_id: expected string, received number'],
  ['relation empty', jsonLine({ relation: '' }), 'relation: expected 1 to 128 bytes'],
  ...RESERVED_RELATIONS.map(
    (relation): BadLine => [
      `the relation ${relation}`,
      jsonLine({ relation }),
      `relation: only the log itself writes ${relation}`,
      'relation_reserved',
    ],
  ),
  [
    'relation of 129 bytes',
    jsonLine({ relation: 'r'.repeat(129) }),
    'relation: expected 1 to 128 bytes of UTF-8, got 129',
  ],
  ['object without a type', jsonLine({ object: SECRET.subject }), 'object: expected type:id'],
  ['object of a bad type', jsonLine({ object: `Doc:${SECRET.subject}` }), 'object: expected a type of [a-z]'],
  [
    'object type of 65 characters',
    jsonLine({ object: `${'t'.repeat(65)}:1` }),
    'object: expected a type of [a-z]',
  ],
  ['object without an id', jsonLine({ object: 'doc:' }), 'object: expected 1 to 512 bytes'],
  [
    'object id of 513 bytes',
    jsonLine({ object: `doc:${'i'.repeat(513)}` }),
    'object: expected 1 to 512 bytes of UTF-8, got 513',
  ],
  ['object null', jsonLine({ object: null }), 'object: expected string, received null'],
  ['a fifth reason', jsonLine({ reason: 'denied' }), 'reason: expected one of'],
  ['reason a number', jsonLine({ reason: 1 }), 'reason: expected one of'],
  [
    '65 path items',
    jsonLine({ relation_path: many(65, () => 'p') }),
    'relation_path: expected at most 64 items, got 65',
  ],
  [
    'a path item of 513 bytes',
    jsonLine({ relation_path: ['a', 'p'.repeat(513)] }),
    'relation_path: item 2: expected 1 to 512 bytes',
  ],
  ['an empty path item', jsonLine({ relation_path: [''] }), 'relation_path: item 1: expected 1 to 512 bytes'],
  [
    'a path that is a text',
    jsonLine({ relation_path: SECRET.subject }),
    'relation_path: expected array, received string',
  ],
  [
    '65 caveats',
    jsonLine({ caveat_context: many(65, (i) => `c${i}`) }),
    'caveat_context: expected at most 64 names, got 65',
  ],
  [
    'a caveat of 64 characters',
    jsonLine({ caveat_context: ['c'.repeat(64)] }),
    'caveat_context: item 1: expected name',
  ],
  [
    'a parameter of 64 characters',
    jsonLine({ caveat_context: [`c.${'p'.repeat(64)}`] }),
    'caveat_context: item 1: expected name',
  ],
  [
    'a caveat with its value',
    jsonLine({ caveat_context: [`ip=${SECRET.ip}`] }),
    'caveat_context: item 1: expected name or name.parameter, names only',
  ],
  ['caveats with values', jsonLine({ caveat_context: { ip: SECRET.ip } }), 'caveat_context: expected array'],
  [
    'correlation_id of 257 bytes',
    jsonLine({ correlation_id: 'c'.repeat(257) }),
    'correlation_id: expected 0 to 256 bytes of UTF-8, got 257',
  ],
  [
    'zedtoken of 1025 bytes',
    jsonLine({ zedtoken: 'z'.repeat(1025) }),
    'zedtoken: expected 0 to 1024 bytes of UTF-8, got 1025',
  ],
  [
    'plaintext of 513 bytes',
    subject({ plaintext: SECRET.plaintext.padEnd(513, 'p') }),
    'subject.plaintext: expected 1 to 512 bytes of UTF-8, got 513',
  ],
  [
    'e-mail claim of 513 bytes',
    subject({ email_claim: SECRET.email.padEnd(513, 'm') }),
    'subject.email_claim: expected 1 to 512 bytes of UTF-8, got 513',
  ],
  [
    'a source_ip with a port',
    subject({ source_ip: `${SECRET.ip}:80` }),
    'subject.source_ip: expected an IPv4 or IPv6 address',
  ],
  [
    '65 claim names',
    subject({ idp_claim_names: many(65, () => 'n') }),
    'subject.idp_claim_names: expected array to have <=64 items',
  ],
  [
    'a claim name of 129 bytes',
    subject({ idp_claim_names: ['n'.repeat(129)] }),
    'subject.idp_claim_names.0: expected 1 to 128 bytes',
  ],
  ['an ip with a zone', context({ ip: 'fe80::1%eth0' }), 'context.ip: expected an IPv4 or IPv6 address'],
  ['an ip with a mask', context({ ip: `${SECRET.ip}/8` }), 'context.ip: expected an IPv4 or IPv6 address'],
  [
    'user_agent of 1025 bytes',
    context({ user_agent: 'u'.repeat(1025) }),
    'context.user_agent: expected 0 to 1024 bytes',
  ],
  ['metadata a list', metadata([SECRET.email]), 'context.metadata: expected a JSON object'],
  [
    'metadata over 16 KiB',
    metadata({ k: 'v'.repeat(16 * 1024 - 7) }),
    'context.metadata: expected at most 16384 bytes of JSON, got 16385',
  ],
  ['U+0000 in metadata', metadata({ a: ['\0'] }), 'context.metadata: U+0000'],
  [
    'an integer beyond 2^53',
    Buffer.from(
      '{"subject_id":"a","relation":"r","object":"d:1","context":{"metadata":{"n":9007199254740993}}}',
    ),
    'context.metadata: a number is too large',
  ],
  [
    'a malformed domain_id',
    jsonLine({ domain_id: `${DOMAIN}0` }),
    'domain_id: expected a UUID of 36 characters',
  ],
  [
    'a UUID without dashes',
    jsonLine({ domain_id: DOMAIN.replaceAll('-', '') }),
    'domain_id: expected a UUID of 36 characters',
  ],
  ['an empty domain_id', jsonLine({ domain_id: '' }), 'domain_id: expected a UUID of 36 characters'],
  ['the nil UUID', jsonLine({ domain_id: NIL }), 'domain_id: the nil UUID is never a Domain'],
  [
    'the nil UUID among others',
    jsonLine({ domain_ids: [DOMAIN, NIL] }),
    'domain_ids.1: the nil UUID is never a Domain',
  ],
  ['no domain_ids', jsonLine({ domain_ids: [] }), 'domain_ids: expected array to have >=1 items'],
  [
    '65 domain_ids',
    jsonLine({ domain_ids: many(65, () => DOMAIN) }),
    'domain_ids: expected array to have <=64 items',
  ],
  ['platform false', jsonLine({ platform: false }), 'platform: expected true'],
  ['a line of 1 MiB and a byte', lineOf(1024 * 1024 + 1), 'longer than 1 MiB'],
  ['a line of 10 MB', lineOf(10_000_000), 'longer than 1 MiB'],
  ...notForThisChain(),
  ...personalData(),
]

function notForThisChain(): BadLine[] {
  const unplaced = (name: string, fields: object, says: string): BadLine => [
    name,
    jsonLine(fields),
    says,
    'residency_unknown',
  ]
  return [
    unplaced('a Domain that does not exist', { domain_id: NO_DOMAIN }, `there is no Domain ${NO_DOMAIN}`),
    unplaced(
      'one that does not exist among others',
      { domain_ids: [DOMAIN, NO_DOMAIN] },
      `there is no Domain ${NO_DOMAIN}`,
    ),
    unplaced(
      'the platform anchor as a Domain',
      { domain_id: PLATFORM },
      'the platform chain is not a Domain',
    ),
    unplaced(
      'domain_id and domain_ids',
      { domain_id: DOMAIN, domain_ids: [DOMAIN] },
      'expected one of domain_id, domain_ids and platform, got domain_id and domain_ids',
    ),
    unplaced(
      'domain_id and platform',
      { domain_id: DOMAIN, platform: true },
      'expected one of domain_id, domain_ids and platform, got domain_id and platform',
    ),
    unplaced(
      'a cloud on a Domain',
      { object: 'cloud:1' },
      'an object of type cloud does not belong on the chain',
    ),
    unplaced(
      'the platform on a Domain',
      { object: 'platform:x' },
      'an object of type platform does not belong on the chain',
    ),
    unplaced(
      'a Domain on another',
      { object: `domain:${OTHER_DOMAIN}` },
      'an object of type domain does not belong on the chain',
    ),
    unplaced(
      'a Domain on the platform',
      { object: `domain:${DOMAIN}`, platform: true },
      'an object of type domain does not belong',
    ),
    unplaced(
      'a Domain that is no UUID',
      { object: 'domain:acme' },
      "object: expected a Domain's UUID after domain:",
    ),
  ]
}

/** Lines with the subject_id, the plaintext, the e-mail claim and both addresses in each hashed field. */
function personalData(): BadLine[] {
  const people = [
    ['subject_id', SECRET.subject, {}],
    ['plaintext', SECRET.plaintext, { subject: { plaintext: SECRET.plaintext } }],
    ['e-mail claim', SECRET.email, { subject: { email_claim: SECRET.email } }],
    ['source_ip', SECRET.ip, { subject: { source_ip: SECRET.ip } }],
    ['ip', SECRET.ip, { context: { ip: SECRET.ip } }],
  ] as const
  const fields = [
    ['relation', (text: string) => ({ relation: `by ${text}.` })],
    ['object', (text: string) => ({ object: `doc:of/${text.toUpperCase()}` })],
    ['relation_path', (text: string) => ({ relation_path: ['member', `x/${text}`] })],
    ['correlation_id', (text: string) => ({ correlation_id: text })],
    ['zedtoken', (text: string) => ({ zedtoken: text })],
  ] as const
  return people.flatMap(([kind, text, where]) =>
    fields.map(
      ([field, put]): BadLine => [
        `the ${kind} in ${field}`,
        jsonLine({ ...where, ...put(text) }),
        `${field} holds the ${kind}`,
        'personal_data_in_chain',
      ],
    ),
  )
}
