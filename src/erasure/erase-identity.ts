import { type SelfAuditAction, selfAuditItem } from '../append/self-audit-item.js'
import { AuditError } from '../base/errors.js'
import { assertFirstPepper, genesisPseudonym } from '../base/genesis-pepper.js'
import { sum } from '../base/sum.js'
import { SELF_AUDIT } from '../chain/self-audit.js'
import type { Placed } from '../ports/append.js'
import type {
  ErasedPseudonym,
  Erasure,
  ErasureStore,
  Remaining,
  RemainingReferences,
  SubjectTraces,
} from '../ports/erasure.js'
import type { Pepper } from '../ports/pepper.js'
import { type Person, subjectOf } from './person.js'

export interface ErasurePorts {
  readonly store: ErasureStore
  readonly pepper: Pepper
  readonly remaining: RemainingReferences
}

export interface EraseRequest {
  readonly domainId: string
  readonly person: Person
  /** The subject_id of the caller. */
  readonly actor: string
  /** Later appends keep no personal data of this person either, permanently. */
  readonly block: boolean
}

/** What an erasure would delete. */
export interface ErasurePreview {
  readonly domainId: string
  readonly subjectPseudonym: string
  readonly mappings: number
  readonly contexts: number
  /** Chain rows that name the pseudonym. They are not deleted. */
  readonly rows: number
  /** Ids of the legal holds that forbid the erasure. */
  readonly holds: readonly number[]
}

/** A pseudonym that was erased, and the self-audit row that records it. */
interface ErasedRow {
  readonly subjectPseudonym: string
  readonly seq: number
  readonly entryHash: string
}

/** What an erasure deleted, and the self-audit row that records it. */
export interface ErasureReceipt extends ErasedRow {
  readonly domainId: string
  /** Microseconds since 1970-01-01T00:00:00Z. */
  readonly erasedAt: bigint
  readonly mappingsDeleted: number
  readonly contextsDeleted: number
  readonly blocked: boolean
  /** There was nothing left to delete: the row is that of the earlier erasure. */
  readonly repeated: boolean
  /** The other pseudonyms of the identity, which were erased too. */
  readonly others: readonly ErasedRow[]
  /** References to the person outside the log. */
  readonly remaining: readonly Remaining[]
}

/** Returns what an erasure would delete. Changes nothing. Rejects with `domain_not_found`, `pepper_mismatch`. */
export async function previewErasure(
  { store, pepper }: Omit<ErasurePorts, 'remaining'>,
  { domainId, person }: Pick<EraseRequest, 'domainId' | 'person'>,
): Promise<ErasurePreview> {
  const secret = await pepper.pepperOf(domainId)
  const subject = subjectOf(person, domainId, secret)
  const traces = await store.traces(subject)
  refuseOtherPepper(domainId, secret, traces)
  const { mappings, contexts, rows, holds } = traces
  return { domainId, subjectPseudonym: subject.pseudonym, mappings, contexts, rows, holds }
}

/**
 * Forgets a person on one chain: deletes their mapping and the contexts of their rows, and appends a row that records it,
 * all in one transaction. Chain rows stay as they are. When nothing is left to delete, writes nothing and returns the
 * receipt of the earlier erasure. Rejects with `domain_not_found`, `pepper_mismatch`, `legal_hold`, and with the errors of
 * an append; nothing was deleted then, unless the code is `outcome_unknown` or `write_undone`.
 */
export async function eraseIdentity(ports: ErasurePorts, request: EraseRequest): Promise<ErasureReceipt> {
  const { domainId, person, actor, block } = request
  const pepper = await ports.pepper.pepperOf(domainId)
  const subject = subjectOf(person, domainId, pepper)
  const remaining = await ports.remaining.of(subject)
  const erasure = await ports.store.erase(subject, { block }, (erased) =>
    selfAuditItem(
      { domainId, actor, pepper },
      erased.map((one) => actionOf(one, block)),
      erased.map((one) => one.pseudonym),
    ),
  )
  return { ...receiptOf(erasure, domainId, block), remaining }
}

/** Returns the action to record. The figures are hashed with the row, so that the row proves the receipt. */
function actionOf(
  { pseudonym: erased, mappings, contexts }: ErasedPseudonym,
  block: boolean,
): SelfAuditAction {
  return {
    relation: SELF_AUDIT.eraseIdentity,
    object: `identity:${erased}`,
    relationPath: [`mappings:${mappings}`, `contexts:${contexts}`, ...(block ? ['block'] : [])],
  }
}

function receiptOf(
  { erased, auditRows, repeated }: Erasure,
  domainId: string,
  block: boolean,
): Omit<ErasureReceipt, 'remaining'> {
  const [own, ...others] = erased.map((one, index) => ({ ...one, placed: auditRows[index] }))
  if (own?.placed === undefined) throw new AuditError('internal', 'an erasure has no row')
  return {
    ...erasedRow(own.pseudonym, own.placed),
    domainId,
    erasedAt: own.placed.recordedAt,
    mappingsDeleted: sum(erased, ({ mappings }) => mappings),
    contextsDeleted: sum(erased, ({ contexts }) => contexts),
    blocked: block,
    repeated,
    others: others.flatMap((other) => (other.placed ? [erasedRow(other.pseudonym, other.placed)] : [])),
  }
}

function erasedRow(subjectPseudonym: string, { seq, entryHash }: Placed): ErasedRow {
  return { subjectPseudonym, seq, entryHash }
}

/** Throws for another pepper, with which nothing would be found and the person would seem to be forgotten already. */
function refuseOtherPepper(domainId: string, pepper: Uint8Array, traces: SubjectTraces): void {
  if (traces.genesisPseudonym === undefined) return
  assertFirstPepper(domainId, traces.genesisPseudonym, genesisPseudonym(pepper), 'give_first_pepper')
}
