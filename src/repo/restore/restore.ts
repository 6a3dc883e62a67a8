import { setTimeout as sleep } from 'node:timers/promises'
import { AuditError } from '../../base/errors.js'
import type { ChainHead } from '../../chain/entry.js'
import { formatTimestamp } from '../../chain/timestamp.js'
import { PLATFORM_ANCHOR } from '../../chain/uuid.js'
import type { AppendItem } from '../../ports/append.js'
import type { RestoredDomain, RestoredRow, RestoreTarget } from '../../ports/restore.js'
import { entryColumns } from '../append/entry-columns.js'
import { underLocks } from '../append/under-locks.js'
import { type ClaimsRow, claimsColumns, domainClaims, readClaims } from '../query/domain-claims.js'
import { INSERT_STAMPS } from '../session/archive-stamp.js'
import { ChainClaims } from '../session/chain-claims.js'
import { type Client, type Database, DURABLE } from '../session/database.js'
import { assertWritten, type Written, withheld, written } from '../session/written.js'
import { chainState } from '../verify/chain-state.js'
import { lacksCreation, recordCreation } from './recorded-creation.js'
import { finished, type GivenName, insertedRows, marked, unmarked } from './restored-state.js'

const BEGIN = `BEGIN ISOLATION LEVEL READ COMMITTED READ WRITE; ${DURABLE}`

/** Milliseconds between two looks at the claim of another restore. */
const LOOK_AGAIN = 500

const GIVEN = `
  unnest($1::uuid[], $2::bigint[], $3::text[], $4::text[], $5::text[], $6::smallint[], $7::text[], $8::text[],
    $9::text[], $10::text[], $11::text[], $12::text[], $13::text[])
    AS r(domain_id, seq, subject, relation, object, reason, path, caveats, correlation_id, zedtoken, recorded_at,
      prev, entry)`

const VALUES = `r.domain_id, r.seq, 1, decode(r.subject, 'hex'), r.relation, r.object, r.reason, r.path::text[],
  r.caveats::text[], r.correlation_id, r.zedtoken, r.recorded_at::timestamptz, decode(r.prev, 'hex'), decode(r.entry, 'hex')`

const COLUMNS = [
  ['domain_id', 'seq', 'generation', 'subject_pseudonym', 'relation', 'object', 'reason', 'relation_path'],
  ['caveat_context', 'correlation_id', 'zedtoken', 'recorded_at', 'prev_hash', 'entry_hash'],
].flat()

const INSERT = `
  INSERT INTO audit_log_entry (${COLUMNS.join(', ')}) SELECT ${VALUES} FROM ${GIVEN}
  ON CONFLICT (domain_id, seq) DO NOTHING`

/** The first given row whose seq is taken by a different row. */
const OTHER = `
  SELECT e.seq FROM ${GIVEN} JOIN audit_log_entry e ON e.domain_id = r.domain_id AND e.seq = r.seq
  WHERE (${COLUMNS.map((column) => `e.${column}`).join(', ')}) IS DISTINCT FROM (${VALUES}) ORDER BY e.seq LIMIT 1`

const HEAD = `
  INSERT INTO audit_log_chain_head (domain_id, next_seq, head_hash)
  SELECT $1, $2, decode($3, 'hex') WHERE NOT EXISTS (SELECT FROM audit_log_entry WHERE domain_id = $1 AND seq >= $2)
  ON CONFLICT (domain_id) DO NOTHING`

const DOMAIN = `INSERT INTO audit_domain (domain_id, mirror_url, created_at, name) VALUES ($1, $2, $3::timestamptz, $4)
  ON CONFLICT (domain_id) DO NOTHING`

/** Does not mark a chain that has a head. If the head were deleted later, the mark would look like a running restore. */
const MARK = `INSERT INTO audit_restore (domain_id, mirror_url)
  SELECT $1, $2 WHERE NOT EXISTS (SELECT FROM audit_log_chain_head WHERE domain_id = $1)
  ON CONFLICT (domain_id) DO NOTHING`

