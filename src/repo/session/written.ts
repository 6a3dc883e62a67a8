import { AuditError } from '../../base/errors.js'
import type { Placed } from '../../ports/append.js'
import type { Client } from './database.js'
import { type EndState, undone } from './end-state.js'

/** A change that a transaction made, and how to see after COMMIT that it is there. */
export interface Written {
  /** Names the change: "legal hold 3 on chain …". */
  readonly what: string
  /**
   * An SQL expression for a boolean: true where the change is there, or was lawfully changed since by another program.
   * Values are literals in it.
   */
  readonly isThere: string
  /** Completes "Postgres acknowledged … and then" where the change is not there: "the hold was gone". */
  readonly otherwise: string
  /** Statements that set how the expression is planned. */
  readonly settings?: string | undefined
}

/** Returns the end state of a change. `changeOf` returns undefined for a result that changed nothing. */
export function written<T>(changeOf: (result: T) => Written | undefined): EndState<T> {
  return {
    query: (result) => {
      const change = changeOf(result)
      if (change === undefined) return undefined
      const settings = change.settings === undefined ? '' : `${change.settings}; `
      return `${settings}SELECT coalesce((${change.isThere}), false) AS is_there`
    },
    assert: (rows, result) => {
      const change = changeOf(result)
      if (change !== undefined && rows[0]?.is_there !== true) throw undone(change.what, change.otherwise)
    },
    describe: (result) => changeOf(result)?.what ?? 'a transaction that changed nothing',
  }
}

/**
 * Returns SQL that is true where a chain has a row with this relation after the given row. It lets a look after COMMIT
 * accept that another program has lawfully reversed the change meanwhile: every reversal appends such a row.
 */
export function recordedAfter(row: Pick<Placed, 'domainId' | 'seq'> | undefined, relation: string): string {
  if (row === undefined) return 'false'
  return `EXISTS (SELECT FROM audit_log_entry
    WHERE domain_id = '${row.domainId}' AND seq > ${row.seq} AND relation = '${relation}')`
}

/** Returns SQL for a bytea array. The texts must be checked to be hex digits. */
export function byteaArray(hexes: readonly string[]): string {
  return `ARRAY(SELECT decode(hex, 'hex') FROM unnest('{${hexes.join(',')}}'::text[]) AS hex)`
}

/** Throws `write_undone` where the transaction itself sees that a change is not there, or is there with other values. */
export async function assertWritten(client: Client, { what, isThere, settings }: Written): Promise<void> {
  if (settings !== undefined) await client.query(settings)
  const { rows } = await client.query<{ is_there: boolean | null }>(`SELECT ${isThere} AS is_there`)
  if (rows[0]?.is_there !== true) throw notWritten(`withheld or altered ${what}`)
}

/** Returns the error for a change that the transaction itself sees withheld. Throw it inside the transaction. */
export function withheld(what: string): AuditError {
  return notWritten(`withheld ${what}`)
}

function notWritten(what: string): AuditError {
  return new AuditError('write_undone', `a trigger or rule of Postgres ${what}; nothing was changed`, {
    advice: { code: 'find_undoing_trigger' },
  })
}
