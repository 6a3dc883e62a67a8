import * as Flags from '@oclif/core/flags'
import { AuditError } from '../../base/errors.js'
import { isLogName } from '../../chain/log/origin.js'

/** The flags of every command that signs, or that needs the keys of the log. */
export const logKeyFlags = {
  'log-key': Flags.string({
    helpGroup: 'COMMON',
    helpValue: 'URL',
    env: 'AUDIT_LOG_KEY',
    summary:
      'the key file that signs: file:///path, or none; default with the embedded PostgreSQL: log.key under --home',
  }),
  'log-name': Flags.string({
    helpGroup: 'COMMON',
    helpValue: 'NAME',
    env: 'AUDIT_LOG_NAME',
    parse: async (name) => checkedLogName(name),
    summary: 'the name of the log, such as audit.example.com; a key with an external database needs one',
  }),
}

/** Throws `usage` for a text that cannot be the name of a log. */
function checkedLogName(name: string): string {
  if (isLogName(name)) return name
  throw new AuditError(
    'usage',
    '--log-name: expected parts of a-z, 0-9, . and - with / between them (_ after the first), 1 to 128 bytes',
  )
}
