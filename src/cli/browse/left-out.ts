import { isUnfiltered } from '../../base/row-filter.js'
import type { ReadProblem } from '../../query/read-problem.js'
import type { LineFilter } from './model/filter-line.js'
import type { LeftOutRows } from './model/state.js'

interface OfChain {
  readonly seqs: Set<number>
  readonly first: string
}

/** Rows of a session that could not be compared with a filter, because they cannot be decoded. */
export class LeftOut {
  readonly #chains = new Map<string, OfChain>()

  add(domainId: string, { seq, problem }: ReadProblem): void {
    const known = this.#chains.get(domainId) ?? { seqs: new Set(), first: problem }
    known.seqs.add(seq)
    this.#chains.set(domainId, known)
  }

  /** Returns the rows of a chain that a filter may have left out; undefined where it has no condition. */
  under({ entry, subjectId, texts }: LineFilter, domainId: string): LeftOutRows | undefined {
    const known = this.#chains.get(domainId)
    const selectsThem = isUnfiltered(entry) && subjectId === undefined && texts.length === 0
    return known === undefined || selectsThem ? undefined : { rows: known.seqs.size, first: known.first }
  }
}
