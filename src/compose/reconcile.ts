import type { Probe, ProbeDeps } from '../reconcile/probe.js'
import type { ProbeSettings } from '../reconcile/schedule.js'
import { alertsOf } from './alerts.js'
import type { Context } from './context.js'
import { quarantineOf } from './query.js'

/** For looks and what is kept; segments have connections of their own. */
const CONNECTIONS = 2

/** Milliseconds for a look at the ends of all chains, of which each takes some 20 µs. */
const QUERY_TIMEOUT = 30_000

/** Of the time, that a segment works once the server serves: lists are served meanwhile. */
const SHARE = 0.5

/** The reconcile probe, not started; to be closed before the context is. */
export async function probeOf(
  context: Context,
  settings: ProbeSettings,
  log: ProbeDeps['log'],
): Promise<Probe> {
  const alerts = await alertsOf(context, (line) => log.error({ note: line }, 'alert not delivered'))
  // Checks the schema, or brings our own up to date.
  const { location } = await context.database()
  const [{ Probe }, { Database }, { PostgresSource }, { postgresReconcile }, { postgresQuarantineOverview }] =
    await Promise.all([
      import('../reconcile/probe.js'),
      import('../repo/session/database.js'),
      import('../repo/verify/postgres-source.js'),
      import('../repo/reconcile/reconcile.js'),
      import('../repo/quarantine/quarantine-overview.js'),
    ])
  const database = new Database(await context.databaseUrl(), CONNECTIONS, QUERY_TIMEOUT)
  if (location !== undefined) database.pinTo(location)
  context.onClose(() => database.close())
  return new Probe({
    store: postgresReconcile(database),
    source: new PostgresSource(database),
    gentleSource: new PostgresSource(database, { share: SHARE }),
    quarantine: await quarantineOf(context),
    overview: postgresQuarantineOverview(database),
    settings,
    log,
    alerts,
  })
}
