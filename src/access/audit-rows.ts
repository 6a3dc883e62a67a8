import { isChainDamaged } from '../append/damaged-chain.js'
import { type SelfAuditAction, selfAuditItem } from '../append/self-audit-item.js'
import { AuditError } from '../base/errors.js'
import { PLATFORM_ANCHOR } from '../chain/uuid.js'
import type { AppendItem } from '../ports/append.js'
import type { Pepper } from '../ports/pepper.js'

/** Who tells of what they did, and with which peppers. */
export interface AuditContext {
  readonly actor: string
  readonly pepper: Pepper
}

/** What was done, for the chain of that pepper: whom it names, it names by pseudonym. */
export type AuditActions = (pepper: Uint8Array) => readonly SelfAuditAction[]

/** One row for each action on each of the chains, to be written in the transaction of the action itself. */
export async function auditItem(
  { actor, pepper }: AuditContext,
  domainIds: readonly string[],
  actions: AuditActions,
): Promise<AppendItem> {
  const items: AppendItem[] = []
  // As rows about what they were denied name them, and as rows that they are the object of do.
  const subjectId = actor.replace(/^(?:user|service):(?=.)/, '')
  for (const domainId of domainIds) {
    const secret = await pepper.pepperOf(domainId)
    items.push(selfAuditItem({ domainId, actor: subjectId, pepper: secret }, actions(secret)))
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
  auditContext: AuditContext,
  domainIds: readonly string[],
  actions: AuditActions,
  end: (selfAudit: AppendItem) => Promise<T>,
): Promise<T> {
  try {
    return await end(await auditItem(auditContext, domainIds, actions))
  } catch (error) {
    const isElsewhere = domainIds.some((domainId) => domainId !== PLATFORM_ANCHOR)
    if (!(error instanceof AuditError) || !isChainDamaged(error.code) || !isElsewhere) throw error
    const onPlatform = await auditItem(auditContext, [PLATFORM_ANCHOR], actions)
    return end(onPlatform).catch(() => {
      throw error
    })
  }
}
