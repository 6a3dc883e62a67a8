import type { ChainHead } from '../../chain/entry.js'
import type { Finding, FindingCode } from '../../chain/finding.js'
import { ZERO_HASH } from '../../chain/hash.js'
import type { EntrySource, Scan, ScanRequest } from '../../ports/verify.js'
import type { EndProof, Verdict } from '../verdict.js'

type Judged = Pick<Verdict, 'findings' | 'doubts'>

/**
 * Returns what shows that no rows were removed after the last verified row. A pin counts only if it is that row: a pin at an
 * earlier row says nothing about the rows after it. A head counts only where a database keeps it apart from the rows: the
 * head in the manifest of a bundle is a part of the same file. A finding at the end, a doubt or a break leaves the end
 * unproven.
 */
export function endProof(
  source: Pick<EntrySource, 'name' | 'keepsHead'>,
  { pins }: Pick<ScanRequest, 'pins'>,
  scan: Scan,
  { findings, doubts }: Judged,
): EndProof {
  const last = scan.fold.last ?? { seq: 0, hash: ZERO_HASH }
  if (scan.isCut === true || doubts.length > 0 || findings.some((one) => reaches(one, last.seq)))
    return 'unproven'
  if (last.seq > 0 && pins.some((pin) => isSame(pin, last))) return 'pinned'
  const isOwnHead = source.keepsHead && source.name !== 'bundle'
  return isOwnHead && scan.head !== undefined && isSame(scan.head, last) ? 'head' : 'unproven'
}

/** Returns the seq of the newest pin that the verified rows contain; undefined where none was given or was read. */
export function pinnedThrough(
  { pins }: Pick<ScanRequest, 'pins'>,
  { isCut, fold }: Scan,
  { findings }: Judged,
): number | undefined {
  if (isCut === true) return undefined
  const broken = findings.filter(({ code }) => code === 'unexpected_head')
  const held = pins
    .map(({ seq }) => seq)
    .filter((seq) => seq <= (fold.last?.seq ?? 0) && !broken.some((one) => covers(one, seq)))
  return held.length === 0 ? undefined : Math.max(...held)
}

function isSame(one: ChainHead, other: ChainHead): boolean {
  return one.seq === other.seq && one.hash === other.hash
}

/** After rows that are not the signed ones, no row counts. */
const OF_WHOLE_CHAIN: ReadonlySet<FindingCode> = new Set([
  'head_mismatch',
  'checkpoint_mismatch',
  'checkpoint_rollback',
  'checkpoint_conflict',
  'chain_missing',
  'chain_unknown',
])

/** Returns whether a finding is about the last row, the rows after it, or the chain as a whole. */
function reaches({ code, seqTo }: Finding, last: number): boolean {
  return seqTo >= last || OF_WHOLE_CHAIN.has(code)
}

function covers({ seqFrom, seqTo }: Finding, seq: number): boolean {
  return seqFrom <= seq && seq <= seqTo
}
