import type { ProbeLog } from '../ports/reconcile.js'
import type { Probe } from '../reconcile/probe.js'
import type { ProbeSettings } from '../reconcile/schedule.js'
import { openAlerts } from './alerts.js'
import type { Context } from './context.js'
import { openSidePool } from './database.js'
import { openQuarantineStore } from './quarantine.js'
import { openServerHeads } from './read/heads.js'

/** The pool for reading the ends of chains, and for saved progress. Segments have connections of their own. */
const POOL = {
  connections: 2,
  /** Milliseconds for reading the ends of all chains. One chain takes about 20 µs. */
  queryTimeout: 30_000,
}

/** The share of the time spent verifying while the server serves requests. */
const SHARE = 0.5

/** Returns the reconcile probe, not started. The caller closes it before the context. */
export async function openProbe(context: Context, settings: ProbeSettings, log: ProbeLog): Promise<Probe> {
  const alerts = await openAlerts(context, (line) => log.error({ note: line }, 'alert not delivered'))
  const [database, { Probe }, { PostgresSource }, { postgresReconcile }, { postgresQuarantineOverview }] =
    await Promise.all([
      openSidePool(context, POOL),
      import('../reconcile/probe.js'),
      import('../repo/verify/postgres-source.js'),
      import('../repo/reconcile/reconcile.js'),
      import('../repo/quarantine/quarantine-overview.js'),
    ])
  return new Probe({
    store: postgresReconcile(database),
    source: new PostgresSource(database),
    throttledSource: new PostgresSource(database, { share: SHARE }),
    headsOf: (await openServerHeads(context, database)).ofProbe,
    quarantine: await openQuarantineStore(context),
    overview: postgresQuarantineOverview(database),
    settings,
    log,
    alerts,
  })
}
