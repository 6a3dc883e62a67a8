import { AuditError } from '../../../base/errors.js'
import type { AppendItem, CallerClient, Placed } from '../../../ports/append.js'
import { chainsOf } from '../append.js'
import { type OpenChain, type OpenRow, openChainOf, openQuery } from '../append-chains.js'
import { Placement } from '../append-placement.js'
import { keysOf, keysQuery, type ReadRow, seenKeysOf } from '../idempotency-keys.js'
import { inSchema } from '../qualified-names.js'
import { assertLocked, assertSession } from './assert-session.js'
import { type Answer, run } from './caller-client.js'
import type { CallerTarget } from './caller-target.js'
import { failureOf } from './failing.js'
import { lateLockStatement, lockStatement, type SessionAnswer, uuids } from './lock-statements.js'
import { type EndRow, lookStatements, soundChain } from './look-statement.js'
import { newOwner } from './owner.js'
import { personalData } from './personal-data.js'
import { endSavepoint, ownerStatements, RELEASE, SAVEPOINT } from './savepoint.js'
import { serverError } from './server-error.js'
import { writeStatements } from './write-statements.js'

export interface CallerAppend {
  readonly target: CallerTarget
  /** Days for which an idempotency key is known. */
  readonly keyDays: number
  /** Is called with the backend and the id of a transaction that has locked chains. */
  readonly onLock: (pid: number, xid: string) => void
}

/** The first item that is refused. */
export interface Refused {
  readonly index: number
  readonly error: AuditError
}

interface OwnedAppend extends CallerAppend {
  readonly owner: string
}

/** The chains under their locks, and their keys. */
interface Opened {
  readonly chains: readonly OpenChain[]
  readonly keys: readonly ReadRow[]
}

/** Times that one call begins again because another transaction began the same chain, or the clock was set back. */
const MOST_RACES = 5

/** Chains that are looked at one by one. More chains are opened by one statement. */
const MOST_LOOKS = 8

/**
 * Appends items in the transaction that the caller has begun on its client: all of them, or none. Returns the rows of each
 * item, or the first item that is refused. Only the caller's COMMIT makes the rows durable. Every failure is an AuditError.
 * After each but `retry_transaction`, `rollback_required` and a lost connection, the transaction is as it was before, except
 * that it may hold the locks of the chains. Calls on one client must run one after the other.
 */
export async function appendInTransaction(
  client: CallerClient,
  items: readonly AppendItem[],
  append: CallerAppend,
): Promise<readonly (readonly Placed[])[] | Refused> {
  for (let races = 0; ; races += 1) {
    try {
      return await appendOnce(client, items, append)
    } catch (error) {
      const ended = await endSavepoint(client, error)
      if (ended.code === 'rollback_required' || !isRace(error) || races >= MOST_RACES) throw ended
    }
  }
}

/** Two queries, and one more for personal data, and one more where a chain is out of order or must be judged. */
async function appendOnce(client: CallerClient, items: readonly AppendItem[], append: CallerAppend) {
  const owner = newOwner()
  const { chains, keys } = await lockAndOpen(client, items, { ...append, owner })
  const placement = new Placement(chains, seenKeysOf(keys))
  const appended = placement.placeAll(items, 'stop')
  const refused = refusedIn(appended)
  const expired = keys.filter((key) => key.expired).map((row) => ({ domainId: row.domain_id, key: row.key }))
  if (refused !== undefined || placement.rows.length === 0) await run(client, [RELEASE])
  else await write(client, placement, { ...append, owner, expired })
  if (refused !== undefined) return refused
  // A chain that an item started has its genesis row first.
  return (appended as Placed[][]).map((placed, i) => placed.slice(-(items[i]?.rows.length ?? 0)))
}

