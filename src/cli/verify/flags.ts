import { AuditError } from '../../base/errors.js'

/** Returns milliseconds. Throws `usage` for a mirror, which cannot show what is not in it. */
export function parseMaxUnarchived(flags: {
  readonly source?: string | undefined
  readonly 'max-unarchived'?: number | undefined
}): number | undefined {
  const most = flags['max-unarchived']
  if (most !== undefined && flags.source === 'mirror')
    throw new AuditError('usage', '--max-unarchived needs PostgreSQL: --source postgres or both')
  return most
}
