import type { PinnedHead } from '../../chain/entry.js'
import { PLATFORM_ANCHOR } from '../../chain/uuid.js'
import { openAlerts } from '../../compose/alerts.js'
import type { Context } from '../../compose/context.js'
import { chainsKnownTo, noChainKnownTo, rowlessChainsOf } from '../../compose/known-chains.js'
import { openHeads } from '../../compose/read/heads.js'
import { openSource } from '../../compose/verify.js'
import type { KnownChains } from '../../ports/domains.js'
import type { EntrySource } from '../../ports/verify.js'
import { unknownDoubts } from '../../verify/judge-unknown.js'
import type { ChainHeads } from '../../verify/signed/chain-heads.js'
import { withOwnRows } from '../../verify/signed/own-rows.js'
import { StatementObserver } from '../../verify/signed/statement-observer.js'
import type { Verdict } from '../../verify/verdict.js'
import { chainsToVerify, summarise } from '../../verify/verify-all.js'
import { type VerifyRequest, verifyChain } from '../../verify/verify-chain.js'
import { chainText } from '../output/chain-text.js'
import type { Output } from '../output/output.js'
import { withProgress } from '../output/progress.js'
import { rowlessNotes } from '../output/rowless-note.js'
import { safe } from '../output/safe-text.js'
import { note } from '../output/streams.js'
import { onEveryChain } from '../shell/each-chain.js'
import { EXIT, type ExitCode, exitStatus } from '../shell/exit-codes.js'
import { reportFailure } from '../shell/failure.js'
import { machineClock } from './machine-clock.js'
import { withFolder } from './mirror-folder.js'
import { namingChain } from './name-chain.js'
import type { VerifyOptions } from './options.js'
import { type PinsByChain, pinsOf, pinsOfChain } from './pins-file.js'
import type { Verified } from './quarantine.js'
import { Memory } from './remember/memory.js'
import { noteNextTime } from './remember/next-time.js'
import { assertHere, noteOtherLogs, warnTriggersOff } from './run-notes.js'
import { RunJudge } from './signed/judge.js'
import { RunHeads } from './signed/run-heads.js'
import { Witnesses } from './signed/witnesses.js'
import { summaryText } from './text.js'
import { VerdictPrinter } from './verdict-printer.js'

/** Verifies one chain or all. Resolves with 0, 1 or 5. Throws an error; with several chains it reports each error instead. */
export async function runVerify(
  options: VerifyOptions,
  context: Context,
  out: Output,
  signal: AbortSignal,
): Promise<ExitCode> {
  const judge = await RunJudge.open(context, options)
  const alerts = await openAlerts(context, note)
  const pins = await pinsOf(options)
  const memory = await Memory.open(options.remember)
  const heads = await RunHeads.open(options, context, () =>
    openHeads(context, options.source, options.chain, signal),
  )
  const printer = new VerdictPrinter(options, { context, judge, alerts, out }, signal)
  const run = new VerifyRun(options, context, judge, printer, memory, heads, out, signal)
  if (options.source !== 'mirror') {
    await noteOtherLogs(context)
    await warnTriggersOff(context)
  }
  const code =
    options.chain === 'all'
      ? await run.all(await chainsKnownTo(context, options.source, signal), pins)
      : await run.one(options.chain, pinsOfChain(options, pins))
  // A segment that ends before the chain says nothing about the end of the chain, whatever is remembered.
  const isOfEnd = options.toSeq === undefined && options.watcher === undefined
  if (memory === undefined && run.isUnproven && isOfEnd) await noteNextTime(options, context)
  // A failure that was reported beside the verdict raised the exit status.
  if (code === EXIT.done && exitStatus() === EXIT.done) await memory?.save()
  return code
}

class VerifyRun {
  /** Whether nothing shows where an intact chain ends. */
  isUnproven = false
  readonly witnesses: Witnesses

