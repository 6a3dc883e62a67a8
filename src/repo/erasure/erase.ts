import { AuditError } from '../../base/errors.js'
import { SELF_AUDIT } from '../../chain/self-audit.js'
import { PLATFORM_ANCHOR } from '../../chain/uuid.js'
import type { AppendItem, Placed } from '../../ports/append.js'
import type { ErasedPseudonym, ErasureStore, ErasureSubject, SubjectTraces } from '../../ports/erasure.js'
import { appendUnderLocks } from '../append/append.js'
import { underLocks } from '../append/under-locks.js'
import { chainExists } from '../query/domains.js'
import type { Client, Database } from '../session/database.js'
import { microsOf } from '../session/read-time.js'
import { assertNothingLeft, type ErasedAt, erasedState, momentNow, momentOf } from './erased-state.js'
import { bytesOf, holdsCovering, refuseHeld } from './holds-in-force.js'
import { BY_INDEX, contextOf } from './off-chain.js'

const SNAPSHOT = `BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY; ${BY_INDEX}`

/** Erases personal data in PostgreSQL. Implements ErasureStore. */
export function postgresErasureStore(database: Database): ErasureStore {
  return {
    traces: (subject) => database.withTransaction(SNAPSHOT, (client) => tracesOf(client, subject)),
    erase: (subject, { block }, selfAudit) =>
      underLocks(
        database,
        [subject.domainId],
        (client) => erase(client, subject, block, selfAudit),
        erasedState(subject.domainId, block),
      ),
  }
}

async function erase(
  client: Client,
  subject: ErasureSubject,
  block: boolean,
  selfAudit: (erased: readonly ErasedPseudonym[]) => AppendItem,
): Promise<ErasedAt> {
  const { domainId, identityId } = subject
  await assertChain(client, domainId)
  const pseudonyms = await pseudonymsOf(client, subject)
  // The lock orders this erasure and a concurrent hold: either the hold is seen here, or it comes later.
  refuseHeld(domainId, await holdsCovering(client, domainId, pseudonyms, identityId))
  await client.query(BY_INDEX)
  const erased = await deleteAll(client, domainId, pseudonyms, block)
  // No deleted row does not mean that there was none: a trigger may have withheld the deletion.
  await assertNothingLeft(client, { domainId, pseudonyms, block })
  const earlier = erased.some(isChange) ? undefined : await lastErasure(client, subject)
  if (earlier !== undefined) {
    return { erased, auditRows: [earlier], repeated: true, moment: await momentNow(client, domainId) }
  }
  // A crash before COMMIT changes nothing: no mapping is deleted without the row that records the deletion.
  const auditRows = await appendUnderLocks(client, selfAudit(erased))
  return { erased, auditRows, repeated: false, moment: momentOf(auditRows) }
}

async function deleteAll(
  client: Client,
  domainId: string,
  pseudonyms: readonly string[],
  block: boolean,
): Promise<ErasedPseudonym[]> {
  const erased: ErasedPseudonym[] = []
  for (const pseudonym of pseudonyms) {
    const values = [domainId, Buffer.from(pseudonym, 'hex')]
    const countOf = async (text: string) => (await client.query(text, values)).rowCount ?? 0
    // The mapping is deleted last: the triggers that guard an identity's hold find the rest by it.
    const contexts = await countOf(DELETE_CONTEXTS)
    await countOf(DELETE_REVEALS)
    const mappings = await countOf(DELETE_MAPPING)
    const blocked = block && (await countOf(BLOCK)) > 0
    await countOf(DELETE_KEYS)
    await countOf(BLANK_HOLDS)
    erased.push({ pseudonym, contexts, mappings, blocked })
  }
  return erased
}

function isChange({ mappings, contexts, blocked }: ErasedPseudonym): boolean {
  return mappings > 0 || contexts > 0 || blocked
}

const PSEUDONYMS = `
  SELECT encode(subject_pseudonym, 'hex') AS pseudonym FROM audit_subject_pii
  WHERE domain_id = $1 AND identity_id = $2 AND subject_pseudonym <> decode($3, 'hex') ORDER BY subject_pseudonym`

async function pseudonymsOf(client: Client, subject: ErasureSubject): Promise<string[]> {
  const { domainId, identityId, pseudonym } = subject
  if (identityId === undefined) return [pseudonym]
  const { rows } = await client.query<{ pseudonym: string }>(PSEUDONYMS, [domainId, identityId, pseudonym])
  return [pseudonym, ...rows.map((row) => row.pseudonym)]
}

