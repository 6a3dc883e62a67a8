import { AuditError } from '../base/errors.js'
import type { StoredRow } from '../chain/fold.js'

/**
 * Converts a row that a bundle cannot hold as canonical bytes: keeps the seq, the hashes that are left, and the problem.
 * Throws `generation_unknown` for another generation, because a bundle of this format holds only rows of PXA1.
 */
export function damagedRow({ seq, canonical, problem, unknownGeneration, ...row }: StoredRow): StoredRow {
  if (unknownGeneration !== undefined) throw unknown(seq, unknownGeneration)
  const isLong = canonical !== undefined
  const what = problem ?? (isLong ? 'longer than a row can be' : 'it has no canonical bytes')
  return { seq, prevHash: row.prevHash, entryHash: row.entryHash, problem: printable(what) }
}

/** Replaces everything but printable ASCII that JSON does not escape. */
function printable(problem: string): string {
  return problem.replace(/[^ !#-[\]-~]/g, '?').slice(0, 200)
}

function unknown(seq: number, generation: number): AuditError {
  const message = `row ${seq} is of generation ${generation}, which this program does not know`
  return new AuditError('generation_unknown', message, {
    advice: { code: 'export_around_row' },
  })
}

/** Returns the line of a damaged row, without its newline (docs/evidence.md, "A row"). */
export function damagedLine({ seq, problem, prevHash, entryHash }: StoredRow): string {
  return `{"seq":${seq},"prev_hash":${quoted(prevHash)},"entry_hash":${quoted(entryHash)},"problem":"${problem}"}`
}

function quoted(hash: string | undefined): string {
  return hash === undefined ? 'null' : `"${hash}"`
}
