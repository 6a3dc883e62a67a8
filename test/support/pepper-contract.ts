import { randomUUID } from 'node:crypto'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { PLATFORM_ANCHOR } from '../../src/chain/uuid.js'
import type { Pepper, PepperVault } from '../../src/ports/pepper.js'

/** A source under test, with functions that change what it reads. */
export interface PepperFixture {
  readonly pepper: Pepper
  /** Texts that no error may show. */
  readonly secrets: readonly string[]
  /** Gives a Domain a new pepper. A source that derives peppers changes all of them. */
  renew(domainId: string): Promise<void>
  /** Ways to make a pepper unusable, by name. */
  readonly damages: Readonly<Record<string, (domainId: string) => Promise<void>>>
  close?(): Promise<void>
}

export const DOMAIN = '018f0000-0000-7000-8000-00000000000a'
export const OTHER = '018f0000-0000-7000-8000-00000000000b'

/** Tests that every source of peppers must pass (ports/pepper.ts). */
export function pepperContract(
  name: string,
  damages: readonly string[],
  open: () => Promise<PepperFixture>,
): void {
  describe(`${name}, as every source of peppers,`, () => {
    let fixture: PepperFixture

    beforeAll(async () => {
      fixture = await open()
      for (const domainId of [DOMAIN, OTHER, PLATFORM_ANCHOR]) await fixture.renew(domainId)
    })
    afterAll(async () => fixture.close?.())

    const hexOf = async (domainId: string) =>
      Buffer.from(await fixture.pepper.pepperOf(domainId)).toString('hex')

    it('returns 32 bytes, the same each time, for an id in upper and lower case', async () => {
      const first = await hexOf(DOMAIN)
      expect(first).toMatch(/^[0-9a-f]{64}$/)
      expect([await hexOf(DOMAIN), await hexOf(DOMAIN.toUpperCase())]).toEqual([first, first])
    })

    it('returns another pepper for each Domain and the platform', async () => {
      const all = await Promise.all([DOMAIN, OTHER, PLATFORM_ANCHOR].map(hexOf))
      expect(new Set(all).size).toBe(3)
    })

    it('returns the same pepper to concurrent callers', async () => {
      const all = await Promise.all(Array.from({ length: 20 }, (_, i) => hexOf(i % 2 === 0 ? DOMAIN : OTHER)))
      expect(new Set(all).size).toBe(2)
    })

    it('keeps no bytes that its caller could change', async () => {
      const before = await hexOf(DOMAIN)
      ;(await fixture.pepper.pepperOf(DOMAIN)).fill(0)
      expect(await hexOf(DOMAIN)).toBe(before)
    })

    it('reads its source on every call', async () => {
      const before = await hexOf(DOMAIN)
      await fixture.renew(DOMAIN)
      expect(await hexOf(DOMAIN)).not.toBe(before)
    })

    it.each(['', 'acme', '00000000-0000-0000-0000-000000000000', `${DOMAIN}/..`])(
      'refuses the Domain "%s"',
      async (domainId) => {
        await expect(fixture.pepper.pepperOf(domainId)).rejects.toMatchObject({ code: 'invalid_domain_id' })
      },
    )

    it.each(damages)('rejects with the reason and without a secret: %s', async (damage) => {
      await fixture.damages[damage]?.(DOMAIN)
      const error: unknown = await fixture.pepper.pepperOf(DOMAIN).catch((e: unknown) => e)
      expect(error).toMatchObject({ name: 'AuditError', code: 'pepper_unavailable' })
      const shown = JSON.stringify([error, String(error), (error as Error).stack])
      for (const secret of fixture.secrets) expect(shown).not.toContain(secret)
      await fixture.renew(DOMAIN)
      expect(await hexOf(DOMAIN)).toMatch(/^[0-9a-f]{64}$/)
    })
  })
}

/** A vault under test. */
export interface VaultFixture {
  readonly vault: PepperVault
  /** Deletes the newest version. `restore` undeletes it. */
  remove(domainId: string): Promise<void>
  restore(domainId: string): Promise<void>
  /** Destroys the newest version. The number of versions stays. */
  destroy(domainId: string): Promise<void>
  close?(): Promise<void>
}

/** Tests that every vault of peppers must pass. */
export function vaultContract(name: string, open: () => Promise<VaultFixture>): void {
  describe(`${name}, as every vault of peppers,`, () => {
    let fixture: VaultFixture
    beforeAll(async () => {
      fixture = await open()
    })
    afterAll(async () => fixture.close?.())

    const bytes = (fill: number) => new Uint8Array(32).fill(fill)

    it('creates a pepper once and never overwrites it', async () => {
      const domainId = randomUUID()
      await expect(fixture.vault.pepperOf(domainId)).rejects.toMatchObject({ code: 'pepper_unavailable' })
      expect(await fixture.vault.create(domainId, bytes(1))).toBe(true)
      expect(await fixture.vault.create(domainId, bytes(2))).toBe(false)
      expect(Buffer.from(await fixture.vault.pepperOf(domainId))).toEqual(Buffer.from(bytes(1)))
    })

    it('creates one pepper for concurrent calls', async () => {
      const domainId = randomUUID()
      const tries = Array.from({ length: 8 }, (_, i) => fixture.vault.create(domainId, bytes(i)))
      const won = (await Promise.all(tries)).map((isIt, i) => (isIt ? i : -1)).filter((i) => i >= 0)
      expect(won).toHaveLength(1)
      expect((await fixture.vault.pepperOf(domainId))[0]).toBe(won[0])
    })

    it('does not replace a deleted or destroyed pepper', async () => {
      const domainId = randomUUID()
      await fixture.vault.create(domainId, bytes(1))
      await fixture.remove(domainId)
      await expect(fixture.vault.create(domainId, bytes(2))).rejects.toMatchObject({
        code: 'pepper_unavailable',
        message: expect.stringContaining('is deleted'),
      })
      await fixture.restore(domainId)
      expect((await fixture.vault.pepperOf(domainId))[0]).toBe(1)
      await fixture.destroy(domainId)
      await expect(fixture.vault.create(domainId, bytes(2))).rejects.toMatchObject({
        message: expect.stringContaining('is destroyed'),
      })
    })
  })
}
