import { afterAll, beforeEach, describe, expect, it } from 'vitest'
import { signedProblems } from '../support/signed-problems.js'
import { SigningFixture } from '../support/signing-fixture.js'

let log: SigningFixture
const logs: SigningFixture[] = []
beforeEach(async () => {
  log = await SigningFixture.make()
  logs.push(log)
})
afterAll(() => Promise.all(logs.map((one) => one.drop())))

describe('many chains', () => {
  it('has at most 59 keys and 63 heads in a row', async () => {
    const domains = await log.domains(130, 1)
    const signer = log.signer()
    await signer.once()
    const counts = async (relation: string, word: string) =>
      (await log.signedRows(relation)).map(
        ({ items }) => items.filter((item) => item.startsWith(word)).length,
      )
    expect(await counts('audit.log-key', 'key:')).toEqual([59, 59, 13])
    expect(await counts('audit.checkpoint', 'head:')).toEqual([63, 63, 4])
    await Promise.all(domains.map((domainId) => log.append(domainId, 1)))
    await signer.once({}, false)
    expect(await counts('audit.checkpoint', 'head:')).toEqual([63, 63, 4, 63, 63, 5])
    expect(await signedProblems(log)).toEqual([])
  })
})

describe('two signers', () => {
  it('on one home write one history', async () => {
    const domains = [await log.domain(3), await log.domain(4), await log.domain(5)]
    const signers = [log.signer(), log.signer()]
    for (let pass = 0; pass < 5; pass += 1) {
      await Promise.all(domains.map((domainId) => log.append(domainId, 3)))
      await Promise.all(signers.map((signer) => signer.once({}, pass < 2)))
    }
    for (const signer of signers) await signer.once()
    for (const domainId of domains) expect((await log.indexed(domainId)).length).toBeGreaterThan(4)
    expect(await signedProblems(log)).toEqual([])
    expect(signers.flatMap(({ found }) => found)).toEqual([])
  })

  it('on two homes with one key write one history while nothing is damaged', async () => {
    const domainId = await log.domain(3)
    const signers = [log.signer(), log.signer({ home: 'other' })]
    for (let pass = 0; pass < 4; pass += 1) {
      await log.append(domainId, 3)
      await Promise.all(signers.map((signer) => signer.once({}, pass % 2 === 0)))
    }
    expect(await signedProblems(log)).toEqual([])
    expect(await signers[1]?.once()).toEqual([])
  })
})
