import { describe, expect, it } from 'vitest'
import { assertFirstPepper, genesisPseudonym } from '../../src/base/genesis-pepper.js'
import { pseudonym } from '../../src/chain/hash.js'
import { GENESIS_SUBJECT } from '../../src/chain/self-audit.js'

const DOMAIN = '0190a8b8-a0c0-7a0a-8a0a-a0a0a0a0a0a1'
const PEPPER = new Uint8Array(32).fill(7)

const assertPepper = (stored: string | undefined, ofPepper: string | undefined) =>
  assertFirstPepper(DOMAIN, stored, ofPepper, 'give_first_pepper')

describe('genesisPseudonym', () => {
  it('returns the pseudonym of the genesis subject', () => {
    expect(genesisPseudonym(PEPPER)).toBe(pseudonym(PEPPER, GENESIS_SUBJECT))
  })
})

describe('assertFirstPepper', () => {
  it('accepts the pepper that the chain was begun with', () => {
    const stored = genesisPseudonym(PEPPER)
    expect(() => assertPepper(stored, genesisPseudonym(PEPPER.slice()))).not.toThrow()
  })

  it.each([
    ['another pepper', genesisPseudonym(PEPPER), genesisPseudonym(new Uint8Array(32))],
    ['a genesis row without a pseudonym', undefined, genesisPseudonym(PEPPER)],
    ['no pepper', genesisPseudonym(PEPPER), undefined],
    ['neither', undefined, undefined],
  ])('throws pepper_mismatch for %s', (_case, stored, ofPepper) => {
    expect(() => assertPepper(stored, ofPepper)).toThrow(
      expect.objectContaining({
        code: 'pepper_mismatch',
        message: `the pepper does not reproduce the genesis row of chain ${DOMAIN}`,
        advice: { code: 'give_first_pepper' },
      }),
    )
  })
})
