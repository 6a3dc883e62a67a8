import { join } from 'node:path'
import { AuditError } from '../../base/errors.js'
import { filePlaceOf } from '../../base/files/file-url.js'
import type { Context } from '../context.js'

/** Where the key of the log is. */
export type LogKeySetting =
  | { readonly kind: 'off' }
  | {
      readonly kind: 'file'
      readonly path: string
      /** Whether it is `log.key` of an embedded home, which the first archiver creates. */
      readonly isOfHome: boolean
    }

/**
 * Returns where the settings say that the key of the log is. Opens no file and no database. Throws `usage` for a text that names
 * no file, and for a key with an external database but without a log name.
 */
export function logKeySetting(context: Context): LogKeySetting {
  const { logKey, logName } = context.settings
  if (logKey === undefined)
    return context.embedded
      ? { kind: 'file', path: join(context.home, 'log.key'), isOfHome: true }
      : { kind: 'off' }
  if (logKey === 'none') return { kind: 'off' }
  const place = filePlaceOf(logKey, 'expected file:///path or none')
  if ('problem' in place)
    throw new AuditError('usage', `log key: ${place.problem}`, { advice: { code: 'check_log_key' } })
  if (!context.embedded && logName === undefined)
    throw new AuditError('usage', 'a log key with an external database needs the name of the log', {
      advice: { code: 'name_log' },
    })
  return { kind: 'file', path: place.path, isOfHome: false }
}
