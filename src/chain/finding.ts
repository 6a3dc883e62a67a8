/** What a verifier can find, a closed set (cli.md, "A verify result"). */
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
  /** What was computed; for a link, the previous row's entry_hash; for a gap, the next row's prev_hash. Of the first row of the range. */
  readonly expected?: string | undefined
  /** What is stored. */
  readonly observed?: string | undefined
  readonly detail: string
}

/** Collects findings; neighbours with one code merge into a range. The only place where a finding comes into being. */
export class Findings {
  readonly #all: Finding[] = []
  readonly #latest = new Map<FindingCode, number>()

  add(finding: Finding): void {
    const at = this.#latest.get(finding.code)
    const before = at === undefined ? undefined : this.#all[at]
    if (at !== undefined && before !== undefined && before.seqTo + 1 >= finding.seqFrom) {
      this.#all[at] = { ...before, seqTo: Math.max(before.seqTo, finding.seqTo) }
      return
    }
    this.#latest.set(finding.code, this.#all.length)
    this.#all.push(finding)
  }

  /** By place, then in the order of {@link FINDING_CODES}. */
  sorted(): Finding[] {
    const rank = (f: Finding) => FINDING_CODES.indexOf(f.code)
    return [...this.#all].sort((a, b) => a.seqFrom - b.seqFrom || rank(a) - rank(b))
  }
}
