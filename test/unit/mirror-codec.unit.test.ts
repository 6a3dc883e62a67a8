import { createHash } from 'node:crypto'
import { compress, decompress } from '@mongodb-js/zstd'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { encodeCanonical } from '../../src/chain/canonical.js'
import type { ChainedEntry } from '../../src/chain/entry.js'
import { decodeObject, encodeObject, mirrorCodec, sameContent } from '../../src/mirror/object/codec.js'
import { MAX_OBJECT_BYTES } from '../../src/ports/mirror.js'
import { chainOf, DOMAIN, entryAt, OTHER_DOMAIN, rehashed } from '../support/chain-builder.js'
import { entryArbitrary, hashArbitrary } from '../support/entry-arbitrary.js'
import { vectorEntry, vectorRows } from '../support/vectors.js'
import { block, bomb, frame, SKIPPABLE } from '../support/zstd-frames.js'

const row = rehashed({
  ...entryAt(42, { subjectPseudonym: 'fbef'.repeat(16) }),
  prevHash: 'ab'.repeat(32),
  entryHash: '',
})
const place = { domainId: DOMAIN, seq: 42 }
const object = await encodeObject(row)
const json = (await decompress(Buffer.from(object))).toString('utf8')

const rowArbitrary: fc.Arbitrary<ChainedEntry> = fc
  .tuple(entryArbitrary, hashArbitrary, hashArbitrary)
  .map(([entry, prevHash, entryHash]) => ({ ...entry, prevHash, entryHash }))

const packed = (content: string | Uint8Array) => compress(Buffer.from(content as string))
const read = async (content: string | Uint8Array) => decodeObject(await packed(content), place)
const edited = (patch: Readonly<Record<string, unknown>>) =>
  `${JSON.stringify({ ...JSON.parse(json), ...patch })}\n`
/** Returns the object that an attacker who knows the format can make: everything but the hashes is computed again. */
const forged = (patch: Partial<ChainedEntry>) => encodeObject({ ...row, ...patch })

describe('encodeObject', () => {
  it('writes the documented JSON', () => {
    expect(json).toBe(
      `{"format":"PXA1","domain_id":"${DOMAIN}","seq":42,"subject_pseudonym":"${row.subjectPseudonym}",` +
        '"relation":"project.create","object":"project:p42","reason":"granted",' +
        '"relation_path":["domain:acme#admin","group:ops#member"],' +
        '"caveat_context":["from_cidr.cidr","within_time_window.end"],' +
        '"correlation_id":"req-42","zedtoken":"GhUKEzE2ODY2","recorded_at":"2026-04-28T10:00:00.000042Z",' +
        `"prev_hash":"${row.prevHash}","entry_hash":"${row.entryHash}",` +
        `"canonical_bytes":"${Buffer.from(encodeCanonical(row)).toString('base64')}"}\n`,
    )
  })

  it.each(vectorRows)('writes the canonical bytes of vector $domain_id $seq', async (vector) => {
    const bytes = await encodeObject(vectorEntry(vector))
    const decoded = await decodeObject(bytes, { domainId: vector.domain_id, seq: vector.seq })
    expect(decoded).toEqual({
      entry: vectorEntry(vector),
      canonical: Buffer.from(vector.canonical_hex, 'hex'),
    })
  })

  // A mirror is create-only: if the bytes changed with a version, every row would look like two rows.
  it('writes the same bytes in every release', () => {
    expect(object.length).toBe(583)
    expect(createHash('sha256').update(object).digest('hex')).toBe(
      '9684481eb09601a728e10b4cca5a7047ca4b46abe96e869f9d87676c89edbcb7',
    )
  })

  it('round-trips any row, with the same bytes each time', async () => {
    await fc.assert(
      fc.asyncProperty(rowArbitrary, async (entry) => {
        const bytes = await encodeObject(entry)
        expect(Buffer.compare(bytes, await encodeObject({ ...entry }))).toBe(0)
        const decoded = await decodeObject(bytes, entry)
        expect(decoded).toEqual({ entry, canonical: Buffer.from(encodeCanonical(entry)) })
      }),
    )
  })

  it('fits a row that reaches every limit, in its longest JSON spelling', async () => {
    const item = '\u0001'.repeat(512)
    const noisy = Array.from({ length: 64 }, (_, i) =>
      createHash('sha512').update(String(i)).digest('hex').repeat(4),
    )
    for (const relationPath of [Array.from({ length: 64 }, () => item), noisy]) {
      const largest: ChainedEntry = {
        ...row,
        relation: '\u0001'.repeat(128),
        object: `project:${item}`,
        relationPath,
        caveatContext: Array.from({ length: 64 }, (_, i) => `${'a'.repeat(60)}${100 + i}.${'b'.repeat(63)}`),
        correlationId: '\u0001'.repeat(256),
        zedtoken: '\u0001'.repeat(1024),
      }
      const bytes = await encodeObject(largest)
      expect(bytes.length).toBeLessThan(MAX_OBJECT_BYTES)
      expect(await decodeObject(bytes, place)).toMatchObject({ entry: largest })
    }
  })

  it.each([
    ['a limit', { relation: '' }],
    ['prev_hash', { prevHash: 'AB'.repeat(32) }],
    ['entry_hash', { entryHash: '' }],
    ['seq', { seq: 0 }],
    ['well-formed text', { zedtoken: '\ud800' }],
  ])('refuses a row that breaks %s', async (_, patch) => {
    await expect(encodeObject({ ...row, ...patch })).rejects.toMatchObject({ code: 'entry_malformed' })
  })
})

