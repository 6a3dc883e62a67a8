import * as Flags from '@oclif/core/flags'
import type { ProbeSettings } from '../../reconcile/schedule.js'
import { durationFlag, HOUR, SECOND } from '../flags/duration.js'
import { integerFlag, parseInteger } from '../flags/integer.js'
import { PORTS } from './flags.js'

/** The flags of the reconcile probe and its metrics. Read with {@link probeSettingsFromFlags} and {@link metricsAddressFromFlags}. */
export const probeFlags = {
  'probe-every': durationFlag({
    min: SECOND / 10,
    max: 24 * HOUR,
    summary: 'time between two checks for new rows to verify, such as 30s, 5m or 1h; default: 30s',
  }),
  'full-every': durationFlag({
    min: SECOND / 10,
    max: 8_760 * HOUR,
    summary: 're-verify every row within this time; default: 24h',
  }),
  'probe-concurrency': integerFlag({
    min: 1,
    max: 32,
    summary: 'number of chains that the probe reads at once; default: 2',
  }),
  'metrics-host': Flags.string({
    helpValue: 'ADDRESS',
    summary: 'the address on which Prometheus scrapes metrics; default: 127.0.0.1',
  }),
  'metrics-port': Flags.custom<number | 'off'>({
    helpValue: 'N',
    parse: async (text) => (text === 'off' ? text : parseInteger(text, PORTS, ', or off')),
    summary: 'the port that Prometheus scrapes; 0 takes a free port, off serves no metrics; default: 9464',
  })(),
}

interface ProbeFlags {
  readonly 'probe-every'?: number | undefined
  readonly 'full-every'?: number | undefined
  readonly 'probe-concurrency'?: number | undefined
  readonly 'metrics-host'?: string | undefined
  readonly 'metrics-port'?: number | 'off' | undefined
}

/** Milliseconds of failing checks after which the probe is stalled. */
const FAILING_AFTER = 10 * SECOND
const METRICS_PORT = 9_464

export function probeSettingsFromFlags(flags: ProbeFlags): ProbeSettings {
  return {
    every: flags['probe-every'] ?? 30 * SECOND,
    fullEvery: flags['full-every'] ?? 24 * HOUR,
    concurrency: flags['probe-concurrency'] ?? 2,
    patience: FAILING_AFTER,
  }
}

/** Returns where to listen for scrapes; undefined for nowhere. */
export function metricsAddressFromFlags(
  flags: ProbeFlags,
): { readonly host: string; readonly port: number } | undefined {
  const { 'metrics-host': host = '127.0.0.1', 'metrics-port': port = METRICS_PORT } = flags
  return port === 'off' ? undefined : { host, port }
}
