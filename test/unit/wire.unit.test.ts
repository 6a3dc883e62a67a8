import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { parseTimestamp } from '../../src/chain/timestamp.js'
import { auditEntry } from '../../src/json/entry.js'
import type { ReadEntry } from '../../src/ports/query.js'
import { parseFilter, parseLimit } from '../../src/query/list-query.js'

const DOMAIN = '018f0000-0000-7000-8000-000000000001'

const WHOLE: ReadEntry = {
  domainId: DOMAIN,
  seq: 7,
  generation: 1,
  subjectPseudonym: 'ab'.repeat(32),
  relation: 'secret.read',
  object: 'secret:a:b',
  reason: 4,
  relationPath: ['x'],
  caveatContext: ['a.b', 'a.c', 'd'],
  correlationId: 'c-1',
  zedtoken: 'z',
  recordedAt: parseTimestamp('2026-01-01T00:00:00.000001Z'),
  prevHash: '11'.repeat(32),
  entryHash: '22'.repeat(32),
}

describe('AuditEntry', () => {
  it('has every required field, and no optional field without a value', () => {
    expect(auditEntry(WHOLE)).toEqual({
      seq: 7,
      domain_id: DOMAIN,
      occurred_at: '2026-01-01T00:00:00.000001Z',
      reason: 'caveat_violation',
      subject: { pseudonym: 'ab'.repeat(32) },
      relation: 'secret.read',
      object: { type: 'secret', id: 'a:b' },
      decision: { result: 'caveat_violation', caveat_context: { a: ['b', 'c'], d: [] } },
      correlation_id: 'c-1',
      request_context: {},
      entry_hash: '22'.repeat(32),
      prev_hash: '11'.repeat(32),
    })
  })

  it('has the optional fields that have a value', () => {
    const entry = auditEntry({
      ...WHOLE,
      identityId: '5f0c1e2a-3b4d-4c5e-8f60-718293a4b5c6',
      ip: '192.0.2.1',
      userAgent: '',
      archivedAt: parseTimestamp('2026-01-02T00:00:00.5Z'),
      archiveEtag: '"x"',
    })
    expect(entry).toMatchObject({
      subject: { identity_id_ref: '5f0c1e2a-3b4d-4c5e-8f60-718293a4b5c6' },
      request_context: { ip: '192.0.2.1', user_agent: '' },
      archived_at: '2026-01-02T00:00:00.500000Z',
      archive_etag: '"x"',
    })
  })

  it.each<[string, string[], Record<string, string[]>]>([
    ['none', [], {}],
    ['a caveat without parameters', ['a'], { a: [] }],
    ['a caveat with and without', ['a', 'a.b'], { a: ['b'] }],
    ['names of Object.prototype', ['constructor.x', 'toString'], { constructor: ['x'], toString: [] }],
    ['a value that was forced in', ['a.b=secret', 'a b', 'a.b.c', 'é', ''], {}],
  ])('caveat_context: %s', (_name, caveatContext, expected) => {
    expect(auditEntry({ ...WHOLE, caveatContext }).decision.caveat_context).toEqual(expected)
  })

  it('writes a caveat named __proto__ as an ordinary key', () => {
    const { caveat_context } = auditEntry({ ...WHOLE, caveatContext: ['__proto__.x'] }).decision
    expect(JSON.stringify(caveat_context)).toBe('{"__proto__":["x"]}')
  })

  it('never throws and never writes null or undefined, for any stored row', () => {
    const maybe = <T>(value: fc.Arbitrary<T>) => fc.option(value, { nil: undefined })
    const time = fc.oneof(fc.bigInt(), fc.constantFrom('infinity' as const, '-infinity' as const))
    const text = fc.string({ unit: 'binary' })
    const row = fc.record({
      domainId: fc.constant(DOMAIN),
      seq: fc.integer({ min: 1 }),
      subjectPseudonym: maybe(text),
      relation: maybe(text),
      object: maybe(text),
      reason: maybe(fc.integer({ min: -32768, max: 32767 })),
      caveatContext: maybe(fc.array(fc.oneof(text, fc.stringMatching(/^[a-c_]{1,9}(\.[a-c_]{1,9})?$/)))),
      correlationId: maybe(text),
      recordedAt: maybe(time),
      archivedAt: maybe(time),
      entryHash: maybe(text),
      prevHash: maybe(text),
    })
    fc.assert(
      fc.property(row, (entry) => {
        const wire = auditEntry(entry)
        expect(Object.values(wire)).not.toContain(undefined)
        expect(Object.values(wire)).not.toContain(null)
        expect(wire.occurred_at).toMatch(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z$/)
        expect(wire.reason).toBe(wire.decision.result)
      }),
    )
  })
})

describe('parameters', () => {
  it.each([
    [undefined, 50],
    ['1', 1],
    ['200', 200],
  ])('parse limit %s as %i', (text, expected) => expect(parseLimit(text)).toBe(expected))

  it.each<[string, string, bigint]>([
    ['from', '2026-01-01T00:00:00Z', 0n],
    ['from', '2026-01-01T00:00:00.000000000Z', 0n],
    ['from', '2026-01-01T00:00:00.000000001Z', 1n],
    ['from', '2026-01-01t01:00:00.000000001+01:00', 1n],
    ['from', '2026-01-01T00:00:00.000001z', 1n],
    ['to', '2026-01-01T00:00:00.000000999Z', 0n],
    ['to', '2026-01-01T00:00:00.0000019Z', 1n],
  ])('parse %s %s as %i microseconds later', (field, text, expected) => {
    const start = parseTimestamp('2026-01-01T00:00:00Z')
    const filter = parseFilter({ [field]: text })
    expect(field === 'from' ? filter.from : filter.to).toBe(start + expected)
  })

  it('never repeat a subject in an error', () => {
    expect(() => parseFilter({ subject: 'alice@example.com' })).toThrow(
      expect.objectContaining({ message: expect.not.stringContaining('alice') }),
    )
  })
})
