import type { PurgePosition, PurgeStep, RetentionPolicy } from '../../ports/retention.js'
import type { Client } from '../session/database.js'
import { readTime } from '../session/read-time.js'
import { heldSubjects } from './holds-in-force.js'
import { BY_INDEX } from './off-chain.js'
import { DUE_CONTEXTS, DUE_MAPPINGS, windowOf } from './retention-window.js'

/** Skips data on hold. A trigger of the table checks the deleted rows again. */
const PURGE_CONTEXTS = `
  WITH gone AS (
    DELETE FROM audit_entry_context WHERE ctid = ANY (ARRAY(
      SELECT c.ctid ${DUE_CONTEXTS} AND c.seq > $5
        AND NOT coalesce(e.subject_pseudonym = ANY ($4::bytea[]), false)
      ORDER BY c.domain_id, c.seq LIMIT $6))
    RETURNING seq
  ) SELECT count(*) AS n, max(seq)::text AS last FROM gone`

const PURGE_MAPPINGS = `
  WITH gone AS (
    DELETE FROM audit_subject_pii WHERE ctid = ANY (ARRAY(
      SELECT p.ctid ${DUE_MAPPINGS} AND p.subject_pseudonym > decode($4, 'hex')
        AND p.subject_pseudonym <> ALL ($3::bytea[])
      ORDER BY p.domain_id, p.subject_pseudonym LIMIT $5))
    RETURNING subject_pseudonym
  ) SELECT count(*) AS n, max(encode(subject_pseudonym, 'hex')) AS last FROM gone`

interface Gone {
  readonly n: string
  readonly last: string | null
}

/**
 * Deletes data that is due and not on hold, after the position `from`. Call this under the chain's lock, and append the
 * self-audit row in the same transaction.
 */
export async function purgeBatch(
  client: Client,
  domainId: string,
  from: PurgePosition,
  limit: number,
  defaults: RetentionPolicy,
): Promise<Omit<PurgeStep, 'auditRow'>> {
  await client.query(BY_INDEX)
  const window = await windowOf(client, domainId, defaults)
  const held = await heldSubjects(client, domainId)
  const contexts = await goneBy(client, PURGE_CONTEXTS, [
    domainId,
    window.due_seq,
    window.cutoff,
    held,
    from.afterSeq,
    limit,
  ])
  const mappings = await goneBy(client, PURGE_MAPPINGS, [
    domainId,
    window.cutoff,
    held,
    from.afterPseudonym,
    limit,
  ])
  const isFull = contexts.n === limit || mappings.n === limit
  return {
    mappings: mappings.n,
    contexts: contexts.n,
    cutoff: readTime(window.cutoff_micros),
    next: isFull
      ? {
          afterSeq: Number(contexts.last ?? from.afterSeq),
          afterPseudonym: mappings.last ?? from.afterPseudonym,
        }
      : undefined,
  }
}

async function goneBy(
  client: Client,
  text: string,
  values: unknown[],
): Promise<{ n: number; last: string | null }> {
  const { rows } = await client.query<Gone>(text, values)
  return { n: Number(rows[0]?.n), last: rows[0]?.last ?? null }
}
