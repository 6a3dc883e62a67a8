import type { FindingEvidence } from './evidence/finding-evidence.js'
import { asHash, type Hasher, nobleHasher } from './hash.js'
import { utf8 } from './limits.js'

/** What a verifier can find, as a closed set. */
export const FINDING_CODES = [
  'malformed_row',
  'entry_hash_mismatch',
  'broken_link',
  'seq_gap',
  'duplicate_seq',
  'row_missing',
  'object_missing',
  'object_malformed',
  'orphan_object',
  'copies_differ',
  'head_mismatch',
  'unexpected_head',
  'checkpoint_mismatch',
  'checkpoint_rollback',
  'checkpoint_conflict',
  'chain_missing',
  'chain_unknown',
] as const

export type FindingCode = (typeof FINDING_CODES)[number]

/** A copy of a chain, or both copies. */
export type Copy = 'postgres' | 'mirror' | 'both'

/** One divergence at rows `seqFrom` to `seqTo` of a chain. Hashes are 64 lower-case hex digits, or absent. */
export interface Finding extends FindingEvidence {
  readonly code: FindingCode
  readonly seqFrom: number
  readonly seqTo: number
  /** For the first row of the range: what was computed; for a link, the previous row's entry_hash; for a gap, the next row's prev_hash. */
  readonly expected?: string | undefined
  /** What is stored. */
  readonly observed?: string | undefined
  readonly detail: string
  /**
   * What was found at each row of the range, as one hash; for rows that are lost, the entry_hash of the last of them.
   * Absent where the other fields say all there is. See {@link rowsOf}.
   */
  readonly rows?: string | undefined
  /** The copy that the finding is about. Absent where the source or the code says it (finding-fingerprint.ts). */
  readonly copy?: Copy | undefined
}

/** Numbers above this limit are not exact. The limit itself replaces them, so that a bigint column and JSON can hold the value. */
const BEYOND = 2 ** 53

/** Returns a finding that is safe to store and print, whatever the stored values were: exact seqs, hashes of 64 hex digits or none. */
export function finding(raw: Finding): Finding {
  return {
    code: raw.code,
    seqFrom: exact(raw.seqFrom),
    seqTo: exact(raw.seqTo),
    expected: asHash(raw.expected),
    observed: asHash(raw.observed),
    detail: raw.detail,
    ...(raw.rows !== undefined && { rows: raw.rows }),
    ...(raw.copy !== undefined && { copy: raw.copy }),
  }
}

/** Returns whether a finding with this code says that rows are not there, in one copy or in both. */
export function isLoss(code: FindingCode): boolean {
  return code === 'seq_gap' || code === 'row_missing' || code === 'object_missing'
}

/** Returns what was found at the rows of a finding, as a text that another divergence at the same rows does not have. */
export function rowsOf({ code, seqFrom, expected, observed, rows }: Finding): string {
  if (rows !== undefined) return rows
  if (isLoss(code)) return expected ?? ''
  return [seqFrom, expected, observed].join('/')
}

function exact(seq: number): number {
  return Number.isNaN(seq) ? 0 : Math.trunc(Math.min(BEYOND, Math.max(-BEYOND, seq)))
}

export interface FindingCounts {
  readonly added: number
  readonly separate: number
}

/** Collects findings. Neighbours with the same code merge into a range. */
export class Findings {
  readonly #hasher: Hasher
  readonly #all: Finding[] = []
  readonly #latest = new Map<FindingCode, number>()
  #added = 0

  constructor(hasher: Hasher = nobleHasher) {
    this.#hasher = hasher
  }

  add(raw: Finding): void {
    this.#added += 1
    const added = finding(raw)
    const at = this.#latest.get(added.code)
    const before = at === undefined ? undefined : this.#all[at]
    if (at !== undefined && before !== undefined && touch(before, added)) {
      this.#all[at] = merged(before, added, this.#hasher)
      return
    }
    this.#latest.set(added.code, this.#all.length)
    this.#all.push(added)
  }

  get isEmpty(): boolean {
    return this.#all.length === 0
  }

  /** How many findings were added, and how many are left of them after neighbours were merged. */
  get counts(): FindingCounts {
    return { added: this.#added, separate: this.#all.length }
  }

  sorted(): Finding[] {
    return inOrder(this.#all)
  }
}

/** Sorts by seq, then in the order of {@link FINDING_CODES}. The first finding shows where the chain diverges. */
export function inOrder(findings: readonly Finding[]): Finding[] {
  const rank = (f: Finding) => FINDING_CODES.indexOf(f.code)
  return [...findings].sort((a, b) => a.seqFrom - b.seqFrom || rank(a) - rank(b))
}

function touch(a: Finding, b: Finding): boolean {
  return a.seqFrom <= b.seqTo + 1 && b.seqFrom <= a.seqTo + 1
}

function merged(a: Finding, b: Finding, hasher: Hasher): Finding {
  const first = b.seqFrom < a.seqFrom ? b : a
  const last = b.seqTo < a.seqTo ? a : b
  const rows = isLoss(a.code) ? rowsOf(last) : hasher.canonical(utf8(`${rowsOf(a)}+${rowsOf(b)}`))
  return { ...first, seqTo: last.seqTo, rows }
}
