import { AuditError } from '../../base/errors.js'
import type { GuardStatus } from '../../ports/database.js'
import { safe } from '../output/safe-text.js'
import { keyValues } from '../output/table.js'
import type { DatabaseStatus } from './admin.js'

/** Returns the JSON of `audit db status`: `server` only for an embedded server, `schema` only if the database was reachable. */
export function databaseStatusDocument({ server, schema }: DatabaseStatus): Record<string, unknown> {
  return {
    embedded: server !== undefined,
    server: server && {
      running: server.running,
      pid: server.pid,
      postgres: server.version,
      data_dir: server.dataDir,
      log_file: server.logFile,
    },
    schema: schema && {
      version: schema.version,
      latest: schema.latest,
      pending: schema.pending,
      applied: schema.applied.map(({ version, name, appliedAt }) => ({
        version,
        name,
        applied_at: appliedAt,
      })),
      name: schema.location?.schema,
      elsewhere: schema.location?.elsewhere,
      guards: schema.guards,
    },
  }
}

export function databaseStatusText({ server, schema }: DatabaseStatus): string {
  return keyValues([
    ['database', server === undefined ? 'external' : 'embedded'],
    ['running', server && (server.running ? `yes, process ${server.pid}` : 'no')],
    ['PostgreSQL', server?.version],
    ['data', server?.dataDir],
    ['log', server?.logFile],
    ['schema', schema && `${schema.version} of ${schema.latest}`],
    ['pending', schema && (schema.pending.map(({ name }) => name).join(', ') || 'none')],
    ['in schema', schema?.location && safe`${schema.location.schema}`],
    ['elsewhere', schema?.location && listed(schema.location.elsewhere)],
    ...guardLines(schema?.guards),
  ])
}

/** Returns names as safe text: an attacker may have chosen them. */
function listed(names: readonly string[]): string | undefined {
  return names.length === 0 ? undefined : safe`${names.join(', ')}`
}

/** The lists of guards that must be empty in a healthy database, in the order of the output. */
const WEAKNESSES = ['missing', 'disabled', 'altered', 'exposed', 'settings'] as const

function guardLines(guards: GuardStatus | undefined): (readonly [string, string | undefined])[] {
  return [...WEAKNESSES, 'added' as const].map((kind) => [kind, guards && listed(guards[kind])] as const)
}

/** Throws `guards_missing` if a guard of the migrations does not hold. */
export function assertGuards({ schema }: DatabaseStatus): void {
  const { guards } = schema ?? {}
  if (guards === undefined) return
  const weak = WEAKNESSES.filter((kind) => guards[kind].length > 0)
  if (weak.length === 0) return
  const counts = weak.map((kind) => `${guards[kind].length} ${kind}`).join(', ')
  throw new AuditError('guards_missing', `the guards of the migrations do not all hold: ${counts}`, {
    advice: { code: 'look_at_guards' },
  })
}

/** Returns a warning about objects that somebody added: they may be harmless, and no guard is missing. */
export function databaseStatusWarning({ schema }: DatabaseStatus): string | undefined {
  const { added = [] } = schema?.guards ?? {}
  if (added.length === 0) return undefined
  return safe`note: added to the tables, and able to change what is written or read: ${added.join(', ')}`
}
