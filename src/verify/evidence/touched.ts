import { lastNotAbove } from '../../chain/evidence/seq-count.js'
import { type Finding, inOrder } from '../../chain/finding.js'

/** Looks up whether the findings of one copy reach a range of rows, in a time that does not grow with their number. */
export class Touched {
  readonly #from: readonly number[]
  /** The highest seqTo of each finding and the findings before it. */
  readonly #to: number[] = []

  constructor(findings: readonly Finding[]) {
    const sorted = inOrder(findings)
    this.#from = sorted.map(({ seqFrom }) => seqFrom)
    let highest = Number.NEGATIVE_INFINITY
    for (const { seqTo } of sorted) {
      highest = Math.max(highest, seqTo)
      this.#to.push(highest)
    }
  }

  /** A row that was edited and hashed again breaks the link of the row after it, so a finding at that row counts too. */
  isAt({ seqFrom, seqTo }: Pick<Finding, 'seqFrom' | 'seqTo'>): boolean {
    const at = lastNotAbove(this.#from, seqTo + 1)
    return at >= 0 && (this.#to[at] ?? 0) >= seqFrom
  }
}
