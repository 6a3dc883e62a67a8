import { canonicalProblem } from '../canonical-problem.js'
import type { StoredRow } from '../fold.js'
import { asHash, type Hasher, isHash, ZERO_HASH } from '../hash.js'
import { placeProblem } from '../row-place.js'
import type { RowCheck } from './finding-evidence.js'

/** The stored row before a row of the same chain and copy, whether an answer shows that row or not. */
export interface PreviousRow {
  /** 0 if no row is stored before. */
  readonly seq: number
  /** Lower-case hex; 64 zeros for seq 0. Absent if the stored value is NULL. */
  readonly entryHash?: string | undefined
}

/** A row, as far as its link is judged. */
export type LinkedRow = Pick<StoredRow, 'seq' | 'prevHash'>

/** What is before the first row of a chain. */
export const START: PreviousRow = { seq: 0, entryHash: ZERO_HASH }

/** What recomputing one row shows. */
export interface Checked {
  readonly check: RowCheck
  /** What is wrong, after "row N"; absent for `ok`. */
  readonly problem?: string
}

/** The check of a row whose seq another row of the copy has too. */
export const TWICE: Checked = { check: 'damaged', problem: 'is stored more than once' }

/** How a copy holds its rows. */
export interface Holding {
  /** The copy is read from the first row of the chain on, so that a row without a row before it is the first. */
  readonly isFromStart: boolean
  /** The copy is a selection: the rows between its rows were not requested. */
  readonly isSelection?: boolean | undefined
}

/**
 * Returns the stored row before a row, where `last` is the row that was read before it. Undefined where the copy does not
 * show which one that is: the link of the row is then not judged. A row that is stored more than once comes after itself.
 */
export function previousOf(
  seq: number,
  last: PreviousRow | undefined,
  { isFromStart, isSelection = false }: Holding,
): PreviousRow | undefined {
  if (last?.seq === seq) return last
  if (seq === 1) return START
  if (last === undefined) return isFromStart && !isSelection ? START : undefined
  return isSelection && last.seq !== seq - 1 ? undefined : last
}

/**
 * Returns the check of a row that was recomputed. `problem`: why it does not hash to its entry_hash. A row after a gap is
 * unlinked, because its prev_hash is not the entry_hash of the stored row before it.
 */
export function checkOf(
  row: LinkedRow,
  previous: PreviousRow | undefined,
  problem: string | undefined,
): Checked {
  if (problem !== undefined) return { check: 'damaged', problem }
  if (previous?.seq === row.seq) return TWICE
  const link = linkProblem(row, previous)
  return link === undefined ? { check: 'ok' } : { check: 'unlinked', problem: link }
}

function linkProblem({ prevHash }: LinkedRow, previous: PreviousRow | undefined): string | undefined {
  // Where the row before has no hash, its damage is a finding of its own.
  if (previous?.entryHash === undefined || !isHash(previous.entryHash)) return undefined
  const { seq, entryHash } = previous
  if (entryHash === prevHash) return undefined
  const expected = seq === 0 ? `no row before it, so zeros` : `the entry_hash of row ${seq}, ${entryHash}`
  return `is not linked: expected prev_hash to be ${expected}; got ${prevHash}`
}

/** Returns the check of a stored row; undefined for a generation that this program cannot recompute. */
export function storedCheck(
  row: StoredRow,
  previous: PreviousRow | undefined,
  domain: Uint8Array | undefined,
  hasher: Hasher,
): RowCheck | undefined {
  if (row.unknownGeneration !== undefined) return undefined
  const problem = recomputes(row, domain, hasher) ? undefined : 'does not recompute'
  return checkOf(row, previous, problem).check
}

function recomputes(
  { seq, canonical, problem, prevHash, entryHash }: StoredRow,
  domain: Uint8Array | undefined,
  hasher: Hasher,
): boolean {
  const hash = asHash(prevHash)
  if (canonical === undefined || problem !== undefined || hash === undefined) return false
  if (hasher.entry(hash, canonical) !== entryHash) return false
  return (canonicalProblem(canonical) ?? placeProblem(canonical, seq, domain)) === undefined
}
