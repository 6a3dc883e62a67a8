import { asHash } from './hash.js'

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
  'chain_missing',
] as const

export type FindingCode = (typeof FINDING_CODES)[number]

/** One divergence at rows `seqFrom` to `seqTo` of a chain. Hashes are 64 lower-case hex digits, or absent. */
export interface Finding {
  readonly code: FindingCode
  readonly seqFrom: number
  readonly seqTo: number
  /** For the first row of the range: what was computed; for a link, the previous row's entry_hash; for a gap, the next row's prev_hash. */
  readonly expected?: string | undefined
  /** What is stored. */
  readonly observed?: string | undefined
  readonly detail: string
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
  }
}

function exact(seq: number): number {
  return Number.isNaN(seq) ? 0 : Math.trunc(Math.min(BEYOND, Math.max(-BEYOND, seq)))
}

/** Collects findings. Neighbours with the same code merge into a range. */
export class Findings {
  readonly #all: Finding[] = []
  readonly #latest = new Map<FindingCode, number>()

  add(raw: Finding): void {
    const added = finding(raw)
    const at = this.#latest.get(added.code)
    const before = at === undefined ? undefined : this.#all[at]
    if (at !== undefined && before !== undefined && touch(before, added)) {
      this.#all[at] = merged(before, added)
      return
    }
    this.#latest.set(added.code, this.#all.length)
    this.#all.push(added)
  }

  get isEmpty(): boolean {
    return this.#all.length === 0
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

function merged(a: Finding, b: Finding): Finding {
  const first = b.seqFrom < a.seqFrom ? b : a
  return { ...first, seqTo: Math.max(a.seqTo, b.seqTo) }
}
