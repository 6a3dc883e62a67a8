import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { AuditError } from '../../src/base/errors.js'
import { parseNames } from '../../src/cli/flags/names-file.js'
import type { DomainRecord } from '../../src/ports/domains.js'
import { chooseDomain, type NamedDomain, registeredName, withIdsOf } from '../../src/query/choose-domain.js'

const A = '0190a8b8-a0c0-7a0a-8a0a-a0a0a0a0a0a0'
const B = '0190a8b8-b0c0-7a0a-8a0a-a0a0a0a0a0a0'
const C = 'deadbeef-b0c0-7a0a-8a0a-a0a0a0a0a0a0'
const D = 'abcdef01-b0c0-7a0a-8a0a-a0a0a0a0a0a0'

const forged = new AuditError('chain_conflict', 'the names differ')
const DOMAINS: readonly NamedDomain[] = [
  { domainId: A, names: ['acme'] },
  { domainId: B, names: ['two'] },
  // Its name begins the id of another Domain.
  { domainId: C, names: ['abcdef01', 'two'] },
  { domainId: D, names: ['new', 'old'], doubt: forged },
]

const codeOf = (use: () => unknown) => {
  try {
    return use()
  } catch (error) {
    return error instanceof AuditError ? error.code : error
  }
}

describe('chooseDomain', () => {
  it.each([
    { text: 'acme', is: A },
    { text: '0190a8b8-a', is: A },
    { text: '0190a8b8a0c07', is: A },
    { text: '0190A8B8-B0C0', is: B },
    { text: 'deadbeef', is: C },
    { text: 'abcdef01', is: C },
    { text: 'abcdef01-', is: D },
    { text: A.replaceAll('-', ''), is: A },
    { text: '0190a8b8', is: 'invalid_domain_id' },
    { text: 'deadbee', is: 'invalid_domain_id' },
    { text: 'two', is: 'invalid_domain_id' },
    { text: 'nope', is: 'invalid_domain_id' },
    { text: 'Acme', is: 'invalid_domain_id' },
    { text: 'dead-beefb0', is: 'invalid_domain_id' },
    { text: '\u001b[31macme', is: 'invalid_domain_id' },
    { text: 'new', is: 'chain_conflict' },
    { text: 'old', is: 'chain_conflict' },
  ])('chooses $is for $text', ({ text, is }) => {
    const chosen = codeOf(() => chooseDomain(text, DOMAINS).domainId)
    expect(chosen).toBe(is)
  })

  it.each([
    ['two', `2 Domains have this name: ${B}, ${C}`],
    ['0190a8b8', `2 ids begin with these digits: ${A} (acme), ${B} (two)`],
  ])('lists the candidates of %s', (text, message) => {
    expect(() => chooseDomain(text, DOMAINS)).toThrow(message)
  })

  it('names what was looked at, and what to give, where there is no Domain', () => {
    const looked = { where: 'the mirror', advice: 'give_id_or_names' } as const
    expect(() => chooseDomain('nope', [], looked)).toThrow(
      expect.objectContaining({
        message: expect.stringMatching(/no Domain matches in the mirror$/),
        advice: { code: 'give_id_or_names' },
      }),
    )
  })

  it('finds every Domain by every beginning of its id that no other id has', () => {
    fc.assert(
      fc.property(fc.uuid(), fc.integer({ min: 8, max: 36 }), fc.boolean(), (domainId, length, bare) => {
        const text = (bare ? domainId.replaceAll('-', '') : domainId).slice(0, length)
        expect(chooseDomain(text, [{ domainId, names: ['x'] }]).domainId).toBe(domainId)
      }),
    )
  })

  it('throws no other error than its own for any text', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary' }), (text) => {
        expect(['invalid_domain_id', 'chain_conflict', A, B, C, D]).toContain(
          codeOf(() => chooseDomain(text, DOMAINS).domainId),
        )
      }),
    )
  })
})

describe('withIdsOf', () => {
  it('adds the ids that no record names, each once and without a name', () => {
    const E = 'eeeeeeee-b0c0-7a0a-8a0a-a0a0a0a0a0a0'
    const all = withIdsOf(DOMAINS, [A, E, E])
    expect(all.slice(DOMAINS.length)).toEqual([{ domainId: E, names: [] }])
    expect(chooseDomain('eeeeeeee', all).domainId).toBe(E)
  })
})

describe('registeredName', () => {
  const record = (name: string, claims: Partial<DomainRecord['claims']>): DomainRecord => ({
    domainId: A,
    name,
    createdAt: undefined,
    claims: { registry: [{ name }], ...claims },
  })
  it.each([
    { name: 'acme', claims: { genesis: { name: 'acme' }, creation: { name: 'acme' } }, names: ['acme'] },
    {
      name: 'acme',
      claims: { genesis: { name: 'x' }, creation: { name: 'x' }, renamed: 'acme' },
      names: ['acme'],
    },
    { name: '', claims: {}, names: [] },
  ])('takes the name that a row confirms: $names', ({ name, claims, names }) => {
    expect(registeredName(record(name, claims))).toEqual({ domainId: A, names, doubt: undefined })
  })

  it.each([
    {
      name: 'forged',
      claims: { genesis: { name: 'acme' }, creation: { name: 'acme' } },
      names: ['forged', 'acme'],
    },
    { name: 'acme', claims: { genesis: { name: 'a' }, creation: { name: 'b' } }, names: ['acme', 'b'] },
    { name: 'acme', claims: {}, names: ['acme'] },
  ])('doubts a name that no row confirms: $names', ({ name, claims, names }) => {
    const named = registeredName(record(name, claims))
    expect(named.names).toEqual(names)
    expect(named.doubt?.code).toBe('chain_conflict')
  })
})

describe('parseNames', () => {
  it('reads lines of domain list --json, and lines of an id and a name', () => {
    const text = `\ufeff{"domain_id":"${A}","name":"acme","rows":5}\r\n\n${B.toUpperCase()}  two words \n{"domain_id":"${C}"}`
    expect(parseNames(text)).toEqual([
      { domainId: A, names: ['acme'] },
      { domainId: B, names: ['two words'] },
      { domainId: C, names: [] },
    ])
  })

  it.each(['acme', `acme ${A}`, A, '{', '{}', '{"domain_id":5}', `{"domain_id":"${A}","name":5}`, 'x y'])(
    'refuses %j and names the line',
    (line) => {
      expect(() => parseNames(`${A} acme\n${line}`)).toThrow('line 2: expected a line of audit domain list')
    },
  )

  it.each([
    ['with another name', `${B} beta`, `${B.toUpperCase()} other`],
    ['with the same name', `${B} beta`, `{"domain_id":"${B}","name":"beta"}`],
  ])('refuses an id on two lines %s, and names both lines', (_title, one, other) => {
    expect(() => parseNames(`${A} acme\n${one}\n\n${other}`)).toThrow(
      'lines 2 and 4: expected one line a Domain',
    )
  })

  it('throws no other error than its own for any text', () => {
    const line = fc.oneof(
      fc.string({ unit: 'binary' }),
      fc.json(),
      fc.constantFrom(`${A} x`, `{"domain_id":"${A}"`),
    )
    fc.assert(
      fc.property(fc.array(line), (lines) => {
        const parsed = codeOf(() => parseNames(lines.join('\n')))
        expect(Array.isArray(parsed) || parsed === 'invalid_input').toBe(true)
      }),
    )
  })
})
