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
  /** Where the peppers come from that chains were begun with; without it only new chains can get one. */
  readonly from?: Pepper | undefined
}

/**
 * Sees to it that the vault has the pepper of one chain: a random one for a chain that has no rows yet, or the one of
 * `from`. What is there is never written over. Resolves with whether this call put one there. Rejects with
 * `pepper_mismatch` where the chain has rows that another pepper was used for, the one that is there or the one that
 * would be; with `pepper_unavailable` where it has rows and there is none.
 */
export async function provisionPepper(domainId: string, deps: ProvisionDeps): Promise<boolean> {
  const { vault, from, random } = deps
  const genesis = await storedGenesis(domainId, deps.reader)
  const candidate = from === undefined ? random() : await from.pepperOf(domainId)
  // A chain that has rows takes no random pepper; what it has is looked at, or that there is none is told.
  const mayCreate = from !== undefined || genesis === undefined
  if (mayCreate) {
    assertBegunWith(candidate, genesis, domainId)
    if (await vault.create(domainId, candidate)) return true
  }
  assertBegunWith(await vault.pepperOf(domainId), genesis, domainId)
  return false
}

/** Returns the pseudonym of the chain's first row; undefined where there is no chain yet. */
async function storedGenesis(domainId: string, reader: EntryReader): Promise<string | undefined> {
  const [genesis] = await reader.rowsAt(domainId, 1)
  if (genesis !== undefined) return genesis.subjectPseudonym ?? ''
  const [row] = await reader.page(domainId, {}, { after: 0, limit: 1 })
  // The platform chain is known before it begins.
  if (row === undefined && (domainId === PLATFORM_ANCHOR || !(await reader.knows(domainId)))) return undefined
  throw new AuditError('chain_conflict', `the genesis row of chain ${domainId} is missing`, {
    advice: { code: 'verify_all' },
  })
}

function assertBegunWith(pepper: Uint8Array, genesis: string | undefined, domainId: string): void {
  if (genesis === undefined) return
  assertFirstPepper(domainId, genesis, genesisPseudonym(pepper), 'put_back_first_pepper')
}
