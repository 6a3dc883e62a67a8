import { timingSafeEqual } from 'node:crypto'
import { AuditError } from '../base/errors.js'
import { assertFirstPepper, genesisPseudonym } from '../base/genesis-pepper.js'
import { PLATFORM_ANCHOR } from '../chain/uuid.js'
import type { Pepper, PepperVault } from '../ports/pepper.js'
import type { EntryReader } from '../ports/query.js'

export interface ProvisionDeps {
  readonly vault: PepperVault
  readonly reader: EntryReader
  /** 32 random bytes. */
  readonly random: () => Uint8Array
  /** The source of the peppers that the chains were begun with. Without it only new chains can get a pepper. */
  readonly from?: Pepper | undefined
}

/**
 * Ensures that the vault has the pepper of one chain: the pepper of `from`, or random bytes for a chain without rows. An
 * existing pepper is never overwritten. Returns whether this call stored one. Rejects with `pepper_mismatch` where the
 * chain has rows and was begun with another pepper than the stored or the given one; with `pepper_unavailable` where the
 * chain has rows and no pepper is found. Reads a stored pepper back: rejects with `write_undone` where another one is there,
 * and with `outcome_unknown` where none can be read.
 */
export async function provisionPepper(domainId: string, deps: ProvisionDeps): Promise<boolean> {
  const { vault, from, random } = deps
  const genesis = await storedGenesis(domainId, deps.reader)
  const candidate = from === undefined ? random() : await from.pepperOf(domainId)
  // A chain that has rows must not get a random pepper: check the stored one, or report that it is missing.
  const mayCreate = from !== undefined || genesis === undefined
  if (mayCreate) {
    assertBegunWith(candidate, genesis, domainId)
    if (await vault.create(domainId, candidate)) {
      await assertKept(domainId, vault, candidate)
      return true
    }
  }
  assertBegunWith(await vault.pepperOf(domainId), genesis, domainId)
  return false
}

/** A row that is hashed with a pepper that the vault did not keep could never be matched with its subject again. */
async function assertKept(domainId: string, vault: PepperVault, pepper: Uint8Array): Promise<void> {
  const what = `the vault acknowledged the pepper of ${domainId}`
  const advice = { code: 'provision_pepper', domainId } as const
  const kept = await vault.pepperOf(domainId).catch((cause: unknown) => {
    throw new AuditError('outcome_unknown', `${what}, and reading back failed: stored or not is unknown`, {
      cause,
      advice,
    })
  })
  if (kept.length === pepper.length && timingSafeEqual(kept, pepper)) return
  throw new AuditError('write_undone', `${what}, and then another pepper was there`, { advice })
}

/** Returns the pseudonym of the chain's first row; undefined where there is no chain yet. */
async function storedGenesis(domainId: string, reader: EntryReader): Promise<string | undefined> {
  const [genesis] = await reader.rowsAt(domainId, 1)
  if (genesis !== undefined) return genesis.subjectPseudonym ?? ''
  const [row] = await reader.page(domainId, {}, { after: 0, limit: 1 })
  // The platform chain is known before it has rows.
  if (row === undefined && (domainId === PLATFORM_ANCHOR || !(await reader.knows(domainId)))) return undefined
  throw new AuditError('chain_conflict', `the genesis row of chain ${domainId} is missing`, {
    advice: { code: 'verify_all' },
  })
}

function assertBegunWith(pepper: Uint8Array, genesis: string | undefined, domainId: string): void {
  if (genesis === undefined) return
  assertFirstPepper(domainId, genesis, genesisPseudonym(pepper), 'put_back_first_pepper')
}
