import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { PLATFORM_ANCHOR } from '../../src/chain/uuid.js'
import { SigningFixture } from '../support/signing-fixture.js'

let log: SigningFixture
beforeAll(async () => {
  log = await SigningFixture.make()
})
afterAll(() => log.drop())

describe('a signer', () => {
  it('enrols the chains of a new log and signs them in one pass, and finds nothing to do after that', async () => {
    const [one, other] = [await log.domain(5), await log.domain(1)]
    const signer = log.signer()
    const results = await signer.once()
    const sorted = [...results].sort((a, b) => (a.domainId < b.domainId ? -1 : 1))
    const expected = [
      { domainId: one, size: 5, rows: 5 },
      { domainId: other, size: 1, rows: 1 },
      // Three rows by the two creations, one with the keys, and one with the heads.
      { domainId: PLATFORM_ANCHOR, size: 5, rows: 5 },
    ]
    expect(sorted).toEqual(expected.sort((a, b) => (a.domainId < b.domainId ? -1 : 1)))
    expect(await signer.once()).toEqual([])
    expect(await signer.once({}, false)).toEqual([])
  })
})
