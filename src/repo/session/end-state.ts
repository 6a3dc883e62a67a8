import type pg from 'pg'
import { AuditError } from '../../base/errors.js'

/** What a transaction must have left behind. It is looked at after COMMIT: a deferred trigger runs only then. */
export interface EndState<T> {
  /**
   * Returns one SELECT. Its values are literals in it, since it goes to the server in one query with the settings of its
   * transaction. Returns undefined where nothing was written, and nothing is looked at.
   */
  query(result: T): string | undefined
  /** Throws `write_undone`, by {@link undone}, where the rows of the SELECT are not what was written. */
  assert(rows: readonly Record<string, unknown>[], result: T): void
  /** Names what was written, with its seqs: "rows 5 to 9 of chain …". */
  describe(result: T): string
}

/** Returns the error for a write that the database acknowledged and that is not there. `found` says what is there instead. */
export function undone(what: string, found: string): AuditError {
  return new AuditError('write_undone', `Postgres acknowledged ${what}, and then ${found}`, {
    advice: { code: 'find_undoing_trigger' },
  })
}

/**
 * Looks at end states, each in a transaction of its own that `begin` begins. That is one query, because a pooler may change
 * the connection between two. Throws `write_undone`, or `outcome_unknown` where a look itself fails, which names all that
 * was written.
 */
export async function assertEndStates<T>(
  client: pg.ClientBase,
  begin: string,
  states: readonly EndState<T>[],
  result: T,
): Promise<void> {
  const written = states.flatMap((state) => {
    const query = state.query(result)
    return query === undefined ? [] : [{ state, query }]
  })
  for (const { state, query } of written) {
    const rows = await look(client, `${begin}; ${query}; COMMIT`).catch((error: unknown) => {
      const what = written.map((one) => one.state.describe(result)).join(', ')
      throw new AuditError(
        'outcome_unknown',
        `Postgres acknowledged ${what}, and reading back failed: written or not is unknown`,
        { cause: error, advice: { code: 'look_before_repeating' } },
      )
    })
    state.assert(rows, result)
  }
}

/** Runs several statements as one query, and returns the rows of the last but one. */
async function look(client: pg.ClientBase, statements: string): Promise<Record<string, unknown>[]> {
  const results: unknown = await client.query(statements)
  const select: unknown = Array.isArray(results) ? results.at(-2) : undefined
  return (select as { rows: Record<string, unknown>[] }).rows
}