const UNMARK_EMPTY = `DELETE FROM audit_restore
  WHERE domain_id = $1 AND NOT EXISTS (SELECT FROM audit_log_entry WHERE domain_id = $1)`

/** Rebuilds chains in PostgreSQL. Implements RestoreTarget. */
export function postgresRestoreTarget(database: Database): RestoreTarget {
  return {
    headOf: (domainId) => database.read(async (client) => (await chainState(client, domainId)).head),
    restoring: (domainId, use) => restoring(database, domainId, use),
    begin: (domainId, mirrorUrl) =>
      inTransaction(
        database,
        (client) => client.query(MARK, [domainId, mirrorUrl]),
        () => marked(domainId),
      ),
    abandon: (domainId) =>
      inTransaction(
        database,
        (client) => client.query(UNMARK_EMPTY, [domainId]),
        () => unmarked(domainId),
      ),
    insert: (rows) =>
      inTransaction(
        database,
        (client) => insert(client, rows),
        () => insertedRows(rows),
      ),
    lacksCreation: (domainId) => database.read((client) => lacksCreation(client, domainId)),
    finish: (domainId, head, domain, creation) =>
      inTransaction(
        database,
        (client) => finish(client, domainId, head, domain, creation),
        (names) => finished(domainId, head, names),
        creation === undefined ? [] : [PLATFORM_ANCHOR],
      ),
  }
}

/** Runs `use` under the locks of the chains that it appends to, and looks before COMMIT and after it at what it wrote. */
async function inTransaction<T>(
  database: Database,
  use: (client: Client) => Promise<T>,
  changeOf: (result: T) => Written | undefined,
  chains: readonly string[] = [],
): Promise<void> {
  const looked = async (client: Client) => {
    const result = await use(client)
    const change = changeOf(result)
    if (change !== undefined) await assertWritten(client, change)
    return result
  }
  if (chains.length > 0) await underLocks(database, chains, looked, written(changeOf))
  else await database.withTransaction(BEGIN, looked, written(changeOf))
}

/** If the claim ends too early, another restore may begin. Both insert the same rows, and one of them creates the head. */
async function restoring<T>(database: Database, domainId: string, use: () => Promise<T>): Promise<T> {
  const claims = new ChainClaims(database, 'restore')
  await claim(claims, domainId)
  try {
    const { head } = await database.read((client) => chainState(client, domainId))
    if (head !== undefined) throw exists(`chain ${domainId} already exists, with ${head.seq} rows`)
    return await use()
  } finally {
    await claims.release(domainId)
  }
}

/** Waits for the end of the claim of a restore that was killed. A claim that is renewed meanwhile is that of a running one. */
async function claim(claims: ChainClaims, domainId: string): Promise<void> {
  let first: string | undefined
  while (!(await claims.take(domainId))) {
    const renewed = await claims.renewedAt(domainId)
    first ??= renewed
    if (renewed !== undefined && renewed !== first) throw running(domainId)
    await sleep(LOOK_AGAIN)
  }
}

/** Inserts rows, and the stamps of those that have an object. What an earlier restore inserted stays as it is. */
async function insert(client: Client, rows: readonly RestoredRow[]): Promise<void> {
  const values = entryColumns(rows.map(({ entry }) => entry))
  const { rowCount } = await client.query(INSERT, values)
  if (rowCount !== rows.length) await assertSame(client, rows, values)
  await stamp(client, rows)
}

async function stamp(client: Client, rows: readonly RestoredRow[]): Promise<void> {
  const stored = rows.filter(({ etag }) => etag !== undefined)
  const [first, last] = [stored[0]?.entry, stored.at(-1)?.entry]
  if (first === undefined || last === undefined) return
  const seqs = stored.map(({ entry }) => entry.seq)
  await client.query(INSERT_STAMPS, [
    first.domainId,
    seqs,
    stored.map(({ etag }) => etag),
    first.seq,
    last.seq,
  ])
}

