import { nodeHasher } from '../../base/node-hasher.js'
import type { Context } from '../../compose/context.js'
import type { OpenRows, RowsFrom } from '../../compose/read/rows.js'
import { recomputedOrder } from '../../compose/read/time-order.js'
import type { EntryFilter, ReadEntry, SeqRange, TimeOrder } from '../../ports/query.js'
import { assertKnown, streamEntries } from '../../query/list.js'
import { mergedRows } from '../../query/merge.js'
import { type CheckedEntry, RowJudge, type RowProblem } from '../../query/row-judge.js'
import { isByTime, worstOrder } from '../../query/time-order.js'
import { EXIT, raiseExit } from '../shell/exit-codes.js'
import type { Copies } from './copies.js'
import { EveryChain } from './every-chain.js'
import { subjectFilter } from './flags.js'
import { noteAhead } from './note-ahead.js'
import { noteImported } from './note-imported.js'
import { noteOrder, noteUnverified } from './note-order.js'
import { noteFound, noteProblem } from './note-problem.js'
import { openCopy, verifyCopyWords } from './open.js'
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
  /** The copy that it is read from. */
  readonly from: RowsFrom
  /** The words of the command that verifies what was read. */
  readonly verifyWords: string
  /** Resolves with the order of the times; undefined where rows are not selected by time. With `verify`, recomputes every row. */
  readonly timeOrder: () => Promise<TimeOrder | undefined>
}

/** Chains that are read for one answer. */
export class OpenChains {
  readonly #chains: readonly OpenChain[]
  readonly #byId: ReadonlyMap<string, OpenChain>
  #every: EveryChain | undefined
  readonly #lost = new Set<string>()
  readonly #problems: ReadProblems
  readonly #verify: boolean
  readonly #isJson: boolean
  #judged = 0
  #areOrdersNoted = false
  /** The orders that were asked for. */
  readonly #orders = new Map<string, TimeOrder>()

  private constructor(
    chains: readonly OpenChain[],
    every: EveryChain | undefined,
    problems: ReadProblems,
    { verify, isJson }: Pick<ChainsRequest, 'verify'> & { readonly isJson: boolean },
  ) {
    this.#chains = chains
    this.#byId = new Map(chains.map((chain) => [chain.domainId, chain]))
    this.#every = every
    this.#problems = problems
    this.#verify = verify
    this.#isJson = isJson
  }

  /**
   * Opens the copies of the chains. Rejects with the error of the first that cannot be opened; where all chains were asked for, that one is
   * reported and left out.
   */
  static async open(
    context: Context,
    { source, from }: Copies,
    request: ChainsRequest & { readonly isJson: boolean },
    signal: AbortSignal,
  ): Promise<OpenChains> {
    const problems = new ReadProblems()
    const chains: OpenChain[] = []
    if (from !== 'all') {
      for (const copy of from) chains.push(await openChain(context, copy, request, problems))
      return new OpenChains(chains, undefined, problems, request)
    }
    const name = source === 'mirror' ? 'mirror' : 'postgres'
    const every = await EveryChain.of(context, name, request.isJson, signal)
    for (const copy of every.copies) {
      const opened = await openOf(every, copy, () => openChain(context, copy, request, problems))
      if (opened !== undefined) chains.push(opened)
    }
    return new OpenChains(chains, every, problems, request)
  }

  /** The chains that can be read, as far as is known by now. */
  get all(): readonly OpenChain[] {
    return this.#chains.filter(({ domainId }) => !this.#lost.has(domainId))
  }

  /** Does `work` on one of the chains. Where all chains were asked for, the error of the chain is reported and the chain is left out. */
  async reading<T>({ domainId }: OpenChain, work: () => Promise<T>): Promise<T | undefined> {
    try {
      return await work()
    } catch (error) {
      this.#leaveOut(domainId, error)
      return undefined
    }
  }

  /** Rejects with `domain_not_found` for a chain that is not known, and where all chains were asked for, for one that lost all of its rows. */
  async assertHeld({ reader, domainId }: OpenChain): Promise<void> {
    await assertKnown(reader, domainId)
    await this.#every?.assertHeld(reader, domainId)
  }

  /** Yields the rows of the range of every chain: those of one chain in order of seq, those of several by recorded_at. */
  rows(rangeOf: (chain: OpenChain) => SeqRange, signal: AbortSignal): AsyncIterable<ReadEntry> {
    const chains = this.all
    const ranges = chains.map(rangeOf)
    const streams = chains.map((chain, index) => this.#stream(chain, ranges[index], signal))
    const [only, second] = streams
    return only !== undefined && second === undefined ? only : mergedRows(streams, ranges[0]?.order)
  }

  #stream(chain: OpenChain, range: SeqRange | undefined, signal: AbortSignal): AsyncIterable<ReadEntry> {
    const { reader, domainId, filter } = chain
    const rows = streamEntries(reader, domainId, filter, range, signal)
    return this.#every === undefined ? rows : this.#untilBroken(chain, rows)
  }

