import { createSecureContext } from 'node:tls'
import { AuditError } from '../../base/errors.js'
import { checkAlertSettings } from '../../compose/alerts.js'
import type { Context } from '../../compose/context.js'
import { openProbe } from '../../compose/reconcile.js'
import type { AppOptions } from '../../http/app.js'
import type { Listening } from '../../http/connection/server.js'
import type { HttpDeps } from '../../http/deps.js'
import type { Metrics } from '../../http/metrics/metrics.js'
import type { MetricsListening } from '../../http/metrics/server.js'
import type { Access } from '../../ports/access.js'
import type { Probe } from '../../reconcile/probe.js'
import type { ProbeSettings } from '../../reconcile/schedule.js'
import { readPem } from '../flags/read-pem.js'
import type { Output } from '../output/output.js'
import { CommandError } from '../shell/command-error.js'
import { EXIT, type ExitCode } from '../shell/exit-codes.js'
import { httpDepsOf } from './http-deps.js'

export interface ServeOptions {
  readonly host: string
  /** 0: any free port. */
  readonly port: number
  /** PEM files; both or neither. */
  readonly tlsCert?: string | undefined
  readonly tlsKey?: string | undefined
  readonly trustedProxies: readonly string[]
  readonly maxVerifies: number
  readonly probeSettings: ProbeSettings
  /** Where Prometheus scrapes. Absent: nowhere. */
  readonly metricsAddress?: { readonly host: string; readonly port: number } | undefined
  readonly version: string
  readonly json: boolean
}

/** Milliseconds that running requests get at the end. Part of the time that a stop may take in total. */
const DRAIN = 7_000

/**
 * Serves until the signal, and then shuts down in order: answers the running requests and writes the denials. Does the same and
 * rejects with `schema_newer` once a newer program has migrated the database to tables that this one cannot read.
 */
export async function runServe(
  options: ServeOptions,
  context: Context,
  out: Output,
  signal: AbortSignal,
  access: () => Promise<Access>,
): Promise<ExitCode> {
  const appOptions = await appOptionsOf(options)
  // Before a database is opened, which might be created.
  await checkAlertSettings()
  const { serveLog, probeLogOf } = await import('./log.js')
  const log = serveLog()
  const granted = await access()
  const probe = await openProbe(context, options.probeSettings, probeLogOf(log))
  const metrics = await metricsOfProbe(probe, options.version)
  const { maxVerifies } = options
  const { onAnswered } = metrics
  const deps = await httpDepsOf(context, granted, { log, maxVerifies, integrity: probe, onAnswered })
  let scraped: MetricsListening | undefined
  try {
    scraped = await listenForPrometheus(metrics, options.metricsAddress)
    const listening = await listenForCallers(deps, appOptions, options)
    probe.start()
    await printUrl(listening.url, scraped?.url, options, out)
    const outdated = await Promise.race([aborted(signal), probe.outdated])
    log.info({ reason: outdated?.code ?? String(signal.reason?.message ?? '') }, 'draining')
    await listening.drain(DRAIN)
    if (outdated !== undefined) throw outdated
  } finally {
    await Promise.all([scraped?.close(), probe.close()])
    await deps.denials.close()
    await log.flush()
  }
  return EXIT.done
}

async function metricsOfProbe(probe: Probe, version: string): Promise<Metrics> {
  const { metricsOf } = await import('../../http/metrics/metrics.js')
  return metricsOf({ version, figures: () => probe.figures() })
}

async function listenForCallers(
  deps: HttpDeps,
  appOptions: AppOptions,
  { host, port }: ServeOptions,
): Promise<Listening> {
  const [{ buildApp }, { listen }] = await Promise.all([
    import('../../http/app.js'),
    import('../../http/connection/server.js'),
  ])
  return listen(await buildApp(deps, appOptions), host, port).catch(cannotListen(host, port, '--port'))
}

async function listenForPrometheus(
  metrics: Metrics,
  address: ServeOptions['metricsAddress'],
): Promise<MetricsListening | undefined> {
  if (address === undefined) return undefined
  const { listenForScrapes } = await import('../../http/metrics/server.js')
  return listenForScrapes(metrics, address.host, address.port).catch(
    cannotListen(address.host, address.port, '--metrics-port'),
  )
}

async function printUrl(
  url: string,
  metricsUrl: string | undefined,
  { json }: ServeOptions,
  out: Output,
): Promise<void> {
  if (json) await out.json({ url, ...(metricsUrl !== undefined && { metrics_url: metricsUrl }) })
  else await out.line(url)
}

async function appOptionsOf({ tlsCert, tlsKey, trustedProxies }: ServeOptions): Promise<AppOptions> {
  const proxies = trustedProxies.length === 0 ? {} : { trustedProxies }
  if (tlsCert === undefined || tlsKey === undefined) return proxies
  const [cert, key] = await Promise.all([readPem('--tls-cert', tlsCert), readPem('--tls-key', tlsKey)])
  assertPair(cert, key)
  return { ...proxies, tls: { cert, key } }
}

/** Throws `usage` for a certificate and a key that do not match. Without the check, creating the server would throw. */
function assertPair(cert: Buffer, key: Buffer): void {
  try {
    createSecureContext({ cert, key })
  } catch (error) {
    const message = '--tls-cert, --tls-key: expected a certificate and its private key, in PEM'
    throw new AuditError('usage', message, { cause: error })
  }
}

/** Returns a handler that rejects with `listen_failed`, naming the address and the flag that chose the port. */
function cannotListen(host: string, port: number, flag: '--port' | '--metrics-port') {
  return (error: NodeJS.ErrnoException): never => {
    const address = `${host.includes(':') ? `[${host}]` : host}:${port}`
    throw new CommandError(
      'listen_failed',
      `cannot listen on ${address} (${flag}): ${LISTEN_PROBLEMS[error.code ?? ''] ?? error.code ?? error.name}`,
      `give another ${flag}; port 0 takes any free one`,
    )
  }
}

const LISTEN_PROBLEMS: Readonly<Record<string, string>> = {
  EADDRINUSE: 'the port is in use',
  EACCES: 'this user may not listen on that port',
  EADDRNOTAVAIL: 'the address does not belong to this machine',
  ENOTFOUND: 'the host is not known',
}

function aborted(signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal.aborted) resolve()
    else signal.addEventListener('abort', () => resolve(), { once: true })
  })
}
