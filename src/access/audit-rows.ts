import { mayBeDamagedChain } from '../append/damaged-chain.js'
import { type SelfAuditAction, selfAuditItem } from '../append/self-audit-item.js'
import { AuditError } from '../base/errors.js'
import { PLATFORM_ANCHOR } from '../chain/uuid.js'
import type { AppendItem } from '../ports/append.js'
import type { Pepper } from '../ports/pepper.js'

/** The actor of self-audit rows, and the peppers for the pseudonyms in them. */
export interface AuditContext {
  readonly actor: string
  readonly pepper: Pepper
}

/** Returns the actions to record on the chain of the pepper. They name people by pseudonym. */
export type AuditActions = (pepper: Uint8Array) => readonly SelfAuditAction[]

/** Returns an item with one row for each action on each chain, to be appended in the transaction of the action itself. */
export async function auditItem(
  { actor, pepper }: AuditContext,
  domainIds: readonly string[],
  actions: AuditActions,
): Promise<AppendItem> {
  const items: AppendItem[] = []
  // Name the actor without the type, as rows of denied requests do, so that one pseudonym covers all rows.
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
 * Calls `change`, which ends access, with the rows for the given chains. If one of the chains is too damaged to append to,
 * the platform chain records the actions instead: someone who tampers with a chain must not keep their key because of that.
 * If the platform chain cannot take the rows either, rejects with the first error, which names the damaged chain.
 */
export async function endAccess<T>(
  auditContext: AuditContext,
  domainIds: readonly string[],
  actions: AuditActions,
  change: (selfAudit: AppendItem) => Promise<T>,
): Promise<T> {
  try {
    return await change(await auditItem(auditContext, domainIds, actions))
  } catch (error) {
    const hasOtherChain = domainIds.some((domainId) => domainId !== PLATFORM_ANCHOR)
    if (!(error instanceof AuditError) || !mayBeDamagedChain(error.code) || !hasOtherChain) throw error
    const onPlatform = await auditItem(auditContext, [PLATFORM_ANCHOR], actions)
    return change(onPlatform).catch(() => {
      throw error
    })
  }
}
