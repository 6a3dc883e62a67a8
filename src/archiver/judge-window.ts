import { decodeCanonical } from '../chain/canonical.js'
import type { ChainedEntry } from '../chain/entry.js'
import type { Finding } from '../chain/finding.js'
import { ChainFold, type StoredRow } from '../chain/fold.js'
import { asHash, type Hasher } from '../chain/hash.js'
import { judgeHead } from '../chain/head.js'
import type { RowWindow } from '../ports.js'

export interface JudgedWindow {
  /** The rows that may be uploaded, ascending. */
  readonly ready: readonly ChainedEntry[]
  /** Why others may not. */
  readonly findings: readonly Finding[]
  /** Rows of a generation that this program does not know; they wait for one that does. */
  readonly unchecked: readonly StoredRow[]
}

/**
 * Recomputes the rows at the seqs that are wanted of a window (from the first of them to the last) before they are
 * uploaded, by the verifier's own fold: a create-only mirror would keep a forgery for ever. A row is also held back when
 * the row after it, or the head after the last one, does not link to it: a row that was edited and rehashed is whole in
 * itself and shows only there. Of several rows that were rewritten up to an unchanged link the last one shows; where the
 * head was rewritten too, only a pinned head tells.
 */
export function judgeWindow(
  { rows, head, last }: RowWindow,
  wanted: readonly number[],
  hasher: Hasher,
): JudgedWindow {
  const fold = new ChainFold({ fromSeq: wanted[0] ?? 1, hasher })
  for (const row of rows) fold.add(row)
  const ending = judgeHead(head, last)
  const found = [...fold.finish().findings, ...(ending === undefined ? [] : [ending])].filter(
    ({ code }) => code !== 'seq_gap',
  )
  const asked = new Set(wanted)
  const inRange = rows.filter(({ seq }) => asked.has(seq))
  const denied = new Set(unlinked(inRange, rows, hasher).map(({ seq }) => seq))
  const isHeld = ({ seq }: StoredRow) => denied.has(seq) || found.some((finding) => isAbout(finding, seq))
  return {
    ready: inRange.filter((row) => !isHeld(row)).flatMap(entryOf),
    findings: found.filter(
      (finding) => denied.has(finding.seqFrom - 1) || wanted.some((seq) => isAbout(finding, seq)),
    ),
    unchecked: inRange.filter((row) => row.unknownGeneration !== undefined && !isHeld(row)),
  }
}

function isAbout({ seqFrom, seqTo }: Finding, seq: number): boolean {
  return seq >= seqFrom && seq <= seqTo
}

/** Those of `some` that have a next row, and none that follows from them. */
function unlinked(some: readonly StoredRow[], rows: readonly StoredRow[], hasher: Hasher): StoredRow[] {
  const bySeq = new Map<number, StoredRow[]>()
  for (const row of rows) bySeq.set(row.seq, [...(bySeq.get(row.seq) ?? []), row])
  return some.filter((row) => {
    const next = bySeq.get(row.seq + 1)
    return next !== undefined && !next.some((one) => follows(one, row, hasher))
  })
}

/** A next row whose prev_hash alone was changed still speaks for the row before it: its entry_hash does. */
function follows(next: StoredRow, { entryHash }: StoredRow, hasher: Hasher): boolean {
  const hash = asHash(entryHash)
  if (hash === undefined) return false
  if (next.prevHash === hash) return true
  const { canonical } = next
  return canonical !== undefined && hasher.link(hash, hasher.canonical(canonical)) === next.entryHash
}

function entryOf({ canonical, prevHash, entryHash }: StoredRow): ChainedEntry[] {
  if (canonical === undefined || prevHash === undefined || entryHash === undefined) return []
  return [{ ...decodeCanonical(canonical), prevHash, entryHash }]
}