/** Throws `chain_exists` where a different row has the seq of a given one. */
async function assertSame(client: Client, rows: readonly RestoredRow[], values: unknown[]): Promise<void> {
  const { rows: others } = await client.query<{ seq: string }>(OTHER, values)
  const [other] = others
  if (other === undefined) return
  throw exists(`row ${other.seq} of chain ${rows[0]?.entry.domainId} exists and differs from the mirror`)
}

/**
 * Creates the head and the registry entry, records the Domain on a platform chain that lacks it, and returns the names that
 * it gave Domains. A crash before COMMIT leaves rows without a head; after COMMIT the chain exists.
 */
async function finish(
  client: Client,
  domainId: string,
  head: ChainHead,
  domain: RestoredDomain,
  creation: AppendItem | undefined,
): Promise<readonly GivenName[]> {
  const { rowCount } = await client.query(HEAD, [domainId, head.seq + 1, head.hash])
  if (rowCount !== 1) await assertTaken(client, domainId, head)
  const names = domainId === PLATFORM_ANCHOR ? await nameRestored(client) : []
  if (domainId !== PLATFORM_ANCHOR) await register(client, domainId, domain)
  if (creation !== undefined) await recordCreation(client, domainId, creation)
  await client.query('DELETE FROM audit_restore WHERE domain_id = $1', [domainId])
  return names
}

const TAKEN = `SELECT EXISTS (SELECT FROM audit_log_chain_head WHERE domain_id = $1)
  OR EXISTS (SELECT FROM audit_log_entry WHERE domain_id = $1 AND seq > $2) AS taken`

/** Throws: `chain_exists` where the chain has a head or later rows, else `write_undone`, since nothing kept the head out. */
async function assertTaken(client: Client, domainId: string, { seq }: ChainHead): Promise<never> {
  const { rows } = await client.query<{ taken: boolean }>(TAKEN, [domainId, seq])
  if (rows[0]?.taken !== true) throw withheld(`the head of chain ${domainId}, at row ${seq}`)
  throw exists(`chain ${domainId} got a head meanwhile, or has rows beyond ${seq}`)
}

async function register(
  client: Client,
  domainId: string,
  { mirrorUrl, createdAt, name }: RestoredDomain,
): Promise<void> {
  const { renamed, creation } = await domainClaims(client, domainId)
  const recorded = renamed ?? creation?.name ?? name ?? ''
  await client.query(DOMAIN, [domainId, mirrorUrl ?? null, formatTimestamp(createdAt), recorded])
}

const REGISTERED = `SELECT d.domain_id::text AS id, ${claimsColumns('d.domain_id')} FROM audit_domain d`

/** Gives Domains that were restored before the platform chain the names that it records. Changes no other name. */
async function nameRestored(client: Client): Promise<GivenName[]> {
  const given: GivenName[] = []
  const { rows } = await client.query<ClaimsRow & { id: string }>(REGISTERED)
  for (const row of rows) {
    const { registry, genesis, creation, renamed } = readClaims(row)
    const [recorded, current] = [renamed ?? creation?.name, registry[0]?.name]
    const isRestored = current === '' || current === genesis?.name
    if (recorded === undefined || recorded === current || !isRestored) continue
    await client.query('UPDATE audit_domain SET name = $2 WHERE domain_id = $1', [row.id, recorded])
    given.push({ domainId: row.id, name: recorded })
  }
  return given
}

function running(domainId: string): AuditError {
  return new AuditError('restore_running', `another restore of chain ${domainId} is running`, {
    advice: { code: 'wait_for_restore' },
  })
}

function exists(problem: string): AuditError {
  return new AuditError('chain_exists', problem, {
    advice: { code: 'verify_all_copies' },
  })
}
