import { decodeCanonical } from '../chain/canonical.js'
import type { ChainedEntry } from '../chain/entry.js'
import type { Finding } from '../chain/finding.js'
import type { StoredRow } from '../chain/fold.js'
import type { Hasher } from '../chain/hash.js'
import { type JudgedRun, type RunGroup, RunJudge } from './run-judge.js'

/** A row to upload. */
export interface ReadyRow {
  readonly entry: ChainedEntry
  /** The bytes that the entry was decoded from. */
  readonly canonical: Uint8Array
}

export interface JudgedGroup {
  /** The rows that may be uploaded, ascending. */
  readonly ready: readonly ReadyRow[]
  /** How many rows may not be uploaded. */
  readonly held: number
  /** Why rows may not be uploaded, where it was not known before. */
  readonly findings: readonly Finding[]
  /** Rows of a generation that this program does not know. They wait for a program that does. */
  readonly unchecked: readonly StoredRow[]
}

/**
 * Judges the rows of a group as they are now, and returns those that count: the hash that proved the group must still
 * prove every row of it. If it does not, somebody has rewritten rows since, and no row of the group is uploaded.
 */
export function judgeGroup(
  group: RunGroup,
  rows: readonly StoredRow[],
  counts: (seq: number) => boolean,
  hasher: Hasher,
): JudgedGroup {
  const head = { seq: group.to, hash: group.hash }
  const judge = new RunJudge({
    fromSeq: group.from,
    notBefore: group.notBefore,
    head,
    groupRows: rows.length,
    counts: () => true,
    hasher,
  })
  for (const row of rows) judge.add(row)
  const judged = judge.finish()
  const wanted = rows.filter(({ seq }) => counts(seq))
  if (!isUnchanged(judged, group)) {
    return { ready: [], held: wanted.length, findings: findingsOf(judged, group), unchecked: [] }
  }
  const good = wanted.filter(({ seq }) => !judged.findings.some((finding) => isAbout(finding, seq)))
  const ready = good.flatMap(readyRow)
  const unchecked = good.filter((row) => row.unknownGeneration !== undefined)
  return { ready, held: wanted.length - ready.length - unchecked.length, findings: [], unchecked }
}

function isUnchanged({ groups, isEndProven }: JudgedRun, { from }: RunGroup): boolean {
  return isEndProven && groups.length === 1 && groups[0]?.from === from
}

function findingsOf({ findings, lastHash }: JudgedRun, { from, to, hash }: RunGroup): readonly Finding[] {
  const detail = 'rewritten while they were being archived'
  return findings.length > 0
    ? findings
    : [{ code: 'broken_link', seqFrom: from, seqTo: to, expected: hash, observed: lastHash, detail }]
}

function isAbout({ seqFrom, seqTo }: Finding, seq: number): boolean {
  return seq >= seqFrom && seq <= seqTo
}

function readyRow({ canonical, prevHash, entryHash }: StoredRow): ReadyRow[] {
  if (canonical === undefined || prevHash === undefined || entryHash === undefined) return []
  return [{ entry: { ...decodeCanonical(canonical), prevHash, entryHash }, canonical }]
}