  async *#untilBroken(chain: OpenChain, rows: AsyncIterable<ReadEntry>): AsyncGenerator<ReadEntry> {
    const { domainId } = chain
    let isEmpty = true
    try {
      for await (const row of rows) {
        isEmpty = false
        yield row
      }
      if (isEmpty) await this.assertHeld(chain)
    } catch (error) {
      this.#leaveOut(domainId, error)
    }
  }

  #leaveOut(domainId: string, error: unknown): void {
    if (this.#every === undefined) throw error
    this.#every.leaveOut(domainId, error)
    this.#lost.add(domainId)
  }

  /** Returns the order of the times of all chains, as good as the worst of them; undefined where rows are not selected by time. */
  async timeOrder(): Promise<TimeOrder | undefined> {
    for (const chain of this.all) {
      const order = await this.reading(chain, chain.timeOrder)
      if (order !== undefined) this.#orders.set(chain.domainId, order)
    }
    return worstOrder([...this.#orders.values()])
  }

  /** Does not recompute every row for a note alone. */
  async #knownOrder({ domainId, timeOrder }: OpenChain): Promise<TimeOrder | undefined> {
    return this.#orders.get(domainId) ?? (this.#verify ? undefined : timeOrder())
  }

  /** The rows that were recomputed for the answer. */
  get judged(): number {
    return this.#judged
  }

  /** Recomputes a row of one of the chains. */
  judge(row: ReadEntry): CheckedEntry {
    this.#judged += 1
    return this.#byId.get(row.domainId)?.judge.judge(row) ?? { entry: row }
  }

  async *judging(rows: AsyncIterable<ReadEntry>): AsyncGenerator<CheckedEntry> {
    for await (const row of rows) yield this.judge(row)
  }

  /** Notes what the answer may lack, and raises the exit code. Notes it once. */
  noteLeftOut(): void {
    this.#problems.report()
    this.#every?.finish()
    this.#every = undefined
  }

  /**
   * Notes once what is known of the order of the times. An unverified order is noted where a search of PostgreSQL relies on it, and where the
   * answer does not say it (`isSaid`).
   */
  async noteOrders(isSaid = false): Promise<void> {
    if (this.#areOrdersNoted) return
    this.#areOrdersNoted = true
    let isUnverified = false
    for (const chain of this.all) {
      const order = await this.#knownOrder(chain)
      noteOrder(order, chain.domainId, chain.verifyWords)
      isUnverified ||= order === 'unverified' && chain.from.source === 'postgres' && !this.#verify
    }
    if (isUnverified && !isSaid) noteUnverified()
  }

  /** Notes what else is to say about the rows of an answer, and raises the exit code where they are damaged or could not be checked. */
  async finish(): Promise<void> {
    await this.noteOrders(this.#isJson && this.#orders.size > 0)
    for (const chain of this.#chains) {
      const { reader, domainId, filter, judge, verifyWords: words } = chain
      if (!this.#lost.has(domainId)) {
        await noteAhead(reader, domainId, filter)
        await noteImported(reader, domainId, filter)
      }
      if (!this.#verify) noteFound(judge, words)
    }
    this.noteLeftOut()
    for (const { judge } of this.#chains) judge.assertChecked()
  }
}

async function openChain(
  context: Context,
  from: RowsFrom,
  { filter, subjectId, verify }: ChainsRequest,
  problems: ReadProblems,
): Promise<OpenChain> {
  const rows = await openCopy(context, from, { byKey: verify, onProblem: problems.ofChain() })
  const words = await verifyCopyWords(context, from, rows.domainId)
  const onFound = (problem: RowProblem) => {
    raiseExit(EXIT.finding)
    noteProblem(problem, words)
  }
  const judge = new RowJudge(nodeHasher, verify ? onFound : undefined)
  const subject = await subjectFilter(context, rows, subjectId)
  const { reader, domainId } = rows
  const stored = verify
    ? () => recomputedOrder(context, from, domainId, context.signal)
    : () => reader.timeOrder(domainId)
  const timeOrder = isByTime(filter) ? stored : async () => undefined
  return { ...rows, from, filter: { ...filter, ...subject }, judge, verifyWords: words, timeOrder }
}

/** Opens one of all chains. Reports why it cannot be opened, and then resolves with undefined. */
async function openOf(
  every: EveryChain,
  { domainId = '' }: RowsFrom,
  open: () => Promise<OpenChain>,
): Promise<OpenChain | undefined> {
  try {
    const unread = every.unread(domainId)
    if (unread !== undefined) throw unread
    return await open()
  } catch (error) {
    every.leaveOut(domainId, error)
    return undefined
  }
}
