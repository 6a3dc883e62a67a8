import { AuditError } from '../../base/errors.js'
import { quotedLiteral } from './quoted-literal.js'

/**
 * The settings that decide which rows a query sees and how their text reaches this program. A database, a role or a login
 * trigger may have set others. row_security is off so that a policy that hides rows from this role is an error.
 */
const FIXED: Readonly<Record<string, string>> = {
  client_encoding: 'UTF8',
  row_security: 'off',
  DateStyle: 'ISO, MDY',
  IntervalStyle: 'postgres',
  TimeZone: 'UTC',
  bytea_output: 'hex',
  extra_float_digits: '1',
  standard_conforming_strings: 'on',
  array_nulls: 'on',
  transform_null_equals: 'off',
  quote_all_identifiers: 'off',
}

export interface SessionSettings {
  /** Milliseconds that a statement waits for a lock. */
  readonly lockTimeout: number
  /** The value of search_path; absent where the schema is still to be found. */
  readonly searchPath?: string | undefined
}

/** The session_replication_role with which triggers fire. */
export const TRIGGERS_FIRE = 'origin'

/**
 * Returns the SELECT that makes the settings of one transaction, and whose row says what is in force. Names are qualified
 * because the search_path may still lead to functions of somebody else.
 */
export function settingsQuery(settings: SessionSettings): string {
  const set = ([name, value]: readonly [string, string]) =>
    `pg_catalog.set_config('${name}', ${quotedLiteral(value)}, true) AS "${name}"`
  return `SELECT ${[
    `pg_catalog.current_setting('session_replication_role') AS session_replication_role`,
    'pg_catalog.pg_backend_pid() AS pid',
    set(['lock_timeout', `${Math.trunc(settings.lockTimeout)}ms`]),
    ...Object.entries(expectedSettings(settings)).map(set),
  ].join(', ')}`
}

function expectedSettings({ searchPath }: SessionSettings): Readonly<Record<string, string>> {
  return searchPath === undefined ? FIXED : { ...FIXED, search_path: searchPath }
}

/** What {@link settingsQuery} found of a session. */
interface Session {
  readonly replicationRole: string
  /** The process id of its backend. */
  readonly pid: number
}

/**
 * Returns the session of a transaction that was begun with {@link settingsQuery}. `results`: what the
 * driver returned for the whole query. Throws `database_failed` unless every setting is in force.
 */
export function assertSettings(results: unknown, settings: SessionSettings): Session {
  const inForce = settingsIn(results)
  for (const [name, expected] of Object.entries(expectedSettings(settings))) {
    const got = inForce[name]
    if (got === expected) continue
    throw new AuditError(
      'database_failed',
      `setting ${name} of the transaction: expected ${expected}, got ${String(got ?? 'no answer')}`,
    )
  }
  return { replicationRole: String(inForce.session_replication_role), pid: Number(inForce.pid) }
}

function settingsIn(results: unknown): Readonly<Record<string, unknown>> {
  const all = (Array.isArray(results) ? results : [results]) as {
    rows: Readonly<Record<string, unknown>>[]
  }[]
  return all.map(({ rows }) => rows[0] ?? {}).find((row) => 'session_replication_role' in row) ?? {}
}

/** Throws `triggers_off` for a session in which the triggers of the tables do not fire: no write is guarded then. */
export function assertTriggersFire(replicationRole: string): void {
  if (replicationRole === TRIGGERS_FIRE) return
  throw new AuditError(
    'triggers_off',
    `session_replication_role of the connection: expected ${TRIGGERS_FIRE}, got ${replicationRole}; triggers do not guard the tables, and nothing was written`,
    { advice: { code: 'reset_replication_role' } },
  )
}
