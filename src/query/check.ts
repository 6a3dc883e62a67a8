import { type Hasher, isHash } from '../chain/hash.js'
import type { ReadEntry } from '../ports/query.js'
import { type Recomputed, recompute } from './recompute.js'

/**
 * What recomputing one row shows. `damaged`: the row does not hash to its entry_hash. `unlinked`: it does, but its prev_hash
 * is not the entry_hash of the stored row before it. `ok`: neither, as far as the copy holds the row before it.
 */
export type Check = 'ok' | 'damaged' | 'unlinked'

export interface Checked {
  readonly check: Check
  /** What is wrong, after "row N"; absent for `ok`. */
  readonly problem?: string
}

/** Recomputes a row and judges its link. Throws `generation_unknown` for a row that this program cannot encode. */
export function checkRow(row: ReadEntry, hasher: Hasher): Checked {
  return checkOf(row, recompute(row, hasher))
}

/** Returns the check of a row that was recomputed. */
export function checkOf(row: ReadEntry, { problem }: Recomputed): Checked {
  if (problem !== undefined) return { check: 'damaged', problem }
  const link = linkProblem(row)
  return link === undefined ? { check: 'ok' } : { check: 'unlinked', problem: link }
}

function linkProblem({ previous, prevHash }: ReadEntry): string | undefined {
  // Where the row before has no hash, its damage is a finding of its own.
  if (previous?.entryHash === undefined || !isHash(previous.entryHash)) return undefined
  const { seq, entryHash } = previous
  if (entryHash === prevHash) return undefined
  const expected = seq === 0 ? `no row before it, so zeros` : `the entry_hash of row ${seq}, ${entryHash}`
  return `is not linked: expected prev_hash to be ${expected}; got ${prevHash}`
}