/** Locks the chains, and reads them with snapshots from after the lock. Leaves the second savepoint. */
async function lockAndOpen(
  client: CallerClient,
  items: readonly AppendItem[],
  { target, keyDays, onLock, owner }: OwnedAppend,
): Promise<Opened> {
  const { schema } = target
  const domainIds = chainsOf(items).sort()
  const looked = domainIds.length > MOST_LOOKS ? [] : domainIds
  const keyed = keyStatements(items, schema, keyDays)
  const [, session, , , ...read] = await run(client, [
    SAVEPOINT,
    lockStatement(schema, domainIds, owner),
    RELEASE,
    SAVEPOINT,
    ...looked.flatMap((domainId) => lookStatements(schema, domainId)),
    ...keyed,
  ])
  const { heads, ordered, pid, xid, clock } = assertSession(session?.documents[0] as SessionAnswer, target)
  if (xid !== null) onLock(pid, xid)
  const again = openStatement(domainIds, schema)
  if (!ordered) {
    const locking = [lateLockStatement(schema, domainIds), RELEASE, SAVEPOINT]
    const [, , , locked, , , ...reread] = await run(client, [
      ...ownerStatements(owner),
      ...locking,
      again,
      ...keyed,
    ])
    assertLocked(locked?.documents[0] as { missed: readonly string[] | null })
    return openedIn(reread)
  }
  const sound = looked.flatMap((domainId, i) => {
    const look = {
      head: heads?.find(([id]) => id === domainId),
      end: (read[2 * i]?.documents ?? []) as EndRow[],
      genesis: read[2 * i + 1]?.documents[0] as string | undefined,
    }
    return soundChain(look, BigInt(clock)) ?? []
  })
  const keys = read.slice(2 * looked.length)
  if (sound.length === domainIds.length) return { chains: sound, keys: keysIn(keys[0]) }
  const [, , , open] = await run(client, [...ownerStatements(owner), again])
  return openedIn([open, ...keys])
}

function openedIn([open, keys]: readonly (Answer | undefined)[]): Opened {
  return { chains: ((open?.documents[0] ?? []) as OpenRow[]).map(openChainOf), keys: keysIn(keys) }
}

function keysIn(answer: Answer | undefined): ReadRow[] {
  return (answer?.documents[0] ?? []) as ReadRow[]
}

function openStatement(domainIds: readonly string[], schema: string): string {
  return allOf(openQuery(uuids(domainIds), inSchema(schema)))
}

/** Returns the statement that reads the keys of the items, if they have any. */
function keyStatements(items: readonly AppendItem[], schema: string, keyDays: number): string[] {
  const wanted = keysOf(items)
  if (wanted.length === 0) return []
  const keys = {
    domainIds: uuids(wanted.map(({ domainId }) => domainId)),
    keys: uuids(wanted.map(({ key }) => key)),
    days: String(keyDays),
  }
  return [allOf(keysQuery(keys, inSchema(schema)))]
}

/** Returns a query for all rows of a query, as one JSON array. */
function allOf(query: string): string {
  return `SELECT coalesce(pg_catalog.json_agg(q), '[]')::pg_catalog.text FROM (${query}) AS q`
}

function refusedIn(appended: readonly (readonly Placed[] | AuditError)[]): Refused | undefined {
  const index = appended.length - 1
  const error = appended[index]
  return error instanceof AuditError ? { index, error } : undefined
}

interface WriteAppend extends OwnedAppend {
  readonly expired: readonly { readonly domainId: string; readonly key: string }[]
}

/** Writes and ends the savepoint in one query. It fails before the first row where the savepoint is not that of this call. */
async function write(
  client: CallerClient,
  placement: Placement,
  { owner, target, keyDays, expired, onLock }: WriteAppend,
): Promise<void> {
  const { schema } = target
  const personal = personalData(placement, inSchema(schema))
  // Outside of the transaction, where it would be a transaction of its own, this query stores nothing.
  if (personal !== undefined) await client.query(personal.give.sql, [...personal.give.values])
  const statements = writeStatements(placement, personal?.writes ?? [], { schema, keyDays, owner, expired })
  const answers = await run(client, [...ownerStatements(owner), ...statements, RELEASE])
  const [, pid, xid] = (answers.at(-2)?.documents[0] ?? []) as [string?, number?, string?]
  if (pid !== undefined && xid !== undefined) onLock(pid, xid)
}

/** Returns whether the same call may well succeed at once: a head came, or the clock was set back between two queries. */
function isRace(error: unknown): boolean {
  if (failureOf(error)?.table === 'audit_log_chain_head') return true
  const { code, table, constraint } = serverError(error)
  return (code === '23505' && table === 'audit_log_chain_head') || constraint === 'audit_log_entry_not_ahead'
}
