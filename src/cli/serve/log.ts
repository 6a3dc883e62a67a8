import { setTimeout as sleep } from 'node:timers/promises'
import pino from 'pino'
import type { HttpLog } from '../../http/deps.js'

/** Bytes that wait for a slow reader of stderr; lines beyond are dropped rather than kept, or waited for. */
const MAX_WAITING = 1024 * 1024

/** Milliseconds for the last lines. */
const PATIENCE = 500

export interface ServeLog extends HttpLog {
  /** Hands over what has not been written yet, to a reader who still takes it. */
  flush(): Promise<void>
}

/** One JSON object a line on stderr: time (RFC 3339), level, message, and the fields. */
export function serveLog(): ServeLog {
  const destination = pino.destination({ fd: 2, sync: false, maxLength: MAX_WAITING })
  // Nobody reads any more: that is no reason to stop serving.
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
    // Not flushSync: it would wait for ever for a reader that has stopped reading.
    flush: () =>
      Promise.race([new Promise<void>((resolve) => destination.flush(() => resolve())), sleep(PATIENCE)]),
  }
}
