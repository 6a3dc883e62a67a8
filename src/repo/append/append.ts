import pg from 'pg'
import { AuditError } from '../../base/errors.js'
import {
  type Appended,
  type AppendItem,
  type AtRefusal,
  DEFAULT_KEY_DAYS,
  type EntryStore,
  type Placed,
} from '../../ports/append.js'
import type { Client, Database } from '../session/database.js'
import { written } from '../session/written.js'
import { HeadRace, type OpenChain, openChains } from './append-chains.js'
import { ledgerOf } from './append-ledger.js'
import { Placement } from './append-placement.js'
import { beginChains } from './append-rows.js'
import { readKeys, writeKeys } from './idempotency-keys.js'
import { registered } from './registered-state.js'
import { underOpenLocks } from './under-locks.js'
import { writeContexts, writeSubjects } from './write-off-chain.js'
import { writeRows } from './write-rows.js'

type Outcomes = Promise<readonly Appended[]>

/** The settings of one group. */
interface Group {
  readonly atRefusal: AtRefusal
  readonly keyDays: number
}

/** Appends to the chains in PostgreSQL. */
export class PostgresEntryStore implements EntryStore {
  readonly #database: Database
  readonly #keyDays: number

  /** `keyDays` is the number of days for which an idempotency key is known. */
  constructor(database: Database, keyDays = DEFAULT_KEY_DAYS) {
    this.#database = database
    this.#keyDays = keyDays
  }

  async append(items: readonly AppendItem[], atRefusal: AtRefusal): Outcomes {
    const group = { atRefusal, keyDays: this.#keyDays }
    try {
      return await this.#underLocks(items, (client, open) => appendOpened(client, items, group, open))
    } catch (error) {
      if (!isAboutData(error)) throw error
    }
    // Nothing of the group is stored. One item that PostgreSQL refuses must not make the others fail.
    return this.#underLocks(items, (client) => appendApart(client, items, group))
  }

  #underLocks(
    items: readonly AppendItem[],
    write: (client: Client, open: readonly OpenChain[]) => Outcomes,
  ): Outcomes {
    const isRegistered = written((appended: readonly Appended[]) => registered(items, appended))
    return underOpenLocks(this.#database, chainsOf(items), write, isRegistered)
  }
}

/** Appends inside a transaction of {@link underLocks}. Rejects as an append is refused. */
export async function appendUnderLocks(client: Client, item: AppendItem): Promise<readonly Placed[]> {
  const [outcome = []] = await appendTogether(client, [item], {
    atRefusal: 'stop',
    keyDays: DEFAULT_KEY_DAYS,
  })
  if (outcome instanceof AuditError) throw outcome
  // A chain that this item started has its genesis row first.
  return outcome.slice(-item.rows.length)
}

async function appendTogether(client: Client, items: readonly AppendItem[], group: Group): Outcomes {
  return appendOpened(client, items, group, await openChains(client, chainsOf(items)))
}

async function appendOpened(
  client: Client,
  items: readonly AppendItem[],
  group: Group,
  open: readonly OpenChain[],
): Outcomes {
  const placement = new Placement(open, await readKeys(client, items, group.keyDays))
  const appended = placement.placeAll(items, group.atRefusal)
  if (placement.rows.length > 0) await write(client, placement, group.keyDays)
  return appended
}

async function write(client: Client, placement: Placement, keyDays: number): Promise<void> {
  await beginChains(client, placement)
  await writeRows(client, placement)
  const subjects = await writeSubjects(client, placement.rows)
  const contexts = await writeContexts(client, placement.rows)
  await writeKeys(client, placement.keys, keyDays)
  // Nothing fails after this, so no savepoint undoes it.
  ledgerOf(client).add(placement, { subjects, contexts })
}

/** Appends a group in which PostgreSQL refused something, slowly: each item has a savepoint, and all have one COMMIT. */
async function appendApart(client: Client, items: readonly AppendItem[], group: Group): Outcomes {
  const appended: Appended[] = []
  for (const item of items) {
    const outcome = await appendGuarded(client, item, group)
    appended.push(outcome)
    if (outcome instanceof AuditError && group.atRefusal === 'stop') break
  }
  return appended
}

async function appendGuarded(client: Client, item: AppendItem, group: Group): Promise<Appended> {
  await client.query('SAVEPOINT item')
  try {
    const [outcome = []] = await appendTogether(client, [item], group)
    await client.query('RELEASE SAVEPOINT item')
    return outcome
  } catch (error) {
    if (!isAboutData(error)) throw error
    await client.query('ROLLBACK TO SAVEPOINT item')
    return refusal(error, item)
  }
}

/** Returns every chain that the items start or append to. */
export function chainsOf(items: readonly AppendItem[]): string[] {
  const ids = new Set<string>()
  for (const { starts, rows } of items) {
    if (starts !== undefined) for (const domainId of starts.keys()) ids.add(domainId)
    for (const { domainId } of rows) ids.add(domainId)
  }
  return [...ids]
}

/** Returns whether an error is about the rows and not about the server: SQLSTATE class 22 (data) or 23 (integrity constraint). */
function isAboutData(error: unknown): boolean {
  if (error instanceof HeadRace) return false
  return /^2[23]/.test(serverError(error)?.code ?? '')
}

/** Returns the refusal with a message of our own, because the server's message may quote a value. */
function refusal(error: unknown, item: AppendItem): AuditError {
  const { code = '', table = '', constraint = '' } = serverError(error) ?? {}
  const options = { cause: error }
  if (code !== UNIQUE_VIOLATION) {
    return new AuditError('invalid_input', `Postgres refused the row (${code} ${constraint})`, options)
  }
  const chains = chainsOf([item]).join(', ')
  return table === 'audit_domain'
    ? new AuditError('domain_exists', `a Domain of ${chains} already exists`, options)
    : new AuditError('chain_conflict', `a row or head of ${chains} already exists (${constraint})`, {
        ...options,
        advice: { code: 'verify_all' },
      })
}

const UNIQUE_VIOLATION = '23505'

function serverError(error: unknown): pg.DatabaseError | undefined {
  const cause = error instanceof AuditError ? error.cause : error
  return cause instanceof pg.DatabaseError ? cause : undefined
}
