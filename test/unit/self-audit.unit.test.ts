import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import {
  chainObject,
  chainOfObject,
  DOMAIN_OBJECT_PATTERN,
  domainOfObject,
  PLATFORM_OBJECT,
  SELF_AUDIT,
} from '../../src/chain/self-audit.js'
import { NIL_UUID, PLATFORM_ANCHOR } from '../../src/chain/uuid.js'
import { readSource, sourceFiles } from '../support/imports.js'

const DOMAIN = '0190a8b8-a0c0-7a0a-8a0a-a0a0a0a0a0a1'

const domainId = fc.uuid().filter((id) => id !== NIL_UUID && id !== PLATFORM_ANCHOR)

describe('SELF_AUDIT', () => {
  it('holds distinct relations that SQL can quote', () => {
    const relations = Object.values(SELF_AUDIT)
    expect(new Set(relations).size).toBe(relations.length)
    for (const relation of relations) expect(relation).toMatch(/^audit\.[a-z-]+$/)
  })
})

describe('src/chain/self-audit.ts', () => {
  it('is the only source that writes these texts out', () => {
    const texts = [...Object.values(SELF_AUDIT), PLATFORM_OBJECT].map((text) => `'${text}'`)
    const others = sourceFiles('src', 'commands').filter((file) => file !== 'src/chain/self-audit.ts')
    expect(others.length).toBeGreaterThan(100)
    expect(others.filter((file) => texts.some((text) => readSource(file).includes(text)))).toEqual([])
  })
})

describe('chainObject and chainOfObject', () => {
  it('round-trip for every Domain and the platform chain', () => {
    fc.assert(
      fc.property(fc.oneof(domainId, fc.constant(PLATFORM_ANCHOR)), (id) => {
        expect(chainOfObject(chainObject(id))).toBe(id)
      }),
    )
  })

  it('name the platform chain by an object of its own', () => {
    expect(chainObject(PLATFORM_ANCHOR)).toBe('platform:platform')
    expect(chainOfObject('platform:platform')).toBe(PLATFORM_ANCHOR)
  })

  it('round-trip from every text that names a chain', () => {
    const text = fc.oneof(
      fc.string(),
      fc.string().map((id) => `domain:${id}`),
      fc.uuid().map((id) => `domain:${id}`),
    )
    fc.assert(
      fc.property(text, (object) => {
        const id = chainOfObject(object)
        expect(id === undefined || chainObject(id) === object).toBe(true)
      }),
    )
  })

  it.each([
    '',
    'domain:',
    'domain:1',
    'platform:',
    'platform:other',
    `group:${DOMAIN}`,
    `domain:${DOMAIN.toUpperCase()}`,
    `domain:${DOMAIN} `,
    `domain:${DOMAIN}\n`,
    ` domain:${DOMAIN}`,
    `domain:${NIL_UUID}`,
    `domain:${PLATFORM_ANCHOR}`,
  ])('return undefined for %j', (object) => {
    expect(chainOfObject(object)).toBeUndefined()
  })
})

describe('domainOfObject', () => {
  it('returns the id of a Domain and undefined for the platform chain', () => {
    expect(domainOfObject(`domain:${DOMAIN}`)).toBe(DOMAIN)
    expect(domainOfObject('platform:platform')).toBeUndefined()
  })
})

describe('DOMAIN_OBJECT_PATTERN', () => {
  it('matches the object of every Domain', () => {
    const pattern = new RegExp(DOMAIN_OBJECT_PATTERN)
    fc.assert(fc.property(domainId, (id) => pattern.test(chainObject(id))))
    expect(pattern.test('platform:platform')).toBe(false)
    expect(pattern.test(`domain:${DOMAIN.toUpperCase()}`)).toBe(false)
  })
})