  constructor(
    readonly options: VerifyOptions,
    readonly context: Context,
    readonly judge: RunJudge,
    readonly printer: VerdictPrinter,
    readonly memory: Memory | undefined,
    readonly heads: RunHeads,
    readonly out: Output,
    readonly signal: AbortSignal,
  ) {
    this.witnesses = new Witnesses(heads, context, options.source, signal)
  }

  async one(domainId: string, pins: readonly PinnedHead[]): Promise<ExitCode> {
    const verified = await this.#verify(domainId, pins).catch(async (error: unknown) => {
      const isMirror = this.options.source === 'mirror'
      throw isMirror ? await withFolder(error, this.context, domainId, this.signal) : error
    })
    await this.printer.report(verified)
    return this.judge.exitCode
  }

  /** Verifies every chain. The error of a chain that cannot be checked is reported, and the next chain follows. */
  async all(known: KnownChains, pins: PinsByChain): Promise<ExitCode> {
    const platform = await this.#judgingChain(known, pins)
    const isPlatformIntact = platform?.status === 'fulfilled' && platform.value.verdict.ok
    const verifyOne = async (domainId: string) => {
      const isJudge = platform !== undefined && domainId === PLATFORM_ANCHOR
      const verified = isJudge
        ? outcomeOf(platform)
        : await this.#verify(domainId, pins.get(domainId) ?? [], { known, isPlatformIntact })
      await this.printer.report(verified)
      return verified.verdict
    }
    const verify = (domainId: string) =>
      verifyOne(domainId).catch((error: unknown) => {
        this.options.watcher?.failed(domainId, error)
        throw namingChain(error, domainId)
      })
    const chains = chainsToVerify(known, this.#withRemembered(known, pins))
    if (chains.length === 0)
      throw known.doubts?.[0] ?? (await noChainKnownTo(this.context, this.options.source, this.signal))
    const { done: verdicts, failed } = await onEveryChain(chains, verify, this.options.json, this.signal)
    this.#noteElsewhere(known, pins)
    await this.#noteRowless(known)
    const judged = { isPlatformIntact, now: machineClock() }
    const doubts = [...(known.doubts ?? []), ...unknownDoubts(known, judged)]
    for (const doubt of doubts) {
      this.options.watcher?.doubted(doubt)
      reportFailure(doubt, this.options.json)
    }
    if (this.options.watcher !== undefined) return this.judge.exitCode
    const summary = summarise(verdicts, failed, doubts, this.judge.words)
    if (this.options.json) await this.out.json({ summary })
    else await this.out.line(summaryText(summary))
    return this.judge.exitCode
  }

  /** Adds the chains that have a remembered head, or a checkpoint that the command names. A chain in another mirror is not verified here, and is named in a note. */
  #withRemembered({ elsewhere = [] }: KnownChains, pins: PinsByChain): PinsByChain {
    const others = new Set(elsewhere.map(({ domainId }) => domainId))
    const named = [...(this.memory?.domainIds ?? []), ...this.heads.domainIds]
    const remembered = named.filter((domainId) => !others.has(domainId))
    return new Map([...remembered.map((domainId) => [domainId, []] as const), ...pins])
  }

  /** Notes the chains that the summary does not count, because they are in another mirror. */
  #noteElsewhere({ elsewhere = [] }: KnownChains, pins: PinsByChain): void {
    for (const chain of elsewhere.filter(({ domainId }) => !pins.has(domainId))) {
      const { domainId, mirrorUrl } = chain
      this.options.watcher?.elsewhere(chain)
      note(
        safe`note: Domain ${domainId} is not in this mirror and was not verified: its own mirror is ${mirrorUrl}`,
      )
    }
  }

  /** Notes the chains that have archive stamps and no rows. No chain of them is verified. */
  async #noteRowless({ domainIds }: KnownChains): Promise<void> {
    for (const { domainId, stamps } of await rowlessChainsOf(this.context, this.options.source, domainIds))
      for (const line of rowlessNotes(domainId, stamps)) note(line)
  }

  /**
   * Verifies the platform chain ahead of its turn, where it does not record some chains and they are judged by it, and in a mirror,
   * where its rows have the signed heads of the others.
   */
  async #judgingChain(
    known: KnownChains,
    pins: PinsByChain,
  ): Promise<PromiseSettledResult<Verified> | undefined> {
    const isJudge = known.unrecorded !== undefined && known.unrecorded.size > 0
    const hasHeads = this.options.source === 'mirror' && known.domainIds.includes(PLATFORM_ANCHOR)
    if (!isJudge && !hasHeads) return undefined
    const [settled] = await Promise.allSettled([
      this.#verify(PLATFORM_ANCHOR, pins.get(PLATFORM_ANCHOR) ?? [], { known }),
    ])
    return settled
  }

  /** `all` is given when every chain is verified: the chains are then judged against each other. */
  async #verify(
    domainId: string,
    pins: readonly PinnedHead[],
    all?: Pick<VerifyRequest, 'known' | 'isPlatformIntact'>,
  ): Promise<Verified> {
    const known = all?.known
    assertHere(domainId, known)
    const { fromSeq = 1, toSeq, maxUnarchived } = this.options
    const remembered = this.memory?.headsIn(domainId, { fromSeq, toSeq }) ?? []
    const statements = this.#statementsOf(domainId, known)
    const heads = await this.heads.of(
      domainId,
      statements ?? this.options.watcher?.observer(domainId),
      this.signal,
    )
    const request: VerifyRequest = {
      domainId,
      fromSeq,
      toSeq,
      pins: [...pins, ...remembered],
      ...all,
      maxUnarchived,
      now: machineClock(),
      observer: heads.observer,
      signed: heads.stated,
    }
    const isExpected = known?.created.has(domainId) ?? false
    const { source: name } = this.options
    const { signal } = this
    const source = await openSource(this.context, name, domainId, {
      isExpected,
      unread: known?.unread,
      signal,
    })
    const scanned = await this.#scan(source, request, heads, statements)
    const { verdict, unproven } = heads.judge(scanned)
    const concluded = this.judge.conclude(verdict, unproven, await this.witnesses.of(verdict, known))
    this.isUnproven ||= verdict.ok && verdict.end === 'unproven' && concluded.conclusion.word !== 'verified'
    if (verdict.ok) this.memory?.see(domainId, verdict.head, remembered)
    this.options.watcher?.verified(verdict, request.pins)
    return { verdict, concluded, request, source }
  }

  async #scan(
    source: EntrySource,
    request: VerifyRequest,
    heads: ChainHeads,
    statements: StatementObserver | undefined,
  ): Promise<Verdict> {
    const { domainId } = request
    const scan = (asked: VerifyRequest) =>
      withProgress(`verify ${chainText(domainId)}`, (onProgress) =>
        verifyChain(source, asked, onProgress, this.signal),
      )
    if (statements === undefined) return scan(request)
    const { reader } = this.heads
    const verdict = await scan(request).finally(() => reader.add(statements.rows))
    const stated = heads.withGiven(await reader.of(domainId, this.signal))
    return withOwnRows(verdict, stated, (signed) => scan({ ...request, observer: undefined, signed }))
  }

  /** Returns what collects the signed rows, where a run over all chains of a mirror reads the platform chain. */
  #statementsOf(domainId: string, known: KnownChains | undefined): StatementObserver | undefined {
    if (this.options.source !== 'mirror' || known === undefined || domainId !== PLATFORM_ANCHOR)
      return undefined
    return new StatementObserver(this.options.watcher?.observer(domainId))
  }
}

function outcomeOf(settled: PromiseSettledResult<Verified>): Verified {
  if (settled.status === 'rejected') throw settled.reason
  return settled.value
}
