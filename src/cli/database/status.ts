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
    ['missing', schema?.guards && listed(schema.guards.missing)],
    ['disabled', schema?.guards && listed(schema.guards.disabled)],
    ['added', schema?.guards && listed(schema.guards.added)],
  ])
}

/** Returns names as safe text: an attacker may have chosen them. */
function listed(names: readonly string[]): string | undefined {
  return names.length === 0 ? undefined : safe`${names.join(', ')}`
}

/** Returns a warning about missing or disabled guards, because somebody has removed them. */
export function databaseStatusWarning({ schema }: DatabaseStatus): string | undefined {
  const count = (schema?.guards?.missing.length ?? 0) + (schema?.guards?.disabled.length ?? 0)
  if (count === 0) return undefined
  return `${count} of the constraints and triggers that the migrations made are missing or disabled; run: audit verify --all`
}
