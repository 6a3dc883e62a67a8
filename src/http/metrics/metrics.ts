import { Counter, collectDefaultMetrics, Gauge, Histogram, Registry } from 'prom-client'
import type { Figures } from '../../reconcile/figures.js'
import type { Answered } from '../deps.js'
import { reconcileMetrics } from './reconcile.js'
import { routeOf } from './routes.js'

export interface Metrics {
  /** Counts one answered request. */
  readonly onAnswered: (answered: Answered) => void
  /** Returns the metrics in the text format of Prometheus, from memory. */
  text(): Promise<string>
  readonly contentType: string
}

export interface MetricsDeps {
  readonly version: string
  readonly figures: () => Figures
}

/** Seconds. A proof takes a few milliseconds, the verification of a long chain takes minutes. */
const BUCKETS = [0.001, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 10, 60, 600]

/**
 * Registers every metric. Every label has a bounded set of values, and no value identifies a person or a request: routes are
 * templates, and the number of domain ids is limited (`MAX_CHAINS`).
 */
export function metricsOf({ version, figures }: MetricsDeps): Metrics {
  const registry = new Registry()
  collectDefaultMetrics({ register: registry })
  const build = new Gauge({
    name: 'audit_build_info',
    help: 'Always 1; the labels hold the versions of audit and of Node.js.',
    labelNames: ['version', 'node'],
    registers: [registry],
  })
  build.set({ version, node: process.version }, 1)
  let latest = figures()
  reconcileMetrics(registry, () => latest)
  return {
    onAnswered: requestMetrics(registry),
    text: () => {
      latest = figures()
      return registry.metrics()
    },
    contentType: registry.contentType,
  }
}

function requestMetrics(registry: Registry): (answered: Answered) => void {
  const requests = new Counter({
    name: 'audit_http_requests_total',
    help: 'Requests answered, by route template, method and status.',
    labelNames: ['route', 'method', 'status'],
    registers: [registry],
  })
  const durations = new Histogram({
    name: 'audit_http_request_duration_seconds',
    help: 'Seconds from the request to the end of its answer.',
    labelNames: ['route', 'method'],
    buckets: BUCKETS,
    registers: [registry],
  })
  return ({ operation, status, seconds }) => {
    const { route, method } = routeOf(operation)
    requests.inc({ route, method, status })
    durations.observe({ route, method }, seconds)
  }
}
