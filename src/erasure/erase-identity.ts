import { type SelfAuditAction, selfAuditItem } from '../append/self-audit-item.js'
import { AuditError } from '../base/errors.js'
import { assertFirstPepper, genesisPseudonym } from '../base/genesis-pepper.js'
import { wireTime } from '../base/wire-time.js'
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
import { onChain, type Person } from './person.js'

export interface ErasurePorts {
  readonly store: ErasureStore
  readonly pepper: Pepper
  readonly remaining: RemainingReferences
}

export interface EraseRequest {
  readonly domainId: string
  readonly person: Person
  /** subject_id of who erases. */
  readonly actor: string
  /** Whether append is to keep no personal data of this person any more, for good. */
  readonly block: boolean
}

/** What an erasure would delete. */
export interface ErasurePreview {
  readonly domain_id: string
  readonly subject_pseudonym: string
  readonly mappings: number
  readonly contexts: number
  /** Chain rows that name the pseudonym; they stay. */
  readonly rows: number
  /** Ids of the legal holds that would refuse it. */
  readonly holds: readonly number[]
}

/** What an erasure deleted, and the row of the chain that tells of it. */
export interface ErasureReceipt {
  readonly domain_id: string
  readonly subject_pseudonym: string
  readonly erased_at: string
  /** Of the self-audit row. */
  readonly seq: number
  readonly entry_hash: string
  readonly mappings_deleted: number
  readonly contexts_deleted: number
  readonly blocked: boolean
  /** There was nothing left to delete: the row is that of the erasure before. */
  readonly repeated: boolean
  /** The other pseudonyms of the identity that were erased with it. */
  readonly others: readonly { readonly subject_pseudonym: string; seq: number; entry_hash: string }[]
  /** What is kept of the person elsewhere than in the log. */
  readonly remaining: readonly Remaining[]
}

/** Changes nothing. Rejects with `domain_not_found`, `pepper_mismatch`. */
export async function previewErasure(
  { store, pepper }: Omit<ErasurePorts, 'remaining'>,
  { domainId, person }: Pick<EraseRequest, 'domainId' | 'person'>,
): Promise<ErasurePreview> {
  const secret = await pepper.pepperOf(domainId)
  const subject = onChain(person, domainId, secret)
  const traces = await store.traces(subject)
  refuseOtherPepper(domainId, secret, traces)
  const { mappings, contexts, rows, holds } = traces
  return { domain_id: domainId, subject_pseudonym: subject.pseudonym, mappings, contexts, rows, holds }
}

/**
 * Forgets a person on one chain: their mapping and the contexts of their rows go, and a row about the actor tells of it,
 * all in one transaction. Chain rows stay as they are. Repeated with nothing left to delete it writes nothing and gives
 * the receipt of the erasure before. Rejects with `domain_not_found`, `pepper_mismatch`, `legal_hold`, and as an append
 * does; then nothing was deleted, unless the code is `outcome_unknown`.
 */
export async function eraseIdentity(ports: ErasurePorts, request: EraseRequest): Promise<ErasureReceipt> {
  const { domainId, person, actor, block } = request
  const pepper = await ports.pepper.pepperOf(domainId)
  const subject = onChain(person, domainId, pepper)
  const remaining = await ports.remaining.of(subject)
  const erasure = await ports.store.erase(subject, { block }, (erased) =>
    selfAuditItem(
      { domainId, actor, pepper },
      erased.map((one) => deedOf(one, block)),
      erased.map((one) => one.pseudonym),
    ),
  )
  return { ...receiptOf(erasure, domainId, block), remaining }
}

/** The figures are hashed with the row, so that `audit get` bears the receipt out. */
function deedOf({ pseudonym: erased, mappings, contexts }: ErasedPseudonym, block: boolean): SelfAuditAction {
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
    domain_id: domainId,
    subject_pseudonym: own.pseudonym,
    erased_at: wireTime(own.placed.recordedAt),
    seq: own.placed.seq,
    entry_hash: own.placed.entryHash,
    mappings_deleted: sum(erased, ({ mappings }) => mappings),
    contexts_deleted: sum(erased, ({ contexts }) => contexts),
    blocked: block,
    repeated,
    others: others.flatMap((other) => (other.placed ? [receiptRow(other.pseudonym, other.placed)] : [])),
  }
}

function receiptRow(erased: string, { seq, entryHash }: Placed) {
  return { subject_pseudonym: erased, seq, entry_hash: entryHash }
}

function sum<T>(items: readonly T[], of: (item: T) => number): number {
  return items.reduce((total, item) => total + of(item), 0)
}

/** Throws for another pepper: it would find nothing, and the person would seem to be forgotten already. */
function refuseOtherPepper(domainId: string, pepper: Uint8Array, traces: SubjectTraces): void {
  if (traces.genesisPseudonym === undefined) return
  assertFirstPepper(domainId, traces.genesisPseudonym, genesisPseudonym(pepper), 'give_first_pepper')
}
