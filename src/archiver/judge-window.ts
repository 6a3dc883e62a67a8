import { decodeCanonical } from '../chain/canonical.js'
import type { ChainedEntry, ChainHead } from '../chain/entry.js'
import type { Finding } from '../chain/finding.js'
import { ChainFold, type StoredRow } from '../chain/fold.js'
import type { Hasher } from '../chain/hash.js'
import type { RowWindow } from '../ports.js'

export interface JudgedWindow {
  /** The rows that may be uploaded, ascending. */
  readonly ready: readonly ChainedEntry[]
  /** Why the others may not. */
  readonly findings: readonly Finding[]
}

/**
 * Recomputes rows before they are uploaded, by the verifier's own fold: a create-only mirror would keep a forgery for
 * ever. A row is also held back when the next row, or the head after the last one, does not link to it: a row that was
 * edited and rehashed is whole in itself and shows only there.
 */
export function judgeWindow(
  { rows, head }: RowWindow,
  fromSeq: number,
  toSeq: number,
  hasher: Hasher,
): JudgedWindow {
  const fold = new ChainFold({ fromSeq, hasher })
  for (const row of rows) fold.add(row)
  const found = fold.finish().findings.filter(({ code }) => code !== 'seq_gap')
  const successors = successorsOf(rows, head)
  const isGood = (row: StoredRow) =>
    !found.some((finding) => isAbout(finding, row.seq)) && !isContradicted(row, successors)
  const inRange = rows.filter(({ seq }) => seq >= fromSeq && seq <= toSeq)
  return {
    ready: inRange.filter(isGood).flatMap(entryOf),
    findings: [...found, ...headFindings(inRange, head)],
  }
}

function isAbout({ seqFrom, seqTo }: Finding, seq: number): boolean {
  return seq >= seqFrom && seq <= seqTo
}

/** By seq, what stands after a row and says which hash it had: the next rows, and the head. */
function successorsOf(
  rows: readonly StoredRow[],
  head: ChainHead | undefined,
): Map<number, (string | undefined)[]> {
  const successors = new Map<number, (string | undefined)[]>()
  if (head !== undefined) successors.set(head.seq, [head.hash])
  for (const { seq, prevHash } of rows)
    successors.set(seq - 1, [...(successors.get(seq - 1) ?? []), prevHash])
  return successors
}

function isContradicted(row: StoredRow, successors: ReadonlyMap<number, (string | undefined)[]>): boolean {
  const said = successors.get(row.seq)
  return said !== undefined && !said.includes(row.entryHash)
}

function headFindings(inRange: readonly StoredRow[], head: ChainHead | undefined): Finding[] {
  const last = inRange.at(-1)
  if (last === undefined || head?.seq !== last.seq || head.hash === last.entryHash) return []
  const detail = 'the head is not the last row’s entry_hash'
  return [
    {
      code: 'head_mismatch',
      seqFrom: last.seq,
      seqTo: last.seq,
      expected: last.entryHash,
      observed: head.hash,
      detail,
    },
  ]
}

/** Rows of a generation that this program does not know are left for one that does. */
function entryOf({ canonical, prevHash, entryHash }: StoredRow): ChainedEntry[] {
  if (canonical === undefined || prevHash === undefined || entryHash === undefined) return []
  return [{ ...decodeCanonical(canonical), prevHash, entryHash }]
}
