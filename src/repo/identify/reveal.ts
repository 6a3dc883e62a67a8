import { AuditError } from '../../base/errors.js'
import { isHash } from '../../chain/hash.js'
import { SELF_AUDIT } from '../../chain/self-audit.js'
import type { Placed } from '../../ports/append.js'
import type {
  IdentifyStore,
  KnownSubject,
  RevealedSubjects,
  RevealRequest,
  Sought,
} from '../../ports/identify.js'
import { appendUnderLocks } from '../append/append.js'
import { underLocks } from '../append/under-locks.js'
import { assertChain } from '../erasure/erase.js'
import { BY_INDEX } from '../erasure/off-chain.js'
import type { Client, Database } from '../session/database.js'
import { quotedLiteral } from '../session/quoted-literal.js'
import { assertWritten, recordedAfter, type Written, withheld, written } from '../session/written.js'
import { knownSubject } from './known-subject.js'

/** Reads personal data from PostgreSQL, and records that. Implements IdentifyStore. */
export function postgresIdentifyStore(database: Database): IdentifyStore {
  return {
    genesisPseudonym: (domainId) => database.read((client) => genesisOf(client, domainId)),
    reveal: (requests, reason) =>
      underLocks(
        database,
        requests.map(({ domainId }) => domainId),
        (client) => revealEach(client, requests, reason),
        written((revealed: readonly RevealedSubjects[]) => allStored(requests, reason, revealed)),
      ),
  }
}

async function genesisOf(client: Client, domainId: string): Promise<string | undefined> {
  await assertChain(client, domainId)
  const { rows } = await client.query<{ pseudonym: string | null }>(
    `SELECT encode(subject_pseudonym, 'hex') AS pseudonym FROM audit_log_entry WHERE domain_id = $1 AND seq = 1 LIMIT 1`,
    [domainId],
  )
  return rows[0]?.pseudonym ?? undefined
}

/** A crash before COMMIT shows nothing: the caller gets the data only after the rows that record it. */
async function revealEach(
  client: Client,
  requests: readonly RevealRequest[],
  reason: string,
): Promise<RevealedSubjects[]> {
  await client.query(BY_INDEX)
  const revealed: RevealedSubjects[] = []
  for (const request of requests) revealed.push(await reveal(client, request, reason))
  return revealed
}

async function reveal(
  client: Client,
  { domainId, sought, selfAudit }: RevealRequest,
  reason: string,
): Promise<RevealedSubjects> {
  const subjects: KnownSubject[] = []
  for (const pseudonym of await pseudonymsOf(client, domainId, sought)) {
    subjects.push(await knownSubject(client, domainId, pseudonym))
  }
  const shown = subjects.filter(({ mapping, contexts }) => mapping !== undefined || contexts > 0)
  if (shown.length === 0) return { subjects, auditRows: new Map() }
  const placed = await appendUnderLocks(client, selfAudit(shown))
  const auditRows = new Map<string, Placed>()
  for (const [at, { pseudonym }] of shown.entries()) {
    const row = placed[at]
    if (row === undefined) throw new AuditError('internal', 'a self-audit row was not placed')
    await storeReason(client, row, pseudonym, reason)
    auditRows.set(pseudonym, row)
  }
  const stored = reasonsStored(domainId, reason, auditRows)
  if (stored !== undefined) await assertWritten(client, stored)
  return { subjects, auditRows }
}

const STORE_REASON = `INSERT INTO audit_identity_reveal (domain_id, seq, subject_pseudonym, reason)
  VALUES ($1, $2, decode($3, 'hex'), $4)`

async function storeReason(
  client: Client,
  { domainId, seq }: Placed,
  pseudonym: string,
  reason: string,
): Promise<void> {
  const { rowCount } = await client.query(STORE_REASON, [domainId, seq, pseudonym, reason])
  if (rowCount !== 1) throw withheld(`the reason of row ${seq} of chain ${domainId}`)
}

function allStored(
  requests: readonly RevealRequest[],
  reason: string,
  revealed: readonly RevealedSubjects[],
): Written | undefined {
  const stored = revealed
    .map(({ auditRows }, at) => reasonsStored(requests[at]?.domainId ?? '', reason, auditRows))
    .filter((one) => one !== undefined)
  const [first] = stored
  if (first === undefined) return undefined
  return {
    ...first,
    what: stored.map(({ what }) => what).join(', '),
    isThere: stored.map(({ isThere }) => `(${isThere})`).join(' AND '),
  }
}

/** Another program may erase or purge the person between COMMIT and the look, and the reason goes with them. */
function reasonsStored(
  domainId: string,
  reason: string,
  auditRows: ReadonlyMap<string, Placed>,
): Written | undefined {
  const rows = [...auditRows]
  const [, last] = rows.at(-1) ?? []
  if (last === undefined) return undefined
  const one = ([pseudonym, { seq }]: readonly [string, Placed]) =>
    `EXISTS (SELECT FROM audit_identity_reveal WHERE domain_id = '${domainId}' AND seq = ${seq}
      AND subject_pseudonym = decode('${pseudonym}', 'hex') AND reason = ${quotedLiteral(reason)})`
  const seqs = rows.map(([, { seq }]) => seq).join(', ')
  return {
    what: `the reasons of rows ${seqs} of chain ${domainId}`,
    isThere: `${rows.map(one).join(' AND ')} OR ${recordedAfter(last, SELF_AUDIT.eraseIdentity)}
      OR ${recordedAfter(last, SELF_AUDIT.retentionPurge)}`,
    otherwise: 'a reason was gone',
  }
}

const SUBJECT_AT = `
  SELECT encode(subject_pseudonym, 'hex') AS pseudonym FROM audit_log_entry WHERE domain_id = $1 AND seq = $2 LIMIT 1`

/** The identity may be given, or be the one that the mapping of the pseudonym names. */
const SAME_IDENTITY = `
  SELECT encode(subject_pseudonym, 'hex') AS pseudonym FROM audit_subject_pii
  WHERE domain_id = $1 AND subject_pseudonym <> decode($2, 'hex') AND octet_length(subject_pseudonym) = 32
    AND (identity_id = $3 OR identity_id = (
      SELECT identity_id FROM audit_subject_pii WHERE domain_id = $1 AND subject_pseudonym = decode($2, 'hex') LIMIT 1))
  ORDER BY subject_pseudonym`

async function pseudonymsOf(client: Client, domainId: string, sought: Sought): Promise<string[]> {
  const first = 'seq' in sought ? await subjectAt(client, domainId, sought.seq) : sought.pseudonym
  const identityId = 'seq' in sought ? undefined : sought.identityId
  const values = [domainId, first, identityId ?? null]
  const { rows } = await client.query<{ pseudonym: string }>(SAME_IDENTITY, values)
  return [first, ...rows.map(({ pseudonym }) => pseudonym)]
}

async function subjectAt(client: Client, domainId: string, seq: number): Promise<string> {
  const { rows } = await client.query<{ pseudonym: string | null }>(SUBJECT_AT, [domainId, seq])
  const [row] = rows
  if (row === undefined) throw new AuditError('entry_not_found', `chain ${domainId} has no row ${seq}`)
  const { pseudonym } = row
  if (pseudonym !== null && isHash(pseudonym)) return pseudonym
  throw new AuditError('subject_not_found', `row ${seq} of chain ${domainId} has no pseudonym of 32 bytes`, {
    advice: { code: 'check_subject' },
  })
}
