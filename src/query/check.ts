import { type Checked, checkOf } from '../chain/evidence/row-check.js'
import type { Hasher } from '../chain/hash.js'
import type { ReadEntry } from '../ports/query.js'
import { type Recomputed, recompute } from './recompute.js'

/** Recomputes a row and judges its link. Throws `generation_unknown` for a row that this program cannot encode. */
export function checkRow(row: ReadEntry, hasher: Hasher): Checked {
  return provenCheck(row, recompute(row, hasher))
}

/** Returns the check of a row that was recomputed. */
export function provenCheck(row: ReadEntry, { problem }: Recomputed): Checked {
  return checkOf(row, row.previous, problem)
}
