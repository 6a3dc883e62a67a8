import { personalDataProblem } from '../append/personal/personal-data.js'
import { type SelfAuditAction, type SelfAuditActor, selfAuditItem } from '../append/self-audit-item.js'
import { AuditError } from '../base/errors.js'
import { itemsOf } from '../base/paging.js'
import { checkedReason } from '../base/reason-text.js'
import { chainObject, SELF_AUDIT } from '../chain/self-audit.js'
import type { Placed } from '../ports/append.js'
import type { HoldFilter, HoldRecord, HoldStore, HoldTarget } from '../ports/hold.js'
import type { Pepper } from '../ports/pepper.js'
import { nameOf, type Person, subjectOf } from './person.js'

export interface HoldPorts {
  readonly store: HoldStore
  readonly pepper: Pepper
}

export interface PlaceHold {
  readonly domainId: string
  /** Absent: the whole chain. */
  readonly person?: Person | undefined
  readonly reason: string
  /** The subject_id of the caller. */
  readonly actor: string
}

/** A hold after a change, and the row that records the change. */
export interface ChangedHold {
  readonly hold: HoldRecord
  readonly auditRow: Placed
}

/**
 * Places a hold, which forbids erasing and purging what a chain holds about one person, or the whole chain, until the hold
 * is released. The reason is stored off the chain and never hashed. Rejects with `invalid_input`, `domain_not_found`, and
 * with the errors of an append.
 */
export async function placeHold(ports: HoldPorts, request: PlaceHold): Promise<ChangedHold> {
  const { domainId, person, actor } = request
  const reason = checkedReason(request.reason)
  const pepper = await ports.pepper.pepperOf(domainId)
  const target = person === undefined ? { domainId } : subjectOf(person, domainId, pepper)
  refuseNaming(reason, person)
  return ports.store.place(target, reason, (id) =>
    selfAuditItem({ domainId, actor, pepper }, [actionOf(SELF_AUDIT.holdPlace, id, target)]),
  )
}

/**
 * Releases a hold. Rejects with `invalid_input`, `hold_not_found`, `already_released`, and with the errors of an append.
 */
export async function releaseHold(
  ports: HoldPorts,
  request: { readonly id: number; readonly reason: string; readonly actor: string },
): Promise<ChangedHold> {
  const { id, actor } = request
  const reason = checkedReason(request.reason)
  const found = await ports.store.find(id)
  if (found === undefined) {
    throw new AuditError('hold_not_found', `no legal hold has id ${id}`, {
      advice: { code: 'list_holds' },
    })
  }
  const { domainId } = found
  const selfAuditActor: SelfAuditActor = { domainId, actor, pepper: await ports.pepper.pepperOf(domainId) }
  const row = selfAuditItem(selfAuditActor, [actionOf(SELF_AUDIT.holdRelease, id, found)])
  return ports.store.release(found, reason, row)
}

/** Yields every hold that the filter selects, by id. */
export function streamHolds(store: HoldStore, filter: HoldFilter): AsyncGenerator<HoldRecord> {
  return itemsOf({ page: (range) => store.page(filter, range), start: 0, keyOf: ({ id }) => id })
}

/** Returns the action to record. What the hold covers is hashed with the row, so that it cannot be denied later. */
function actionOf(relation: string, id: number, { domainId, pseudonym }: HoldTarget): SelfAuditAction {
  const covered = pseudonym === undefined ? chainObject(domainId) : `identity:${pseudonym}`
  return { relation, object: `hold:${id}`, relationPath: [covered] }
}

/** Throws `invalid_input` for a reason that names the person. A reason outlives the hold until the person is erased. */
function refuseNaming(reason: string, person: Person | undefined): void {
  const subjectId = person === undefined ? undefined : nameOf(person)
  if (subjectId === undefined) return
  const texts = { relation: reason, object: '', relationPath: [], correlationId: '' }
  if (personalDataProblem(texts, { subjectId }) === undefined) return
  throw new AuditError('invalid_input', 'reason: names the subject', {
    advice: { code: 'name_case_not_person' },
  })
}
