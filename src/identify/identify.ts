import { type SelfAuditAction, selfAuditItem } from '../append/self-audit-item.js'
import { AuditError } from '../base/errors.js'
import { assertFirstPepper, genesisPseudonym } from '../base/genesis-pepper.js'
import { checkedReason } from '../base/reason-text.js'
import { pseudonym } from '../chain/hash.js'
import { SELF_AUDIT } from '../chain/self-audit.js'
import { isUuid } from '../chain/uuid.js'
import type {
  IdentifyStore,
  KnownSubject,
  RevealedSubjects,
  RevealRequest,
  Sought,
} from '../ports/identify.js'
import type { Pepper } from '../ports/pepper.js'

/** The person that is asked for. */
export type SoughtPerson =
  | { readonly seq: number }
  | { readonly pseudonym: string }
  | { readonly subjectId: string }

export interface IdentifyPorts {
  readonly store: IdentifyStore
  readonly pepper: Pepper
}

export interface IdentifyRequest {
  /** Each once. */
  readonly domainIds: readonly string[]
  readonly person: SoughtPerson
  /** Stored off the chain: it may name the person, and goes when the person is erased. */
  readonly reason: string
  /** The subject_id of the self-audit row. */
  readonly actor: string
}

/** What one chain holds about a person, and the rows that record who asked. */
export interface Identified extends RevealedSubjects {
  readonly domainId: string
}

/**
 * Returns what the chains hold about a person, and records on each chain that it was shown: one row for each pseudonym with
 * personal data, in the one transaction that reads. A subject_id that is a UUID means that identity and every subject of it.
 * Where nothing personal is stored, as for an erased person, nothing is recorded. The subjects are empty for a chain that
 * has nothing about the person. Rejects with `invalid_input`, `domain_not_found`, `entry_not_found`, `pepper_mismatch`,
 * and with the errors of an append; nothing may be shown then, of none of the chains.
 */
export async function identify(
  { store, pepper }: IdentifyPorts,
  { domainIds, person, reason, actor }: IdentifyRequest,
): Promise<readonly Identified[]> {
  const checked = checkedReason(reason)
  const requests: RevealRequest[] = []
  for (const domainId of domainIds) {
    const secret = await pepper.pepperOf(domainId)
    await assertPepper(store, domainId, secret)
    requests.push({
      domainId,
      sought: soughtBy(person, secret),
      selfAudit: (subjects) => selfAuditItem({ domainId, actor, pepper: secret }, subjects.map(actionOf)),
    })
  }
  const revealed = await store.reveal(requests, checked)
  return revealed.map((subjects, at) => ({ domainId: domainIds[at] ?? '', ...withoutUnknown(subjects) }))
}

/** Another pepper gives another pseudonym, and the person would seem to be unknown. */
async function assertPepper(store: IdentifyStore, domainId: string, secret: Uint8Array): Promise<void> {
  const stored = await store.genesisPseudonym(domainId)
  if (stored === undefined) return
  assertFirstPepper(domainId, stored, genesisPseudonym(secret), 'give_first_pepper')
}

function soughtBy(person: SoughtPerson, secret: Uint8Array): Sought {
  if (!('subjectId' in person)) return person
  const { subjectId } = person
  const identityId = isUuid(subjectId) ? subjectId.toLowerCase() : undefined
  return { pseudonym: pseudonym(secret, subjectId), identityId }
}

/** The counts are hashed with the row, so that it proves how much was shown. */
function actionOf({ pseudonym: shown, mapping, contexts }: KnownSubject): SelfAuditAction {
  return {
    relation: SELF_AUDIT.identityReveal,
    object: `identity:${shown}`,
    relationPath: [`mappings:${mapping === undefined ? 0 : 1}`, `contexts:${contexts}`],
  }
}

/** Leaves out pseudonyms that the chain never had. */
function withoutUnknown({ subjects, auditRows }: RevealedSubjects): RevealedSubjects {
  return { subjects: subjects.filter(isKnown), auditRows }
}

function isKnown({ mapping, contexts, rows, erasure }: KnownSubject): boolean {
  return mapping !== undefined || contexts > 0 || rows.count > 0 || erasure !== undefined
}

/** Returns the error for a person whom no chain has anything about. */
export function nobodyFound(): AuditError {
  return new AuditError(
    'subject_not_found',
    'no chain holds anything about this subject; nothing was written',
    {
      advice: { code: 'check_subject' },
    },
  )
}
