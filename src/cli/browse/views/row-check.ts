import { nodeHasher } from '../../../base/node-hasher.js'
import type { RowCheck as Check } from '../../../chain/evidence/finding-evidence.js'
import type { ReadEntry } from '../../../ports/query.js'
import { RowJudge } from '../../../query/row-judge.js'

/** What recomputing a row shows. `unknown`: this program cannot recompute it. */
export type RowCheck = Check | 'unknown'

const known = new WeakMap<ReadEntry, RowCheck>()

/** Recomputes rows that were read together, in their order: only together they show that a row is stored more than once. */
export function judgeRows(rows: readonly ReadEntry[]): void {
  const judge = new RowJudge(nodeHasher)
  for (const row of rows) known.set(row, judge.judge(row).check ?? 'unknown')
}

/** Returns the check of a row, which is computed once. */
export function rowCheck(row: ReadEntry): RowCheck {
  if (!known.has(row)) judgeRows([row])
  return known.get(row) ?? 'unknown'
}
