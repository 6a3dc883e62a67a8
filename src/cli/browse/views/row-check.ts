import { AuditError } from '../../../base/errors.js'
import { nodeHasher } from '../../../base/node-hasher.js'
import type { ReadEntry } from '../../../ports/query.js'
import { type Check, checkRow } from '../../../query/check.js'

/** What recomputing a row shows. `unknown`: this program cannot recompute it. */
export type RowCheck = Check | 'unknown'

const known = new WeakMap<ReadEntry, RowCheck>()

/** Returns the check of a row, which is computed once. */
export function rowCheck(row: ReadEntry): RowCheck {
  const check = known.get(row) ?? judged(row)
  known.set(row, check)
  return check
}

function judged(row: ReadEntry): RowCheck {
  try {
    return checkRow(row, nodeHasher).check
  } catch (error) {
    if (error instanceof AuditError && error.code === 'generation_unknown') return 'unknown'
    throw error
  }
}