describe('decodeObject leaves to the fold', () => {
  it.each([
    ['an entry_hash that does not match', { entryHash: 'cd'.repeat(32) }],
    ['a link to nowhere', { prevHash: 'cd'.repeat(32) }],
    ['a field edited in both spellings', { relation: 'project.delete' }],
  ])('accepts %s', async (_, patch) => {
    const entry = { ...row, ...patch }
    expect(await decodeObject(await forged(patch), place)).toEqual({
      entry,
      canonical: Buffer.from(encodeCanonical(entry)),
    })
  })

  it('leaves an unknown generation to the fold', async () => {
    const decoded = await read(edited({ format: 'PXA2', further: 1, canonical_bytes: 'UFhBMg==' }))
    expect(decoded).toEqual({
      problem: 'format: this program does not know PXA2',
      unchecked: { unknownGeneration: 2, prevHash: row.prevHash, entryHash: row.entryHash },
    })
  })
})

describe('decodeObject', () => {
  const spelling = 'not in the exact spelling of the format'
  const keys = 'its keys, or the spelling of canonical_bytes, are not those of the format'
  const differs = (name: string) => `${name}: does not match canonical_bytes`
  const elsewhere = 'seq: does not match the key'
  const reordered = () => {
    const { format, ...rest } = JSON.parse(json)
    return `${JSON.stringify({ ...rest, format })}\n`
  }
  const canonical: string = JSON.parse(json).canonical_bytes

  it.each([
    ['an empty text', '', 'not JSON'],
    ['a text that is not JSON', 'audit', 'not JSON'],
    ['JSON cut short', json.slice(0, -3), 'not JSON'],
    ['a BOM', `\ufeff${json}`, 'not JSON'],
    ['deep nesting', '['.repeat(500_000), 'not JSON'],
    ['null', 'null\n', 'not a JSON object'],
    ['a number', '1\n', 'not a JSON object'],
    ['a list', '[]\n', 'format: expected a text'],
    ['an empty object', '{}\n', 'format: expected a text'],
    ['no newline', json.slice(0, -1), spelling],
    ['two newlines', `${json}\n`, spelling],
    ['a carriage return', json.replace('\n', '\r\n'), spelling],
    ['white space', json.replace('"seq":42', '"seq": 42'), spelling],
    ['white space before', ` ${json}`, spelling],
    ['a duplicate key', json.replace('"seq":42', '"seq":41,"seq":42'), spelling],
    ['a repeated key with the same value', json.replace('"seq":42', '"seq":42,"seq":42'), spelling],
    ['__proto__', json.replace('"seq":42', '"seq":42,"__proto__":{"x":1}'), keys],
    ['another key', json.replace('"seq":42', '"seq":42,"x":1'), keys],
    ['another key order', reordered(), keys],
    ['an escaped letter', json.replace('project.create', 'project.creat\\u0065'), spelling],
    ['an escaped slash', json.replace('GhUK', '\\/hUK'), differs('zedtoken')],
    ['another spelling of a number', json.replace('"seq":42', '"seq":42.0'), spelling],
    ['an exponent', json.replace('"seq":42', '"seq":4.2e1'), spelling],
    ['a seq in quotes', json.replace('"seq":42', '"seq":"42"'), differs('seq')],
    ['a missing field', json.replace('"zedtoken":"GhUKEzE2ODY2",', ''), differs('zedtoken')],
    ['a null', edited({ correlation_id: null }), differs('correlation_id')],
    ['an edited field', edited({ relation: 'project.delete' }), differs('relation')],
    ['an edited list', edited({ relation_path: ['domain:acme#admin'] }), differs('relation_path')],
    [
      'another time zone',
      edited({ recorded_at: '2026-04-28T12:00:00.000042+02:00' }),
      differs('recorded_at'),
    ],
    [
      'a time with five digits',
      edited({ recorded_at: '2026-04-28T10:00:00.00004Z' }),
      differs('recorded_at'),
    ],
    [
      'an upper-case pseudonym',
      edited({ subject_pseudonym: row.subjectPseudonym.toUpperCase() }),
      differs('subject_pseudonym'),
    ],
    ['an upper-case Domain', edited({ domain_id: DOMAIN.toUpperCase() }), differs('domain_id')],
    [
      'an upper-case hash',
      edited({ entry_hash: row.entryHash.toUpperCase() }),
      'entry_hash: expected 64 lower-case hex digits',
    ],
    ['a short hash', edited({ prev_hash: 'ab' }), 'prev_hash: expected 64 lower-case hex digits'],
    ['no hash', edited({ prev_hash: undefined }), 'prev_hash: expected a text'],
    ['canonical_bytes of another type', edited({ canonical_bytes: 1 }), 'canonical_bytes: expected a text'],
    ['no canonical_bytes', edited({ canonical_bytes: '' }), 'canonical_bytes: shorter than the fixed fields'],
    ['canonical_bytes in base64url', edited({ canonical_bytes: canonical.replaceAll('+', '-') }), keys],
    ['canonical_bytes without padding', edited({ canonical_bytes: canonical.replace(/=+$/, '') }), keys],
    ['canonical_bytes with a blank', edited({ canonical_bytes: `${canonical} ` }), keys],
    ['with other junk', edited({ canonical_bytes: `${canonical.slice(0, 8)}!${canonical.slice(8)}` }), keys],
    ['format PXA01', edited({ format: 'PXA01' }), 'format: expected PXA1'],
    ['format pxa1', edited({ format: 'pxa1' }), 'format: expected PXA1'],
    ['generation 0', edited({ format: 'PXA0' }), 'format: expected PXA1'],
    ['a generation beyond SQL', edited({ format: 'PXA32768' }), 'format: expected PXA1'],
    ['a later generation under another key', edited({ format: 'PXA2', seq: 41 }), elsewhere],
    [
      'a later generation without hashes',
      edited({ format: 'PXA2', prev_hash: '' }),
      'prev_hash: expected 64 lower-case hex digits',
    ],
  ])('refuses %s', async (_, content, problem) => {
    // Each case must differ from the well-formed object.
    expect(content).not.toBe(json)
    expect(await read(content)).toMatchObject({ problem })
  })

  it.each(['x', 'xx'])('refuses padding bits of base64 that no encoder sets, after %s', async (tail) => {
    const padded = await forged({ zedtoken: `${'y'.repeat(13)}${tail}` })
    const content = (await decompress(Buffer.from(padded))).toString('utf8')
    const loose = content.replace(
      /([A-Za-z])(=+"\}\n)$/,
      (_, unit: string, end: string) => String.fromCharCode(unit.charCodeAt(0) + 1) + end,
    )
    expect(loose).not.toBe(content)
    expect(await read(loose)).toMatchObject({ problem: keys })
  })

  it('refuses an object that is not UTF-8', async () => {
    const bytes = Buffer.from(json)
    bytes[20] = 0xff
    expect(await read(bytes)).toEqual({ problem: 'not well-formed UTF-8' })
  })

  it.each([
    ['another row', { seq: 41 }, 'seq'],
    ['another Domain', { domainId: OTHER_DOMAIN }, 'domain_id'],
  ])('refuses an object of %s than its key names', async (_, patch, field) => {
    const problem = `${field}: does not match the key`
    expect(await decodeObject(await forged(patch), place)).toMatchObject({ problem })
  })

  it('names every field that does not match canonical_bytes, and keeps what the object says', async () => {
    const forgery = { relation: 'project.delete', reason: 'caveat_violation' }
    const decoded = await read(edited(forgery))
    expect(decoded).toMatchObject({
      problem: 'relation, reason: do not match canonical_bytes',
      fields: forgery,
    })
  })

  it('keeps no value of a type that a row does not hold', async () => {
    const claims = { relation: { x: 1 }, object: null, relation_path: [1], zedtoken: true, correlation_id: 7 }
    const decoded = await read(edited(claims))
    const { fields = {} } = decoded as { fields?: object }
    expect(fields).toMatchObject({ seq: row.seq, correlation_id: 7 })
    for (const name of ['relation', 'object', 'relation_path', 'zedtoken'])
      expect(fields).not.toHaveProperty(name)
  })

  it('refuses an object beyond the limits of a row, whose canonical bytes agree', async () => {
    const bytes = Buffer.from(encodeCanonical(row))
    bytes.writeBigUInt64BE(2n ** 53n, 20)
    const content = edited({ seq: 2 ** 53, canonical_bytes: bytes.toString('base64') })
    expect(await read(content)).toMatchObject({ problem: 'canonical_bytes: seq: expected 1 to 2^53-1' })
  })

  it.each<[string, Uint8Array, string]>([
    ['plain JSON', Buffer.from(json), 'zstd: not a frame'],
    ['a second frame', Buffer.concat([object, object]), 'zstd: something follows the frame'],
    [
      'an empty second frame',
      Buffer.concat([object, Buffer.from('28b52ffd2000010000', 'hex')]),
      'zstd: something follows the frame',
    ],
    ['a skippable frame', Buffer.concat([object, SKIPPABLE]), 'zstd: something follows the frame'],
    ['a skippable frame before it', Buffer.concat([SKIPPABLE, object]), 'zstd: not a frame'],
    ['a bomb', bomb(900_000), 'zstd: may decompress to more than 1 MiB'],
    ['more than 1 MiB', Buffer.alloc(MAX_OBJECT_BYTES + 1), 'larger than 1 MiB'],
    ['no bytes', Buffer.alloc(0), 'no bytes: it is empty, or no regular file (a link, a FIFO, a device)'],
    ['a few bytes', Buffer.alloc(5), 'zstd: shorter than a frame header'],
    [
      'a block that is no block',
      frame({ blocks: [block('compressed', Buffer.from('not what zstd writes'), true)] }),
      'zstd: does not decompress',
    ],
  ])('refuses a frame of %s', async (_, bytes, problem) => {
    expect(await decodeObject(bytes, place)).toEqual({ problem })
  })

  it('accepts the same content in another frame', async () => {
    const raw = frame({ blocks: [block('raw', Buffer.from(json), true)] })
    expect(await decodeObject(raw, place)).toMatchObject({ entry: row })
  })

  it('refuses an object that is cut anywhere', async () => {
    for (let length = 0; length < object.length; length += 1) {
      expect(await decodeObject(object.subarray(0, length), place)).toHaveProperty('problem')
    }
  })

  it('refuses any flipped bit, unless the canonical bytes agree with the change', async () => {
    for (let bit = 0; bit < object.length * 8; bit += 1) {
      const bytes = Buffer.from(object)
      bytes[bit >> 3] = (bytes[bit >> 3] ?? 0) ^ (1 << (bit & 7))
      const decoded = await decodeObject(bytes, place)
      if ('problem' in decoded) continue
      // A changed bit of a stored hash is left to the fold. A changed bit of the frame may have no effect.
      const { prevHash, entryHash, ...hashed } = decoded.entry
      expect({ ...row, ...hashed }).toEqual(row)
      expect(decoded.canonical).toEqual(Buffer.from(encodeCanonical(row)))
      expect([prevHash.length, entryHash.length]).toEqual([64, 64])
    }
  })

  it('never throws', async () => {
    const values = fc.dictionary(
      fc.constantFrom(...Object.keys(JSON.parse(json)), '__proto__', 'x'),
      fc.jsonValue(),
    )
    const contents = fc.oneof(fc.json(), values.map(edited), fc.string({ unit: 'binary' }), fc.uint8Array())
    await fc.assert(
      fc.asyncProperty(contents, async (content) => {
        const decoded = await read(content)
        if ('problem' in decoded) expect(decoded.problem.length).toBeLessThan(100)
        else expect(decoded.entry).toEqual(row)
      }),
      { numRuns: 1000 },
    )
  })
})

describe('sameContent', () => {
  it('finds the same bytes equal in any frame', async () => {
    const raw = frame({ blocks: [block('raw', Buffer.from(json), true)] })
    expect(await sameContent(object, Buffer.from(object))).toBe(true)
    expect(await sameContent(object, raw)).toBe(true)
  })

  it('finds another row, and bytes that do not decompress, different', async () => {
    const [other] = chainOf(1)
    if (other === undefined) throw new Error('no row')
    expect(await sameContent(object, await encodeObject(other))).toBe(false)
    expect(await sameContent(object, Buffer.concat([object, SKIPPABLE]))).toBe(false)
    expect(await sameContent(object.subarray(1), object)).toBe(false)
    expect(await sameContent(bomb(10_000), object)).toBe(false)
    expect(await sameContent(object, bomb(10_000))).toBe(false)
  })
})

it('gives the features the whole format in one port', async () => {
  expect(mirrorCodec.prefix()).toBe('audit/')
  expect(mirrorCodec.prefix(DOMAIN)).toBe(`audit/${DOMAIN}/`)
  expect(mirrorCodec.parseKey(mirrorCodec.key(DOMAIN, 42))).toEqual(place)
  expect(await mirrorCodec.decode(await mirrorCodec.encode(row), place)).toMatchObject({ entry: row })
  expect(await mirrorCodec.same(object, object)).toBe(true)
})
