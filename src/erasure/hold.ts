import { personalDataProblem } from '../append/personal-data.js'
import { type SelfAuditAction, type SelfAuditActor, selfAuditItem } from '../append/self-audit-item.js'
import { AuditError } from '../base/errors.js'
import { itemsOf } from '../base/paging.js'
import { wireTime } from '../base/wire-time.js'
import { textProblem } from '../chain/limits.js'
import { chainObject, SELF_AUDIT } from '../chain/self-audit.js'
import type { Placed } from '../ports/append.js'
import type { HoldFilter, HoldRecord, HoldStore, HoldTarget } from '../ports/hold.js'
import type { Pepper } from '../ports/pepper.js'
import { nameOf, onChain, type Person } from './person.js'

/** In UTF-8. */
const REASON_BYTES = 1024

export interface HoldPorts {
  readonly store: HoldStore
  readonly pepper: Pepper
}

export interface PlaceHold {
  readonly domainId: string
  /** Absent: the whole chain. */
  readonly person?: Person | undefined
  readonly reason: string
  /** subject_id of who places it. */
  readonly actor: string
}

/** A legal hold as `audit hold` prints it. */
export interface HoldJson {
  readonly id: number
  readonly domain_id: string
  readonly covers: 'chain' | 'subject' | 'identity'
  readonly subject_pseudonym?: string
  /** Goes with the release. */
  readonly identity_id?: string
  readonly reason: string
  readonly placed_at: string
  readonly released_at?: string
  readonly release_reason?: string
}

/** With the row that tells of it. */
export interface ToldHoldJson extends HoldJson {
  readonly seq: number
  readonly entry_hash: string
}

/**
 * Forbids the erasure and the purge of what a chain holds, of one person or altogether, until it is released. The reason
 * is kept beside the chain and never hashed. Rejects with `invalid_input`, `domain_not_found`, and as an append does.
 */
export async function placeHold(ports: HoldPorts, request: PlaceHold): Promise<ToldHoldJson> {
  const { domainId, person, actor } = request
  const reason = checkedReason(request.reason)
  const pepper = await ports.pepper.pepperOf(domainId)
  const target = person === undefined ? { domainId } : onChain(person, domainId, pepper)
  refuseNaming(reason, person)
  const { hold, auditRow } = await ports.store.place(target, reason, (id) =>
    selfAuditItem({ domainId, actor, pepper }, [deedOf(SELF_AUDIT.holdPlace, id, target)]),
  )
  return withRow(hold, auditRow)
}

/** Rejects with `invalid_input`, `hold_not_found`, `already_released`, and as an append does. */
export async function releaseHold(
  ports: HoldPorts,
  request: { readonly id: number; readonly reason: string; readonly actor: string },
): Promise<ToldHoldJson> {
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
  const row = selfAuditItem(selfAuditActor, [deedOf(SELF_AUDIT.holdRelease, id, found)])
  const { hold, auditRow } = await ports.store.release(found, reason, row)
  return withRow(hold, auditRow)
}

/** Yields every hold that the filter selects, by id. */
export function streamHolds(store: HoldStore, filter: HoldFilter): AsyncGenerator<HoldRecord> {
  return itemsOf({ page: (range) => store.page(filter, range), start: 0, keyOf: ({ id }) => id })
}

/** Throws `usage`. */
export function parseHoldId(text: string): number {
  const id = /^[1-9]\d{0,15}$/.test(text) ? Number(text) : 0
  if (Number.isSafeInteger(id) && id >= 1) return id
  throw new AuditError('usage', 'expected the id of a legal hold, a number from 1')
}

export function holdJson(hold: HoldRecord): HoldJson {
  const { pseudonym, identityId, releasedAt, releaseReason } = hold
  return {
    id: hold.id,
    domain_id: hold.domainId,
    covers: pseudonym === undefined ? 'chain' : identityId === undefined ? 'subject' : 'identity',
    ...(pseudonym !== undefined && { subject_pseudonym: pseudonym }),
    ...(identityId !== undefined && { identity_id: identityId }),
    reason: hold.reason,
    placed_at: wireTime(hold.placedAt),
    ...(releasedAt !== undefined && { released_at: wireTime(releasedAt) }),
    ...(releaseReason !== undefined && { release_reason: releaseReason }),
  }
}

function withRow(hold: HoldRecord, { seq, entryHash }: Placed): ToldHoldJson {
  return { ...holdJson(hold), seq, entry_hash: entryHash }
}

/** What it covers is hashed with the row: nobody can say later that another person was meant. */
function deedOf(relation: string, id: number, { domainId, pseudonym }: HoldTarget): SelfAuditAction {
  const covered = pseudonym === undefined ? chainObject(domainId) : `identity:${pseudonym}`
  return { relation, object: `hold:${id}`, relationPath: [covered] }
}

function checkedReason(reason: string): string {
  const problem = reason.trim() === '' ? 'expected a text' : textProblem(reason, 1, REASON_BYTES)
  if (problem !== undefined) throw new AuditError('invalid_input', `reason: ${problem}`)
  return reason
}

/** A reason outlives the hold. It is blanked when the person is erased, and is better without them from the start. */
function refuseNaming(reason: string, person: Person | undefined): void {
  const subjectId = person === undefined ? undefined : nameOf(person)
  if (subjectId === undefined) return
  const texts = { relation: reason, object: '', relationPath: [], correlationId: '' }
  if (personalDataProblem(texts, { subjectId }) === undefined) return
  throw new AuditError('invalid_input', 'reason: holds the subject', {
    advice: { code: 'name_case_not_person' },
  })
}
