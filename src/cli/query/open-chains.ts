import { nodeHasher } from '../../base/node-hasher.js'
import type { Context } from '../../compose/context.js'
import type { OpenRows, RowsFrom } from '../../compose/read/rows.js'
import type { EntryFilter, ReadEntry, SeqRange } from '../../ports/query.js'
import { streamEntries } from '../../query/list.js'
import { mergedRows } from '../../query/merge.js'
import { type CheckedEntry, RowJudge } from '../../query/row-judge.js'
import { EXIT, raiseExit } from '../shell/exit-codes.js'
import { subjectFilter } from './flags.js'
import { noteAhead } from './note-ahead.js'
import { noteImported } from './note-imported.js'
import { noteFound, noteProblem } from './note-problem.js'
import { openCopy, verifyWords } from './open.js'
import { ReadProblems } from './read-problems.js'

/** What to read of every chain. */
export interface ChainsRequest {
  readonly filter: EntryFilter
  /** Whose rows to read. A person has another pseudonym on each chain. */
  readonly subjectId?: string | undefined
  /** Whether damaged and unlinked rows are a finding, and PostgreSQL is read by the primary key alone. */
  readonly verify: boolean
}

/** One chain whose rows are read and recomputed. */
export interface OpenChain extends OpenRows {
  readonly filter: EntryFilter
  readonly judge: RowJudge
  /** The words of the command that verifies what was read. */
  readonly verifyWords: string
}

/** Chains that are read for one answer. */
export class OpenChains {
  readonly #chains: readonly OpenChain[]
  readonly #byId: ReadonlyMap<string, OpenChain>
  readonly #problems: ReadProblems
  readonly #verify: boolean

  private constructor(chains: readonly OpenChain[], problems: ReadProblems, verify: boolean) {
    this.#chains = chains
    this.#byId = new Map(chains.map((chain) => [chain.domainId, chain]))
    this.#problems = problems
    this.#verify = verify
  }

  /** Opens the copies of all chains. Rejects with the error of the first that cannot be opened. */
  static async open(
    context: Context,
    copies: readonly RowsFrom[],
    { filter, subjectId, verify }: ChainsRequest,
  ): Promise<OpenChains> {
    const problems = new ReadProblems()
    const chains: OpenChain[] = []
    for (const from of copies) {
      const rows = await openCopy(context, from, { byKey: verify, onProblem: problems.add })
      const words = verifyWords(from, rows.domainId)
      const judge = new RowJudge(nodeHasher, verify ? (problem) => noteProblem(problem, words) : undefined)
      const subject = await subjectFilter(context, rows, subjectId)
      chains.push({ ...rows, filter: { ...filter, ...subject }, judge, verifyWords: words })
    }
    return new OpenChains(chains, problems, verify)
  }

  get all(): readonly OpenChain[] {
    return this.#chains
  }

  /** Yields the rows of the range of every chain: those of one chain in order of seq, those of several by recorded_at. */
  rows(rangeOf: (chain: OpenChain) => SeqRange, signal: AbortSignal): AsyncIterable<ReadEntry> {
    const ranges = this.#chains.map(rangeOf)
    const streams = this.#chains.map(({ reader, domainId, filter }, index) =>
      streamEntries(reader, domainId, filter, ranges[index], signal),
    )
    const [only, second] = streams
    return only !== undefined && second === undefined ? only : mergedRows(streams, ranges[0]?.order)
  }

  /** Recomputes a row of one of the chains. */
  judge(row: ReadEntry): CheckedEntry {
    return this.#byId.get(row.domainId)?.judge.judge(row) ?? { entry: row }
  }

  async *judging(rows: AsyncIterable<ReadEntry>): AsyncGenerator<CheckedEntry> {
    for await (const row of rows) yield this.judge(row)
  }

  /** Notes what else is to say about the rows of an answer, and raises the exit code where they are damaged or could not be checked. */
  async finish(): Promise<void> {
    for (const { reader, domainId, filter, judge, verifyWords: words } of this.#chains) {
      await noteAhead(reader, domainId, filter)
      await noteImported(reader, domainId, filter)
      if (this.#verify && judge.found > 0) raiseExit(EXIT.finding)
      if (!this.#verify) noteFound(judge, words)
    }
    this.#problems.report()
    for (const { judge } of this.#chains) judge.assertChecked()
  }
}
