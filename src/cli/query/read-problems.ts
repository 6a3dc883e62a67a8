import type { ReadProblem } from '../../query/read-problem.js'
import { safe } from '../output/safe-text.js'
import { note } from '../output/streams.js'
import { EXIT, raiseExit } from '../shell/exit-codes.js'

const NAMED = 3
/** Problems that are recognised when they are reported again. Memory must not grow with a damaged chain. */
const MAX_KNOWN = 100_000

/** Collects what a copy holds and an answer leaves out, although it may belong there. */
export class ReadProblems {
  #first: string[] = []
  #count = 0
  #unknown = 0

  /** Returns what takes the problems of one chain. A copy that is read in several passes reports a problem in each; it counts once. */
  ofChain(): (problem: ReadProblem) => void {
    const known = new Set<string>()
    return (found) => {
      const key = `${found.seq} ${found.problem}`
      if (known.has(key)) return
      if (known.size < MAX_KNOWN) known.add(key)
      this.#add(found)
    }
  }

  #add({ problem, isUnknown = false }: ReadProblem): void {
    this.#count += 1
    if (isUnknown) this.#unknown += 1
    if (this.#first.length < NAMED) this.#first.push(problem)
  }

  /**
   * Notes the problems since the last report: the answer may lack a row. Raises the exit code to 1 for a damaged copy, and to 3 for rows of a
   * generation that this program does not know.
   */
  report(): void {
    if (this.#count === 0) return
    if (this.#count > this.#unknown) raiseExit(EXIT.finding)
    if (this.#unknown > 0) raiseExit(EXIT.unable)
    for (const problem of this.#first) note(safe`left out: ${problem}`)
    const more = this.#count - this.#first.length
    if (more > 0) note(`left out: ${more} more`)
    this.#first = []
    this.#count = 0
    this.#unknown = 0
    note('note: what is left out may belong to this answer: no filter selects a row that cannot be read')
  }
}
