import * as Flags from '@oclif/core/flags'
import { AuditError } from '../../base/errors.js'
import { MAX_UPLOADS_IN_FLIGHT } from '../../ports/archive.js'
import { durationFlag, HOUR, SECOND } from '../flags/duration.js'
import { integerFlag } from '../flags/integer.js'
import { mirrorFlags } from '../flags/mirror.js'

/** Uploads in flight to each mirror, if no other number is given. */
export const CONCURRENCY = 16

/** The flags of the commands that upload. */
export const uploadFlags = {
  ...mirrorFlags,
  'init-mirror': Flags.boolean({
    summary:
      'begin a mirror: write its marker where there is none, and create the last folder of a file:// path',
  }),
  concurrency: integerFlag({
    min: 1,
    max: MAX_UPLOADS_IN_FLIGHT,
    summary: `uploads in flight to each mirror, 1 to ${MAX_UPLOADS_IN_FLIGHT}; default: ${CONCURRENCY}`,
  }),
}

/** Throws `usage` for a dry run that begins a mirror. */
export function parseInit(flags: { 'init-mirror'?: boolean; 'dry-run'?: boolean }): boolean {
  if (flags['init-mirror'] !== true) return false
  if (flags['dry-run'] === true)
    throw new AuditError('usage', '--init-mirror and --dry-run exclude each other')
  return true
}

/** The default polling interval of the archiver, in milliseconds. */
export const POLL_INTERVAL = SECOND

export const pollIntervalFlag = durationFlag({
  min: SECOND / 100,
  max: HOUR,
  bareSeconds: true,
  helpValue: 'SECONDS',
  summary: 'time between two polls for rows to archive, in seconds, or with a unit such as 5m; default: 1',
})
