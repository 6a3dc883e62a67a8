import { durationFlag, HOUR } from './duration.js'

/** The flag of the commands that write. The settings of the context read it. */
export const lockFlags = {
  'lock-timeout': durationFlag({
    helpGroup: 'COMMON',
    env: 'AUDIT_LOCK_TIMEOUT',
    min: 100,
    max: HOUR,
    summary: 'give up when one transaction has held a lock for this time; default: 30s',
  }),
}
