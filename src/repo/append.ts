import { AuditError } from '../errors.js'
import type { Appended, AppendItem, AtRefusal, EntryStore } from '../ports.js'
import { lockChains, openChains } from './append-chains.js'
import { Placement } from './append-placement.js'
import { writeChains, writeContexts, writeRows, writeSubjects } from './append-rows.js'
import type { Database } from './database.js'

/**
 * READ COMMITTED, said explicitly: the lock must be taken before the snapshot that reads the head. A server whose
 * synchronous_commit is weaker than "on" would acknowledge what a crash then takes back; stronger ones are left alone.
 */
const BEGIN = `BEGIN ISOLATION LEVEL READ COMMITTED READ WRITE;
  SELECT CASE WHEN current_setting('synchronous_commit') IN ('off', 'local')
    THEN set_config('synchronous_commit', 'on', true) END`

/** Appends to the chains in Postgres (ports.ts, EntryStore). */
export class PostgresEntryStore implements EntryStore {
  readonly #database: Database

  constructor(database: Database) {
    this.#database = database
  }

  async append(items: readonly AppendItem[], atRefusal: AtRefusal): Promise<readonly Appended[]> {
    try {
      return await this.#appendTogether(items, atRefusal)
    } catch (error) {
      if (!isAboutData(error)) throw error
    }
    // What Postgres itself refuses of one item must not take the others of its group with it.
    const appended: Appended[] = []
    for (const item of items) {
      const outcome = await this.#appendAlone(item)
      appended.push(outcome)
      if (outcome instanceof AuditError && atRefusal === 'stop') break
    }
    return appended
  }

  async #appendAlone(item: AppendItem): Promise<Appended> {
    try {
      const [appended = []] = await this.#appendTogether([item], 'stop')
      return appended
    } catch (error) {
      if (error instanceof AuditError && isAboutData(error)) return error
      throw error
    }
  }

  async #appendTogether(items: readonly AppendItem[], atRefusal: AtRefusal): Promise<readonly Appended[]> {
    return this.#database.withTransaction(BEGIN, async (client) => {
      const domainIds = [...new Set(items.flatMap(chainsOf))]
      await lockChains(client, domainIds)
      const placement = new Placement(await openChains(client, domainIds))
      const appended = placement.placeAll(items, atRefusal)
      // Dying anywhere before COMMIT leaves nothing: rows, heads, personal data and contexts are one transaction.
      if (placement.rows.length > 0) {
        await writeChains(client, placement)
        await writeRows(client, placement.rows)
        await writeSubjects(client, placement.rows)
        await writeContexts(client, placement.rows)
      }
      return appended
    })
  }
}

function chainsOf(item: AppendItem): string[] {
  return [...(item.starts?.keys() ?? []), ...item.rows.map((row) => row.domainId)]
}

/** SQLSTATE classes 22 (data exception) and 23 (integrity constraint) speak of the rows, not of the server. */
function isAboutData(error: unknown): boolean {
  const cause = error instanceof AuditError ? error.cause : error
  return cause instanceof Error && 'code' in cause && /^2[23]/.test(String(cause.code))
}
