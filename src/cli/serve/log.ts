import { setTimeout as sleep } from 'node:timers/promises'
import pino from 'pino'
import type { HttpLog } from '../../http/deps.js'
import type { ProbeLog, ProbeLogFields } from '../../ports/reconcile.js'

/** Bytes that may wait for a slow reader of stderr. Further lines are dropped. */
const MAX_WAITING = 1024 * 1024

/** Milliseconds for flushing the last lines. */
const FLUSH_TIMEOUT = 500

export interface ServeLog extends HttpLog {
  /** Flushes the lines that are not written yet. Gives up when the reader does not read. */
  flush(): Promise<void>
}

/** Returns a log that writes one JSON object per line to stderr: time (RFC 3339), level, message, and the fields. */
export function serveLog(): ServeLog {
  const destination = pino.destination({ fd: 2, sync: false, maxLength: MAX_WAITING })
  // Go on serving when the reader of the log is gone.
  destination.on('error', () => undefined)
  const options: pino.LoggerOptions = {
    base: null,
    messageKey: 'message',
    timestamp: pino.stdTimeFunctions.isoTime,
    formatters: { level: (level) => ({ level }) },
  }
  const log = pino(options, destination)
  return {
    info: (fields, message) => log.info(fields, message),
    warn: (fields, message) => log.warn(fields, message),
    error: (fields, message) => log.error(fields, message),
    // Do not use flushSync: it waits for ever if the reader has stopped reading.
    flush: () =>
      Promise.race([
        new Promise<void>((resolve) => destination.flush(() => resolve())),
        sleep(FLUSH_TIMEOUT),
      ]),
  }
}

/** Returns the log of the probe. Its lines name a chain as the other lines do: `domain_id`. */
export function probeLogOf(log: Pick<HttpLog, 'info' | 'error'>): ProbeLog {
  return {
    info: (fields, message) => log.info(wireFields(fields), message),
    error: (fields, message) => log.error(wireFields(fields), message),
  }
}

/** Returns the fields of a line, in their order. */
function wireFields(fields: ProbeLogFields): Record<string, unknown> {
  const named = Object.entries(fields).map(([name, value]) => [
    name === 'domainId' ? 'domain_id' : name,
    value,
  ])
  return Object.fromEntries(named)
}
