import type { PurgePosition, PurgeStep, RetentionPolicy } from '../../ports/retention.js'
import type { Client } from '../session/database.js'
import { readTime } from '../session/read-time.js'
import { withheld } from '../session/written.js'
import { heldSubjects } from './holds-in-force.js'
import { BY_INDEX } from './off-chain.js'
import type { Gone } from './purged-state.js'
import {
  DUE_CONTEXTS,
  DUE_MAPPINGS,
  DUE_REVEALS,
  DUE_WITH_MAPPING,
  type RetentionWindow,
  windowOf,
} from './retention-window.js'

/** Skips data on hold. A trigger of the table checks the deleted rows again. */
const PURGE_CONTEXTS = `
  WITH gone AS (
    DELETE FROM audit_entry_context WHERE ctid = ANY (ARRAY(
      SELECT c.ctid ${DUE_CONTEXTS} AND c.seq > $5
        AND NOT coalesce(e.subject_pseudonym = ANY ($4::bytea[]), false)
      ORDER BY c.domain_id, c.seq LIMIT $6))
    RETURNING seq
  ) SELECT count(*) AS n, max(seq)::text AS last, array_agg(seq::text) AS keys FROM gone`

/** Why somebody was identified may name them: it goes before the mapping, by which the triggers find the hold on an identity. */
const PURGE_REVEALS = `
  WITH gone AS (
    DELETE FROM audit_identity_reveal WHERE ctid = ANY (ARRAY(
      SELECT r.ctid ${DUE_WITH_MAPPING} AND r.subject_pseudonym IN (
        SELECT p.subject_pseudonym FROM audit_subject_pii p WHERE p.domain_id = $1 AND p.last_seen_at < $3::timestamptz
          AND p.subject_pseudonym > decode($5, 'hex') AND p.subject_pseudonym <> ALL ($4::bytea[])
        ORDER BY p.domain_id, p.subject_pseudonym LIMIT $6)
    )) OR ctid = ANY (ARRAY(
      SELECT r.ctid ${DUE_REVEALS} AND r.subject_pseudonym <> ALL ($4::bytea[]) LIMIT $6))
    RETURNING seq
  ) SELECT count(*) AS n, max(seq)::text AS last, array_agg(seq::text) AS keys FROM gone`

const PURGE_MAPPINGS = `
  WITH gone AS (
    DELETE FROM audit_subject_pii WHERE ctid = ANY (ARRAY(
      SELECT p.ctid ${DUE_MAPPINGS} AND p.subject_pseudonym > decode($4, 'hex')
        AND p.subject_pseudonym <> ALL ($3::bytea[])
      ORDER BY p.domain_id, p.subject_pseudonym LIMIT $5))
    RETURNING subject_pseudonym
  ) SELECT count(*) AS n, max(encode(subject_pseudonym, 'hex')) AS last,
    array_agg(encode(subject_pseudonym, 'hex')) AS keys FROM gone`

interface GoneRow {
  readonly n: string
  readonly last: string | null
  readonly keys: readonly string[] | null
}

/** What is due and not on hold, from the beginning of the chain up to `$2`. */
const LEFT = `
  SELECT (SELECT count(*) ${DUE_CONTEXTS} AND NOT coalesce(e.subject_pseudonym = ANY ($4::bytea[]), false)) AS contexts,
    (SELECT count(*) FROM audit_subject_pii p WHERE p.domain_id = $1 AND p.last_seen_at < $3::timestamptz
      AND p.subject_pseudonym <> ALL ($4::bytea[])) AS mappings,
    (SELECT count(*) ${DUE_REVEALS} AND r.subject_pseudonym <> ALL ($4::bytea[])) AS reveals`

/** A trigger may have withheld the deletion of reasons whose mapping is gone. */
const REVEALS_OF =
  'SELECT count(*) AS n FROM audit_identity_reveal WHERE domain_id = $1 AND subject_pseudonym = ANY ($2::bytea[])'

interface Left {
  readonly contexts: string
  readonly mappings: string
  readonly reveals: string
}

export interface PurgedStep extends Omit<PurgeStep, 'auditRow'> {
  readonly gone: Gone
}

/**
 * Deletes data that is due and not on hold, after the position `from` and up to its `upTo`. Call this under the chain's lock, and append the
 * self-audit row in the same transaction.
 */
export async function purgeBatch(
  client: Client,
  domainId: string,
  from: PurgePosition,
  limit: number,
  defaults: RetentionPolicy,
): Promise<PurgedStep> {
  await client.query(BY_INDEX)
  const window = await windowOf(client, domainId, defaults)
  const held = await heldSubjects(client, domainId)
  const contexts = await goneBy(client, PURGE_CONTEXTS, [
    domainId,
    from.upTo,
    window.cutoff,
    held,
    from.afterSeq,
    limit,
  ])
  const reveals = await goneBy(client, PURGE_REVEALS, [
    domainId,
    from.upTo,
    window.cutoff,
    held,
    from.afterPseudonym,
    limit,
  ])
  const mappings = await goneBy(client, PURGE_MAPPINGS, [
    domainId,
    window.cutoff,
    held,
    from.afterPseudonym,
    limit,
  ])
  await assertNoReveals(client, domainId, mappings.keys)
  const isFull = contexts.n === limit || mappings.n === limit || reveals.n >= limit
  if (!isFull) await assertNothingDue(client, domainId, from.upTo, window, held)
  return {
    gone: {
      seqs: contexts.keys,
      pseudonyms: mappings.keys,
      reveals: reveals.keys,
      cutoff: BigInt(window.cutoff_micros),
    },
    mappings: mappings.n,
    contexts: contexts.n,
    reveals: reveals.n,
    cutoff: readTime(window.cutoff_micros),
    next: isFull
      ? {
          upTo: from.upTo,
          afterSeq: Number(contexts.last ?? from.afterSeq),
          afterPseudonym: mappings.last ?? from.afterPseudonym,
        }
      : undefined,
  }
}

/**
 * Throws `write_undone` where the last batch left data that is due. No deleted row does not mean that none was due: a trigger
 * may have withheld the deletion.
 */
async function assertNothingDue(
  client: Client,
  domainId: string,
  upTo: number,
  window: RetentionWindow,
  held: readonly Buffer[],
): Promise<void> {
  const { rows } = await client.query<Left>(LEFT, [domainId, upTo, window.cutoff, held])
  const { contexts, mappings, reveals } = rows[0] ?? { contexts: '?', mappings: '?', reveals: '?' }
  if (contexts === '0' && mappings === '0' && reveals === '0') return
  throw withheld(
    `a purge of chain ${domainId}: ${mappings} mappings, ${contexts} contexts and ${reveals} reasons of reveals are still due`,
  )
}

async function assertNoReveals(
  client: Client,
  domainId: string,
  pseudonyms: readonly string[],
): Promise<void> {
  const bytes = pseudonyms.map((pseudonym) => Buffer.from(pseudonym, 'hex'))
  const { rows } = await client.query<{ n: string }>(REVEALS_OF, [domainId, bytes])
  const left = rows[0]?.n ?? '?'
  if (left !== '0') throw withheld(`a purge of chain ${domainId}: ${left} reasons of reveals are still there`)
}

async function goneBy(
  client: Client,
  text: string,
  values: unknown[],
): Promise<{ n: number; last: string | null; keys: readonly string[] }> {
  const { rows } = await client.query<GoneRow>(text, values)
  return { n: Number(rows[0]?.n), last: rows[0]?.last ?? null, keys: rows[0]?.keys ?? [] }
}
