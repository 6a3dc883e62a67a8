import { sha256 } from '@noble/hashes/sha2.js'
import { bytesToHex } from '@noble/hashes/utils.js'
import { type Copy, type Finding, type FindingCode, isLoss, rowsOf } from './finding.js'
import { asHash, type Hasher } from './hash.js'
import { utf8 } from './limits.js'

/** The copy that a finding is about, where both copies were read and the finding names none. Default: PostgreSQL. */
const COPY_OF: Partial<Record<FindingCode, Copy>> = {
  object_missing: 'mirror',
  object_malformed: 'mirror',
  orphan_object: 'mirror',
  seq_gap: 'both',
}

/**
 * Returns the fingerprint of a finding within its chain, as 64 hex digits. It is a hash over what was found at each row, so
 * that a new edit of any row of a range is a new finding. The source is no part of it, but the copy is: rows that are lost
 * in one copy are one finding, whether that copy was read alone or beside the other.
 */
export function findingFingerprint(finding: Finding, source: Copy | 'bundle'): string {
  const { code, seqFrom, seqTo } = finding
  // A chain is missing or unknown as a whole, whichever end it has.
  const range = code === 'chain_missing' || code === 'chain_unknown' ? [] : [seqFrom, seqTo]
  const kind = isLoss(code) ? 'lost' : code
  const parts = [kind, copyOf(finding, source), ...range, rowsOf(finding)]
  return bytesToHex(sha256(utf8(parts.join('/'))))
}

/** Returns the copy that a finding is about, when it was found in `source`. */
export function copyOf({ code, copy }: Finding, source: Copy | 'bundle'): Copy | 'bundle' {
  if (code === 'copies_differ') return 'both'
  if (copy !== undefined) return copy
  return source === 'both' ? (COPY_OF[code] ?? 'postgres') : source
}

/** The parts of a stored row that its evidence covers. */
interface EvidentRow {
  readonly seq: number
  readonly canonical?: Uint8Array | undefined
  readonly bytesHash?: string | undefined
  readonly prevHash?: string | undefined
  readonly entryHash?: string | undefined
}

/**
 * Returns a hash over a damaged row and what was found at it. The row counts with its recomputed hash, so that an edit
 * that leaves the stored entry_hash alone changes the result.
 */
export function rowEvidence(row: EvidentRow, hasher: Hasher, expected?: string, observed?: string): string {
  const { seq, prevHash, entryHash } = row
  return hasher.canonical(
    utf8([seq, expected, observed, prevHash, entryHash, recomputed(row, hasher)].join('/')),
  )
}

function recomputed({ canonical, prevHash, bytesHash }: EvidentRow, hasher: Hasher): string | undefined {
  if (canonical === undefined) return bytesHash
  const prev = asHash(prevHash)
  return prev === undefined ? hasher.canonical(canonical) : hasher.entry(prev, canonical)
}

/**
 * Codes of findings about one row that the code, the seq and the two hashes name completely: `expected` is the recomputed hash
 * of the row, or there is no row that could be edited again.
 */
export const NAMED_BY_HASHES: readonly FindingCode[] = [
  'entry_hash_mismatch',
  'seq_gap',
  'row_missing',
  'object_missing',
  'head_mismatch',
  'unexpected_head',
  'chain_missing',
  'chain_unknown',
]

/**
 * Returns the findings of one verification that a record without a fingerprint can name, as versions before 0010 wrote them.
 * Any other finding needs a record that covers what its rows hold: several rows, or a row whose content no hash covers.
 */
export function namedByHashes(findings: readonly Finding[]): ReadonlySet<Finding> {
  const doubled = findings.filter(({ code }) => code === 'duplicate_seq')
  // The findings of several rows with one seq merge, and have the hashes of the first row alone.
  const isOneRow = ({ seqFrom, seqTo }: Finding) =>
    seqFrom === seqTo && !doubled.some((other) => other.seqFrom <= seqFrom && seqFrom <= other.seqTo)
  return new Set(findings.filter((one) => NAMED_BY_HASHES.includes(one.code) && isOneRow(one)))
}
