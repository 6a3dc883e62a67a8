import { sourced } from '../archive/findings.js'
import { inParallel } from '../base/parallel/in-parallel.js'
import type { ChainGrowth, HeadsRow, SignedHead } from '../ports/signer.js'
import { type ChainWork, chainWork } from './chain-work.js'
import type { SignerDeps } from './deps.js'
import { type EnrolOptions, enrolChains, notCreated } from './enrol.js'
import { KnownLog, PLATFORM } from './known-log.js'
import { PlatformChain } from './platform-chain.js'
import { headRows } from './row-texts.js'
import { type ChainOutcome, type ChainSigned, refusedBy, signChain } from './sign-chain.js'

/** Milliseconds between two comparisons of all records with the rows (tlog.md, section 11). */
const LOOK_AT_ALL = 3_600_000

/** Chains that are signed at once. Each waits for a disk and for a mirror most of the time. */
const WIDTH = 8

export interface PassOptions extends EnrolOptions {
  /** The chains to sign. Default: every chain. The platform chain is signed after rows that name heads, whether or not it is among them. */
  readonly only?: ReadonlySet<string> | undefined
  /**
   * Chains with rows that the archiver held back in this pass. Default: a row without an archive stamp below one with a stamp counts
   * as held back; two archivers that stamp the rows of one chain at once leave such rows for a moment.
   */
  readonly held?: ReadonlySet<string> | undefined
}

/**
 * Runs the steps B to F of one pass (tlog.md, section 7), as at a start: enrols the chains that have no key, signs every Domain that
 * grew, names the new heads in rows of the platform chain, archives these rows and signs the platform chain. Call it after the
 * chains were archived.
 *
 * Resolves with one result for each chain that was signed, and for each that could not be; a chain with nothing to sign is left out.
 * Where no key of the log is named yet and `mayBegin` is not set, there is one result for the platform chain, `not_initialised`. What
 * was found was reported by `deps.onFindings` before. Rejects where PostgreSQL fails, and at the signal.
 *
 * The pass can be repeated, and several signers may run at once: a process that dies leaves a promise that the next run keeps, and
 * only the process whose record of a chain is the highest signs it. A second pass finds nothing to do.
 */
export function signPass(
  deps: SignerDeps,
  options: PassOptions = {},
  signal: AbortSignal = new AbortController().signal,
): Promise<readonly ChainSigned[]> {
  return new Signer(deps).pass(options, signal)
}

/** A signer that runs pass after pass. Its first pass, and one an hour, looks at every chain; the others at those that grew. */
export class Signer {
  readonly #deps: SignerDeps
  readonly #clock: () => number
  #nextLook = Number.NEGATIVE_INFINITY
  /** By chain: why it was not enrolled. It is compared again at the next look at all chains. */
  readonly #refused = new Map<string, ChainSigned>()
  /** By chain: why it was not signed, at the last look at all chains. A chain that lost rows does not count as grown after that. */
  readonly #stuck = new Map<string, ChainSigned>()

  constructor(deps: SignerDeps) {
    this.#deps = deps
    this.#clock = deps.clock ?? (() => performance.now())
  }

