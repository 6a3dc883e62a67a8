import * as Flags from '@oclif/core/flags'
import { AuditError } from '../../base/errors.js'
import type { ProbeSettings } from '../../reconcile/schedule.js'

/** Of the commands that run the reconcile probe. Read with {@link probeSettingsOf} and {@link scrapesOf}. */
export const probeFlags = {
  'probe-every': Flags.string({
    helpValue: 'TIME',
    summary: 'between two looks for new rows to verify, as 30s, 5m or 1h; default: 30s',
  }),
  'full-every': Flags.string({
    helpValue: 'TIME',
    summary: 'within that every row is verified again; default: 24h',
  }),
  'probe-concurrency': Flags.string({
    helpValue: 'N',
    summary: 'chains that the probe reads at once; default: 2',
  }),
  'metrics-host': Flags.string({
    helpValue: 'ADDRESS',
    summary: 'the address that Prometheus scrapes; default: 127.0.0.1',
  }),
  'metrics-port': Flags.string({
    helpValue: 'N',
    summary: 'its port; 0 takes a free one, off serves no metrics; default: 9464',
  }),
}

type ProbeFlags = { readonly [Name in keyof typeof probeFlags]?: string | undefined }

const MAX_CONCURRENCY = 32
/** Milliseconds. */
const SECOND = 1_000
const HOUR = 3_600 * SECOND
const PATIENCE = 10 * SECOND
const METRICS_PORT = 9_464

/** Throws `usage`. */
export function probeSettingsOf(flags: ProbeFlags): ProbeSettings {
  const every = timeOf(flags, 'probe-every', 30 * SECOND, 24 * HOUR)
  const fullEvery = timeOf(flags, 'full-every', 24 * HOUR, 8_760 * HOUR)
  const text = flags['probe-concurrency'] ?? '2'
  const concurrency = /^\d{1,2}$/.test(text) ? Number(text) : 0
  if (concurrency >= 1 && concurrency <= MAX_CONCURRENCY) {
    return { every, fullEvery, concurrency, patience: PATIENCE }
  }
  throw new AuditError('usage', `--probe-concurrency: expected 1 to ${MAX_CONCURRENCY}`)
}

/** Where to listen for scrapes; undefined for nowhere. Throws `usage`. */
export function scrapesOf(flags: ProbeFlags): { readonly host: string; readonly port: number } | undefined {
  const { 'metrics-host': host = '127.0.0.1', 'metrics-port': text = String(METRICS_PORT) } = flags
  if (text === 'off') return undefined
  const port = /^\d{1,5}$/.test(text) ? Number(text) : -1
  if (port >= 0 && port <= 65_535) return { host, port }
  throw new AuditError('usage', '--metrics-port: expected 0 to 65535, or off')
}

const UNITS: Readonly<Record<string, number>> = { s: SECOND, m: 60 * SECOND, h: HOUR }

/** Milliseconds, from a tenth of a second on. */
function timeOf(
  flags: ProbeFlags,
  name: 'probe-every' | 'full-every',
  byDefault: number,
  most: number,
): number {
  const text = flags[name]
  if (text === undefined) return byDefault
  const [, count = '', unit = ''] = /^(\d{1,6}(?:\.\d{1,3})?)([smh])$/.exec(text) ?? []
  const time = Math.round(Number(count) * (UNITS[unit] ?? 0))
  if (time >= SECOND / 10 && time <= most) return time
  throw new AuditError('usage', `--${name}: expected a time as 30s, 5m or 24h, from 0.1s to ${most / HOUR}h`)
}
