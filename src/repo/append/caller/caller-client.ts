import pg from 'pg'
import { AuditError } from '../../../base/errors.js'
import type { CallerClient } from '../../../ports/append.js'

/** Throws `usage` for a pool, whose queries may each use another connection, and for what is not a client. */
export function assertOneClient(client: unknown): asserts client is CallerClient {
  const got = isPool(client) ? 'a pool' : hasQuery(client) ? undefined : nameOf(client)
  if (got === undefined) return
  throw new AuditError('usage', `recordIn: expected one client inside a transaction, got ${got}`, {
    advice: { code: 'give_one_client' },
  })
}

function hasQuery(client: unknown): boolean {
  return (
    typeof client === 'object' && client !== null && 'query' in client && typeof client.query === 'function'
  )
}

/** A pool may come from another copy of `pg`, so its counters count too. */
function isPool(client: unknown): boolean {
  if (client instanceof pg.Pool) return true
  return hasQuery(client) && typeof (client as Partial<pg.Pool>).totalCount === 'number'
}

function nameOf(value: unknown): string {
  return typeof value === 'object' && value !== null ? 'an object without query()' : String(typeof value)
}

/** What a client answers to one statement. */
export interface Answer {
  /** The JSON documents that the statement returned, one in each row. */
  readonly documents: readonly unknown[]
}

/**
 * Runs statements as one query without parameters, and returns the answer to each. A statement that returns values returns
 * rows of one text, which is JSON: no type parser of the caller, and no wrapper that renames columns, changes it. Rejects with
 * `usage` where the client does not return one result for each statement.
 */
export async function run(client: CallerClient, statements: readonly string[]): Promise<Answer[]> {
  const result = await send(client, statements)
  const results = [result].flat()
  if (results.length === statements.length) return results.map(answerOf)
  throw new AuditError(
    'usage',
    `recordIn: expected a client that returns ${statements.length} results for ${statements.length} statements, got ${results.length}`,
    { advice: { code: 'give_one_client' } },
  )
}

/** Runs statements as one query, whatever the client returns. */
export function send(client: CallerClient, statements: readonly string[]): Promise<unknown> {
  return client.query(statements.join(';\n'))
}

function answerOf(result: unknown): Answer {
  const { rows = [] } = (result ?? {}) as { readonly rows?: object[] }
  return { documents: rows.flatMap(documentsIn) }
}

function documentsIn(row: object): unknown[] {
  const [text]: unknown[] = Object.values(row)
  return text === null || text === undefined ? [] : [documentOf(text)]
}

/** A type parser for text may return an object that holds the text, such as a String or a Buffer. */
function documentOf(text: unknown): unknown {
  try {
    return JSON.parse(String(text))
  } catch {
    throw new AuditError(
      'usage',
      `recordIn: expected JSON as text (type oid 25), got ${typeof text} from the type parser or the wrapper of the client`,
      { advice: { code: 'give_one_client' } },
    )
  }
}