const DELETE_CONTEXTS = `
  DELETE FROM audit_entry_context WHERE ctid = ANY (ARRAY(
    SELECT c.ctid FROM audit_log_entry e CROSS JOIN ${contextOf('e')} AS c
    WHERE e.domain_id = $1 AND e.subject_pseudonym = $2))`

const DELETE_MAPPING = 'DELETE FROM audit_subject_pii WHERE domain_id = $1 AND subject_pseudonym = $2'

/** Why the person was identified may name them. */
const DELETE_REVEALS = 'DELETE FROM audit_identity_reveal WHERE domain_id = $1 AND subject_pseudonym = $2'

/** An idempotency key holds an HMAC over its entry, and thus over personal data. */
const DELETE_KEYS = 'DELETE FROM audit_idempotency_key WHERE domain_id = $1 AND subject_pseudonym = $2'

const BLOCK =
  'INSERT INTO audit_subject_block (domain_id, subject_pseudonym) VALUES ($1, $2) ON CONFLICT DO NOTHING'

/** The reason of a hold may identify the person. */
const BLANK_HOLDS = `
  UPDATE audit_legal_hold SET reason = '', release_reason = ''
  WHERE domain_id = $1 AND subject_pseudonym = $2 AND released_at IS NOT NULL
    AND (reason <> '' OR release_reason <> '')`

const LAST_ERASURE = `
  SELECT seq, encode(entry_hash, 'hex') AS hash, ${microsOf('recorded_at')} AS micros FROM audit_log_entry
  WHERE domain_id = $1 AND substr(object, strpos(object, ':') + 1) = $2 AND object = 'identity:' || $2
    AND relation = '${SELF_AUDIT.eraseIdentity}' AND isfinite(recorded_at) ORDER BY seq DESC LIMIT 1`

async function lastErasure(
  client: Client,
  { domainId, pseudonym }: ErasureSubject,
): Promise<Placed | undefined> {
  const { rows } = await client.query<{ seq: string; hash: string; micros: string }>(LAST_ERASURE, [
    domainId,
    pseudonym,
  ])
  const [row] = rows
  if (row === undefined) return undefined
  return { domainId, seq: Number(row.seq), entryHash: row.hash, recordedAt: BigInt(row.micros) }
}

const TRACES = `
  SELECT
    (SELECT encode(subject_pseudonym, 'hex') FROM audit_log_entry WHERE domain_id = $1 AND seq = 1 LIMIT 1) AS genesis,
    (SELECT count(*) FROM audit_subject_pii WHERE domain_id = $1 AND subject_pseudonym = ANY ($2::bytea[])) AS mappings,
    (SELECT count(*) FROM audit_log_entry WHERE domain_id = $1 AND subject_pseudonym = ANY ($2::bytea[])) AS rows,
    (SELECT count(*) FROM audit_log_entry e CROSS JOIN ${contextOf('e')} AS c
     WHERE e.domain_id = $1 AND e.subject_pseudonym = ANY ($2::bytea[])) AS contexts`

interface TracesRow {
  readonly genesis: string | null
  readonly mappings: string
  readonly contexts: string
  readonly rows: string
}

/** Counts what a chain holds of a subject. Rejects with `domain_not_found`. */
async function tracesOf(client: Client, subject: ErasureSubject): Promise<SubjectTraces> {
  const { domainId, identityId } = subject
  await assertChain(client, domainId)
  const pseudonyms = await pseudonymsOf(client, subject)
  const { rows } = await client.query<TracesRow>(TRACES, [domainId, bytesOf(pseudonyms)])
  return {
    genesisPseudonym: rows[0]?.genesis ?? undefined,
    pseudonyms,
    mappings: Number(rows[0]?.mappings),
    contexts: Number(rows[0]?.contexts),
    rows: Number(rows[0]?.rows),
    holds: await holdsCovering(client, domainId, pseudonyms, identityId),
  }
}

/** Rejects with `domain_not_found` unless the chain exists. */
export async function assertChain(client: Client, domainId: string): Promise<void> {
  if (domainId === PLATFORM_ANCHOR || (await chainExists(client, domainId))) return
  throw new AuditError('domain_not_found', `no Domain ${domainId} is registered`, {
    advice: { code: 'list_domains' },
  })
}