  /** See {@link signPass}. */
  async pass(options: PassOptions, signal: AbortSignal): Promise<readonly ChainSigned[]> {
    const isWhole = this.#clock() >= this.#nextLook
    if (isWhole) this.#refused.clear()
    const growth = await this.#deps.store.growth(isWhole)
    const results = growth.length === 0 ? [] : await this.#passOver(growth, isWhole, options, signal)
    if (options.only === undefined) this.#rememberStuck(results, growth, isWhole)
    // After a pass that failed the next one looks at all chains again.
    if (isWhole) this.#nextLook = this.#clock() + LOOK_AT_ALL
    const known = new Set(results.map(({ domainId }) => domainId))
    return [...results, ...[...this.#stuck.values()].filter(({ domainId }) => !known.has(domainId))]
  }

  async #passOver(
    growth: readonly ChainGrowth[],
    isWhole: boolean,
    options: PassOptions,
    signal: AbortSignal,
  ): Promise<readonly ChainSigned[]> {
    const results = await new Pass(this.#deps, options, this.#refused, isWhole, signal).run(growth)
    for (const { domainId, findings, reason } of results) {
      const source = reason === 'copies_differ' ? 'both' : 'postgres'
      if (findings.length > 0) await this.#deps.onFindings(domainId, sourced(source, findings))
    }
    return results
  }

  #rememberStuck(results: readonly ChainSigned[], growth: readonly ChainGrowth[], isWhole: boolean): void {
    if (isWhole) this.#stuck.clear()
    for (const { domainId } of growth) this.#stuck.delete(domainId)
    for (const result of results)
      if (result.reason !== undefined) this.#stuck.set(result.domainId, { ...result, rows: 0, findings: [] })
  }
}

class Pass {
  readonly #deps: SignerDeps
  readonly #options: PassOptions
  readonly #refused: Map<string, ChainSigned>
  readonly #isStart: boolean
  readonly #signal: AbortSignal
  readonly #results: ChainSigned[] = []

  constructor(
    deps: SignerDeps,
    options: PassOptions,
    refused: Map<string, ChainSigned>,
    isStart: boolean,
    signal: AbortSignal,
  ) {
    this.#deps = deps
    this.#options = options
    this.#refused = refused
    this.#isStart = isStart
    this.#signal = signal
  }

  async run(growth: readonly ChainGrowth[]): Promise<ChainSigned[]> {
    const { store, keys } = this.#deps
    const before = growth.find(isPlatform)
    const begun = await KnownLog.read(store, keys)
    const platform = new PlatformChain(this.#deps, before, begun, this.#isStart, this.#signal)
    const enrolled = await this.#unlessRefused(() => this.#enrol(growth, begun, platform))
    const { known = begun, wrote = false } = enrolled ?? {}
    if (!known.hasBegun) return this.#results
    const domains = growth.filter(
      (chain) => !isPlatform(chain) && this.#isWanted(chain) && known.isEnrolled(chain),
    )
    const heads = await this.#signDomains(domains, known)
    if (enrolled === undefined) return this.#results
    const named = await this.#unlessRefused(() => this.#nameHeads(heads, platform, known))
    if (named !== undefined) await this.#finishPlatform(before, wrote || named, known)
    return this.#results
  }

  /** Resolves with undefined where the platform chain must not grow, after the reason became a result. */
  async #unlessRefused<T>(act: () => Promise<T>): Promise<T | undefined> {
    try {
      return await act()
    } catch (error) {
      this.#signal.throwIfAborted()
      const refused = refusedBy(error, PLATFORM.domainId)
      if (refused === undefined) throw error
      this.#results.push(refused)
      return undefined
    }
  }

  /** E and F. */
  async #finishPlatform(before: ChainGrowth | undefined, wrote: boolean, known: KnownLog): Promise<void> {
    if (wrote) await this.#deps.drain(PLATFORM.domainId, this.#signal)
    const grown = wrote ? await this.#grownSince(before) : before
    if (grown !== undefined && (wrote || this.#isWanted(grown))) await this.#signPlatform(grown, known)
  }

  #workOn(chain: ChainGrowth, known: KnownLog): ChainWork {
    const isHeld = this.#options.held?.has(chain.domainId)
    return chainWork(this.#deps, chain, known, { isStart: this.#isStart, isHeld }, this.#signal)
  }

  #isWanted({ domainId }: ChainGrowth): boolean {
    return this.#options.only?.has(domainId) ?? true
  }

