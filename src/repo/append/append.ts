import pg from 'pg'
import { AuditError } from '../../base/errors.js'
import type { Appended, AppendItem, AtRefusal, EntryStore, Placed } from '../../ports/append.js'
import { type Client, type Database, DURABLE } from '../session/database.js'
import { lockChains, openChains } from './append-chains.js'
import { Placement } from './append-placement.js'
import { writeChains, writeContexts, writeSubjects } from './append-rows.js'
import { DEFAULT_KEY_DAYS, readKeys, writeKeys } from './idempotency-keys.js'
import { writeRows } from './write-rows.js'

/**
 * READ COMMITTED, said explicitly: the lock must be taken before the snapshot that reads the head. Not READ WRITE: a
 * database that its administrator made read-only is to refuse.
 */
const BEGIN = `BEGIN ISOLATION LEVEL READ COMMITTED; ${DURABLE}`

type Outcomes = Promise<readonly Appended[]>

/** How one group is appended. */
interface Group {
  readonly atRefusal: AtRefusal
  readonly keyDays: number
}

/** Appends to the chains in Postgres (ports.ts, EntryStore). */
export class PostgresEntryStore implements EntryStore {
  readonly #database: Database
  readonly #keyDays: number

  /** `keyDays`: for how long an idempotency key is known. */
  constructor(database: Database, keyDays = DEFAULT_KEY_DAYS) {
    this.#database = database
    this.#keyDays = keyDays
  }

  async append(items: readonly AppendItem[], atRefusal: AtRefusal): Outcomes {
    const group = { atRefusal, keyDays: this.#keyDays }
    try {
      return await this.#underLocks(items, (client) => appendTogether(client, items, group))
    } catch (error) {
      if (!isAboutData(error)) throw error
    }
    // Nothing of the group is there. What Postgres itself refuses of one item must not take the others with it.
    return this.#underLocks(items, (client) => appendApart(client, items, group))
  }

  #underLocks(items: readonly AppendItem[], write: (client: Client) => Outcomes): Outcomes {
    return underLocks(this.#database, chainsOf(items), write)
  }
}

/**
 * One transaction that has the chains to itself, as an append has. Dying anywhere before COMMIT leaves nothing: rows,
 * heads, personal data and contexts are one transaction.
 */
export function underLocks<T>(
  database: Database,
  domainIds: readonly string[],
  use: (client: Client) => Promise<T>,
): Promise<T> {
  return database.withTransaction(BEGIN, async (client) => {
    await lockChains(client, domainIds)
    return use(client)
  })
}

/** Appends inside a transaction of {@link underLocks}. Rejects with what an append is refused with. */
export async function appendUnderLocks(client: Client, item: AppendItem): Promise<readonly Placed[]> {
  const [outcome = []] = await appendTogether(client, [item], {
    atRefusal: 'stop',
    keyDays: DEFAULT_KEY_DAYS,
  })
  if (outcome instanceof AuditError) throw outcome
  // A chain that this item started has its genesis row in front.
  return outcome.slice(-item.rows.length)
}

async function appendTogether(client: Client, items: readonly AppendItem[], group: Group): Outcomes {
  const open = await openChains(client, chainsOf(items))
  const placement = new Placement(open, await readKeys(client, items, group.keyDays))
  const appended = placement.placeAll(items, group.atRefusal)
  if (placement.rows.length > 0) {
    await writeChains(client, placement)
    await writeRows(client, placement.rows)
    await writeSubjects(client, placement.rows)
    await writeContexts(client, placement.rows)
    await writeKeys(client, placement.keys, group.keyDays)
  }
  return appended
}

/** The slow road of a group in which Postgres has refused something: each item under a savepoint, one COMMIT for all. */
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

/** Every chain that the items concern. */
export function chainsOf(items: readonly AppendItem[]): string[] {
  const ids = items.flatMap(({ starts, rows }) => [
    ...(starts?.keys() ?? []),
    ...rows.map((row) => row.domainId),
  ])
  return [...new Set(ids)]
}

/** SQLSTATE classes 22 (data exception) and 23 (integrity constraint) speak of the rows, not of the server. */
function isAboutData(error: unknown): boolean {
  return /^2[23]/.test(serverError(error)?.code ?? '')
}

/** The message is our own, for the server's may quote a value. */
function refusal(error: unknown, item: AppendItem): AuditError {
  const { code = '', table = '', constraint = '' } = serverError(error) ?? {}
  const options = { cause: error }
  if (code !== UNIQUE_VIOLATION) {
    return new AuditError('invalid_input', `Postgres refused the row (${code} ${constraint})`, options)
  }
  const chains = chainsOf([item]).join(', ')
  return table === 'audit_domain'
    ? new AuditError('domain_exists', `a Domain of ${chains} exists already`, options)
    : new AuditError('chain_conflict', `a row or head of ${chains} is there already (${constraint})`, {
        ...options,
        advice: { code: 'verify_all' },
      })
}

const UNIQUE_VIOLATION = '23505'

function serverError(error: unknown): pg.DatabaseError | undefined {
  const cause = error instanceof AuditError ? error.cause : error
  return cause instanceof pg.DatabaseError ? cause : undefined
}
