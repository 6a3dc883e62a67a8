import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { checkEntry, parseInputLine } from '../../src/append/input/input-line.js'
import { AuditError } from '../../src/base/errors.js'
import { LIMITS } from '../../src/chain/limits.js'
import { REASONS } from '../../src/chain/reason.js'
import { textArbitrary } from '../support/entry-arbitrary.js'
import { entryBySchema, lineBySchema, snakeCase } from '../support/entry-schema.js'

/** Returns texts. Most keep the limits, some are just at or above a limit, and some hold what no text may hold. */
function text(max: number): fc.Arbitrary<string> {
  return fc.oneof(
    { weight: 100, arbitrary: textArbitrary(1, max) },
    { weight: 1, arbitrary: fc.constantFrom('', '\0', '\ud800', 'a'.repeat(max), 'ü'.repeat(max / 2)) },
    { weight: 1, arbitrary: fc.constantFrom('a'.repeat(max + 1), `a${'ü'.repeat(max / 2)}`) },
  )
}

/** Values that mostly keep the rules of a field, and sometimes are any other value. */
function mostly<T>(good: fc.Arbitrary<T>, other: fc.Arbitrary<unknown>): fc.Arbitrary<unknown> {
  return fc.oneof({ weight: 100, arbitrary: good }, { weight: 1, arbitrary: other })
}

const upper = (texts: fc.Arbitrary<string>) => texts.chain((one) => fc.constantFrom(one, one.toUpperCase()))
const address = fc.oneof(fc.ipV4(), fc.ipV6())
const domainId = upper(fc.uuid())
const caveat = fc.stringMatching(/^[A-Za-z_][A-Za-z0-9_]{0,3}(\.[a-z]{1,3})?$/)
const rarely = (value: fc.Arbitrary<unknown>) =>
  fc.oneof({ weight: 9, arbitrary: fc.constant(undefined) }, value)

/**
 * Returns entries as a caller may give them. A field that is undefined stands for one that is left out. `identityId` has
 * the values of the field that a line cannot hold.
 */
function entries(
  other: fc.Arbitrary<unknown>,
  identityId: fc.Arbitrary<unknown>,
): fc.Arbitrary<Record<string, unknown>> {
  const field = (good: fc.Arbitrary<unknown>) => mostly(good, other)
  const some = (good: fc.Arbitrary<unknown>) => field(fc.option(good, { nil: undefined }))
  const subject = fc.record({
    identityId,
    plaintext: some(text(LIMITS.plaintextBytes)),
    emailClaim: some(text(LIMITS.emailBytes)),
    sourceIp: some(address),
    idpClaimNames: some(
      fc.oneof(
        { weight: 9, arbitrary: fc.array(field(text(LIMITS.claimNameBytes)), { maxLength: 3 }) },
        fc.constantFrom(Array(LIMITS.claimNames).fill('n'), Array(LIMITS.claimNames + 1).fill('n')),
      ),
    ),
  })
  const context = fc.record({
    ip: some(address),
    userAgent: some(text(LIMITS.userAgentBytes)),
    metadata: some(fc.dictionary(fc.string(), fc.jsonValue())),
  })
  return fc.record({
    subjectId: field(text(LIMITS.subjectIdBytes)),
    relation: field(text(LIMITS.relationBytes)),
    object: field(
      fc
        .tuple(fc.constantFrom(...Array(12).fill('doc:'), 'a/b:', 'X:', ''), text(512))
        .map((all) => all.join('')),
    ),
    reason: some(fc.constantFrom(...REASONS)),
    relationPath: some(fc.array(field(text(512)), { maxLength: 3 })),
    caveatContext: some(fc.array(field(caveat), { maxLength: 4 })),
    correlationId: some(text(LIMITS.correlationIdBytes)),
    zedtoken: some(text(LIMITS.zedtokenBytes)),
    domainIds: some(
      fc.oneof(
        { weight: 9, arbitrary: fc.array(field(domainId), { minLength: 1, maxLength: 3 }) },
        fc.array(fc.uuid(), { minLength: LIMITS.domainIds, maxLength: LIMITS.domainIds + 1 }),
        fc.constant([]),
      ),
    ),
    platform: rarely(fc.constantFrom(true, true, false)),
    subject: some(subject),
    context: some(context),
    idempotencyKey: some(upper(fc.uuid({ version: 4 }))),
  })
}

