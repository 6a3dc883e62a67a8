import { AuditError } from '../../base/errors.js'
import type { Client } from '../session/database.js'

const COVERING = `
  SELECT h.id FROM audit_legal_hold h
  WHERE h.domain_id = $1 AND h.released_at IS NULL
    AND (h.subject_pseudonym IS NULL OR h.subject_pseudonym = ANY ($2::bytea[]) OR h.identity_id = $3
      OR h.identity_id IN (SELECT identity_id FROM audit_subject_pii p
                           WHERE p.domain_id = $1 AND p.subject_pseudonym = ANY ($2::bytea[])))
  ORDER BY h.id`

/** Returns the holds in force that cover a chain's data on any of the pseudonyms (64 hex digits), or on the identity. */
export async function holdsCovering(
  client: Client,
  domainId: string,
  pseudonyms: readonly string[],
  identityId?: string,
): Promise<number[]> {
  const { rows } = await client.query<{ id: string }>(COVERING, [
    domainId,
    bytesOf(pseudonyms),
    identityId ?? null,
  ])
  return rows.map(({ id }) => Number(id))
}

/** Throws `legal_hold` if there are any holds. Call this under the chain's lock, in the transaction that deletes. */
export function refuseHeld(domainId: string, holds: readonly number[]): void {
  const [first] = holds
  if (first === undefined) return
  const names = holds.length === 1 ? `legal hold ${first} covers` : `legal holds ${holds.join(', ')} cover`
  throw new AuditError('legal_hold', `${names} this data on chain ${domainId}; nothing was deleted`, {
    advice: { code: 'release_hold', holdId: first },
  })
}

const HELD_SUBJECTS = `
  SELECT DISTINCT subject_pseudonym FROM audit_held_subject WHERE domain_id = $1 AND subject_pseudonym IS NOT NULL`

/** Returns the pseudonyms that holds in force on single subjects of a chain cover. */
export async function heldSubjects(client: Client, domainId: string): Promise<Buffer[]> {
  const { rows } = await client.query<{ subject_pseudonym: Buffer }>(HELD_SUBJECTS, [domainId])
  return rows.map((row) => row.subject_pseudonym)
}

/** Returns pseudonyms as a bytea array. */
export function bytesOf(pseudonyms: readonly string[]): Buffer[] {
  return pseudonyms.map((pseudonym) => Buffer.from(pseudonym, 'hex'))
}
