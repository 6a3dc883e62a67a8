import { isChainDamaged } from '../append/damaged-chain.js'
import { type Deed, selfAuditItem } from '../append/self-audit-item.js'
import { AuditError } from '../base/errors.js'
import { PLATFORM_ANCHOR } from '../chain/uuid.js'
import type { AppendItem } from '../ports/append.js'
import type { Pepper } from '../ports/pepper.js'

/** Who tells of what they did, and with which peppers. */
export interface Teller {
  readonly actor: string
  readonly pepper: Pepper
}

/** What was done, for the chain of that pepper: whom it names, it names by pseudonym. */
export type Told = (pepper: Uint8Array) => readonly Deed[]

/** One row for each deed on each of the chains, to be written in the transaction of the deed itself. */
export async function tell(
  { actor, pepper }: Teller,
  domainIds: readonly string[],
  deeds: Told,
): Promise<AppendItem> {
  const items: AppendItem[] = []
  // As rows about what they were denied name them, and as rows that they are the object of do.
  const subjectId = actor.replace(/^(?:user|service):(?=.)/, '')
  for (const domainId of domainIds) {
    const secret = await pepper.pepperOf(domainId)
    items.push(selfAuditItem({ domainId, actor: subjectId, pepper: secret }, deeds(secret)))
  }
  return {
    rows: items.flatMap(({ rows }) => rows),
    genesisPseudonyms: new Map(items.flatMap(({ genesisPseudonyms }) => [...genesisPseudonyms])),
    starts: new Map(items.flatMap(({ starts }) => [...(starts ?? [])])),
  }
}

/**
 * Does something that ends access and tells it on the chains concerned. Where one of them is too damaged to take a row, the
 * platform chain takes it: whoever tampered with a chain must not keep their key because of it.
 */
export async function endAccess<T>(
  teller: Teller,
  domainIds: readonly string[],
  deeds: Told,
  end: (selfAudit: AppendItem) => Promise<T>,
): Promise<T> {
  try {
    return await end(await tell(teller, domainIds, deeds))
  } catch (error) {
    const isElsewhere = domainIds.some((domainId) => domainId !== PLATFORM_ANCHOR)
    if (!(error instanceof AuditError) || !isChainDamaged(error.code) || !isElsewhere) throw error
    const onPlatform = await tell(teller, [PLATFORM_ANCHOR], deeds)
    return end(onPlatform).catch(() => {
      throw error
    })
  }
}