/** Returns the value that a reader returns, or the code and the message of its refusal. */
function outcome(read: () => unknown): unknown {
  try {
    return { value: read() }
  } catch (error) {
    if (!(error instanceof AuditError)) throw error
    return { code: error.code, message: error.message }
  }
}

/** Any value of a caller in code. */
const anything = fc.anything({ withDate: true, withMap: true, withBigInt: true, withNullPrototype: true })

const unknownKey = fc.dictionary(
  fc.oneof(fc.constantFrom('zz', 'domainId', 'identity_id'), fc.string()),
  fc.jsonValue(),
  {
    maxKeys: 1,
  },
)

/** Returns the fields under their names on a line, with the fields inside subject and context. */
function named(fields: Record<string, unknown>): Record<string, unknown> {
  return Object.fromEntries(
    Object.entries(fields).map(([name, value]) => [
      snakeCase(name),
      name === 'subject' || name === 'context' ? inside(value) : value,
    ]),
  )
}

function inside(value: unknown): unknown {
  const isFields = typeof value === 'object' && value !== null && !Array.isArray(value)
  return isFields ? named(value as Record<string, unknown>) : value
}

const lines = fc
  .tuple(
    entries(fc.jsonValue(), fc.constant(undefined)),
    rarely(mostly(domainId, fc.jsonValue())),
    rarely(unknownKey),
    rarely(unknownKey),
  )
  .map(([entry, domain_id, other, inSubject]) => {
    const { subject, ...fields } = named(entry)
    const isObject = typeof subject === 'object' && subject !== null && !Array.isArray(subject)
    const withOther = isObject && inSubject !== undefined ? { ...subject, ...inSubject } : subject
    return Buffer.from(JSON.stringify({ ...fields, domain_id, subject: withOther, ...(other as object) }))
  })

describe('the rules of an entry', () => {
  it('accept and refuse what a zod schema does, for lines', () => {
    let accepted = 0
    fc.assert(
      fc.property(lines, (line) => {
        const expected = outcome(() => lineBySchema(line))
        expect(outcome(() => parseInputLine(line))).toStrictEqual(expected)
        accepted += Number(typeof expected === 'object' && 'value' in (expected as object))
      }),
      { numRuns: 1000 },
    )
    expect(accepted).toBeGreaterThan(100)
    expect(accepted).toBeLessThan(900)
  })

  it('accept and refuse what a zod schema does, for any JSON', () => {
    fc.assert(
      fc.property(fc.jsonValue(), (value) => {
        const line = Buffer.from(JSON.stringify(value))
        expect(outcome(() => parseInputLine(line))).toStrictEqual(outcome(() => lineBySchema(line)))
      }),
      { numRuns: 500 },
    )
  })

  it('accept and refuse what a zod schema does, for entries of a caller in code', () => {
    let accepted = 0
    const given = fc.oneof(
      {
        weight: 30,
        arbitrary: entries(anything, rarely(fc.oneof(upper(fc.uuid()), upper(fc.uuid()), anything))),
      },
      anything,
    )
    fc.assert(
      fc.property(given, (entry) => {
        const expected = outcome(() => entryBySchema(entry))
        expect(outcome(() => checkEntry(entry as never))).toStrictEqual(expected)
        accepted += Number(typeof expected === 'object' && 'value' in (expected as object))
      }),
      { numRuns: 1000 },
    )
    expect(accepted).toBeGreaterThan(100)
    expect(accepted).toBeLessThan(900)
  })
})
