import type { DatabaseStatus } from './database-admin.js'
import { keyValues } from './table.js'

/** The JSON document of `audit db status`; `server` only for our own, `schema` only where one could be asked. */
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
    },
  }
}

export function databaseStatusText({ server, schema }: DatabaseStatus): string {
  return keyValues([
    ['database', server === undefined ? 'external' : 'its own'],
    ['running', server && (server.running ? `yes, process ${server.pid}` : 'no')],
    ['PostgreSQL', server?.version],
    ['data', server?.dataDir],
    ['log', server?.logFile],
    ['schema', schema && `${schema.version} of ${schema.latest}`],
    ['pending', schema && (schema.pending.map(({ name }) => name).join(', ') || 'none')],
  ])
}