  /** B: names the keys of chains that have none. At a start the platform chain is compared with its record before. */
  async #enrol(
    growth: readonly ChainGrowth[],
    known: KnownLog,
    platform: PlatformChain,
  ): Promise<{ known: KnownLog; wrote: boolean }> {
    const { store, keys } = this.#deps
    await platform.signed()
    const isOpen = (chain: ChainGrowth) =>
      !known.isEnrolled(chain) && (this.#isWanted(chain) || isPlatform(chain))
    const open = growth.filter(isOpen)
    if (open.length === 0) return { known, wrote: false }
    const created = new Set(await store.createdChains())
    if (known.hasBegun)
      this.#results.push(...open.filter(({ domainId }) => !created.has(domainId)).map(notCreated))
    const again = open.filter(({ domainId }) => created.has(domainId) && !this.#refused.has(domainId))
    const guarded = { ...store, append: (rows: readonly HeadsRow[]) => platform.append(rows) }
    const deps = { ...this.#deps, store: guarded }
    const { enrolled, refused } = await enrolChains(deps, again, known, this.#options, this.#signal)
    for (const one of refused) this.#remember(one)
    this.#results.push(...this.#refused.values())
    if (enrolled.length === 0) return { known, wrote: false }
    return { known: await KnownLog.read(store, keys), wrote: true }
  }

  /** A mirror that could not be read may be back at the next pass. */
  #remember(refused: ChainSigned): void {
    if (refused.reason === 'mirror_unreadable' || refused.reason === 'restoring') this.#results.push(refused)
    else this.#refused.set(refused.domainId, refused)
  }

  /** C: signs the Domains. Returns the heads that no row names yet. */
  async #signDomains(chains: readonly ChainGrowth[], known: KnownLog): Promise<SignedHead[]> {
    const outcomes = await inParallel(
      chains,
      WIDTH,
      () => this.#signal.aborted,
      async (chain) => ({ chain, ...(await signChain(this.#workOn(chain, known))) }),
    )
    this.#signal.throwIfAborted()
    for (const { chain, ...outcome } of outcomes) this.#add(outcome, chain)
    return outcomes.flatMap(({ head }) => head ?? [])
  }

  /** D: one transaction with rows that name the heads, and the newest head of the platform chain of an earlier pass. */
  async #nameHeads(heads: readonly SignedHead[], platform: PlatformChain, known: KnownLog): Promise<boolean> {
    if (heads.length === 0) return false
    const earlier = await platform.head()
    const all = earlier === undefined ? heads : [...heads, earlier]
    await platform.append(headRows(all, known.platform))
    await this.#deps.afterStep?.('heads_named', PLATFORM.domainId)
    return true
  }

  /**
   * Returns the platform chain with its new rows. The index may have got its earlier head by D, although a process died before that
   * head was kept, so the size that the index had before counts.
   */
  async #grownSince(before: ChainGrowth | undefined): Promise<ChainGrowth | undefined> {
    const now = (await this.#deps.store.growth(false)).find(isPlatform)
    if (now === undefined || before === undefined) return now ?? before
    return { ...now, indexedSize: Math.min(now.indexedSize, before.indexedSize) }
  }

  /** F: signs the platform chain. No row names its head before the next pass, so the index gets it here. */
  async #signPlatform(platform: ChainGrowth, known: KnownLog): Promise<void> {
    const { store } = this.#deps
    const outcome = await signChain(this.#workOn(platform, known))
    if (outcome.head !== undefined) await store.index([outcome.head])
    await this.#deps.afterStep?.('heads_named', PLATFORM.domainId)
    this.#add(outcome, platform)
  }

  #add({ result }: ChainOutcome, { lastSeq }: ChainGrowth): void {
    const { domainId, rows, reason, error, size } = result
    // Rows that were signed over are held back for ever, and the chain is signed all the same.
    const isOpen = reason === undefined && error === undefined && size < lastSeq
    const isHeld = isOpen && this.#options.held?.has(domainId) === true
    if (isHeld) {
      const message = `chain ${domainId}: the archiver holds rows after row ${size} back`
      this.#results.push({ ...result, reason: 'rows_held', message })
    } else if (rows > 0 || reason !== undefined || error !== undefined) this.#results.push(result)
  }
}

function isPlatform({ domainId }: ChainGrowth): boolean {
  return domainId === PLATFORM.domainId
}
