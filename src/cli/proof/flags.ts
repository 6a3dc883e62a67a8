import { AuditError } from '../../base/errors.js'
import { isHash } from '../../chain/hash.js'

/** Returns the value of `--entry`. Throws `usage` unless it is 64 lower-case hex digits. */
export function checkedHash(entry: string | undefined): string | undefined {
  if (entry === undefined || isHash(entry)) return entry
  throw new AuditError('usage', '--entry: expected an entry_hash of 64 lower-case hex digits')
}

/** Throws `usage` where two files are to be read from stdin. */
export function assertOneStdin(...paths: readonly (string | undefined)[]): void {
  if (paths.filter((path) => path === '-').length > 1)
    throw new AuditError('usage', 'only one file can be read from stdin (-)')
}
