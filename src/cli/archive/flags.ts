import * as Flags from '@oclif/core/flags'
import { AuditError } from '../../base/errors.js'
import { MAX_UPLOADS_IN_FLIGHT } from '../../ports/archive.js'
import { mirrorFlags } from '../flags/mirror.js'

const CONCURRENCY = 16

/** The flags of the commands that upload. {@link concurrencyOf} parses `concurrency`. */
export const uploadFlags = {
  ...mirrorFlags,
  concurrency: Flags.string({
    helpValue: 'N',
    summary: `uploads in flight to each mirror, 1 to ${MAX_UPLOADS_IN_FLIGHT}; default: ${CONCURRENCY}`,
  }),
}

/** Throws `usage`. */
export function concurrencyOf(text: string | undefined): number {
  if (text === undefined) return CONCURRENCY
  const value = /^[1-9]\d{0,3}$/.test(text) ? Number(text) : 0
  if (value >= 1 && value <= MAX_UPLOADS_IN_FLIGHT) return value
  throw new AuditError('usage', `--concurrency: expected a number from 1 to ${MAX_UPLOADS_IN_FLIGHT}`)
}

const POLL_INTERVAL = 1_000
const MAX_POLL_SECONDS = 3_600

/** Milliseconds. Throws `usage`. */
export function pollIntervalOf(text: string | undefined): number {
  if (text === undefined) return POLL_INTERVAL
  const seconds = /^\d{1,4}(\.\d{1,3})?$/.test(text) ? Number(text) : 0
  if (seconds >= 0.01 && seconds <= MAX_POLL_SECONDS) return Math.round(seconds * 1_000)
  throw new AuditError('usage', `--poll-interval: expected seconds, from 0.01 to ${MAX_POLL_SECONDS}`)
}
