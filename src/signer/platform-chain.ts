import type { SignerState } from '../chain/log/signer-state.js'
import { Holes, type SeqRange } from '../chain/tree/holes.js'
import type { ChainGrowth, HeadsRow, SignedHead } from '../ports/signer.js'
import { type ChainWork, chainWork, recordedKey } from './chain-work.js'
import type { SignerDeps } from './deps.js'
import { type KnownLog, PLATFORM } from './known-log.js'
import { judgeObject } from './last-object.js'
import { Refusal } from './reasons.js'
import { newestRecord } from './record.js'
import { resume } from './resume.js'
import { signedNote } from './signed-note.js'
import { guardOf } from './signed-rows-stay.js'

/** Rows after the signed ones among which a row without a stamp is looked for. Signing stops at the first such row. */
const LOOKED_AT = 64

/**
 * The platform chain, as the chain that signed rows are appended to. A row that follows rows other than the signed or archived ones
 * would be archived at a name of another history, and the create-only mirror could not be restored any more.
 */
export class PlatformChain {
  readonly #work: ChainWork
  #state: Promise<SignerState | undefined> | undefined

  /** `growth`: absent where the chain has not grown, or has no rows. */
  constructor(
    deps: SignerDeps,
    growth: ChainGrowth | undefined,
    known: KnownLog,
    isStart: boolean,
    signal: AbortSignal,
  ) {
    const rows = growth ?? { ...PLATFORM, lastSeq: 0, indexedSize: 0 }
    // A log that seems to be new is one that lost its first rows, where there is a record.
    const options = { isStart: isStart || !known.hasBegun, isHeld: undefined }
    this.#work = chainWork(deps, rows, known, options, signal)
  }

  /** Returns what was promised last, before this pass; at a start by the rules of {@link resume}. Throws as that does. */
  signed(): Promise<SignerState | undefined> {
    this.#state ??= this.#read()
    return this.#state
  }

  /** Returns the newest head before this pass, signed again with the same bytes. Throws as {@link signed} does. */
  async head(): Promise<SignedHead | undefined> {
    const record = await this.signed()
    if (record === undefined) return undefined
    const note = signedNote(record, this.#work.key, recordedKey(this.#work, record.size).key)
    const { size, root, lastEntryHash: entryHash } = record
    return { ...PLATFORM, size, root, entryHash, note }
  }

  /**
   * Appends rows. Throws a Refusal where the chain is not the one that was signed, or not the one in its mirror. `over`: ranges of
   * this chain that the rows sign over.
   */
  async append(rows: readonly HeadsRow[], over: readonly SeqRange[] = []): Promise<readonly number[]> {
    const { deps, chain } = this.#work
    const record = await this.signed()
    await this.#assertArchivedAlike(record?.size ?? 0, over)
    try {
      return await deps.store.append(rows, record && guardOf(chain.domainId, record))
    } catch (error) {
      // The database wraps what the guard throws.
      throw error instanceof Error && error.cause instanceof Refusal ? error.cause : error
    }
  }

  async #read(): Promise<SignerState | undefined> {
    const { deps, key, known, isStart, growth } = this.#work
    const record = await newestRecord(deps.states, key.origin)
    const isResumed = isStart && (record !== undefined || (known.hasBegun && growth.lastSeq > 0))
    return isResumed ? resume(this.#work) : record
  }

  /** A row that waits for the archiver is no problem, and neither is its absence in the mirror. */
  async #assertArchivedAlike(size: number, over: readonly SeqRange[]): Promise<void> {
    const { deps, chain, holes, signal } = this.#work
    const { domainId } = chain
    const range = { domainId, fromSeq: size + 1, toSeq: size + LOOKED_AT }
    const snapshot = await deps.rows.snapshot(range, signal)
    const hashes = new Map<number, string>()
    try {
      for await (const rows of snapshot.rows())
        for (const { seq, entryHash = '' } of rows) hashes.set(seq, entryHash)
    } finally {
      await snapshot.close()
    }
    const waiting = firstOutside(snapshot.unstamped, new Holes([...holes.ranges, ...over]))
    const lastEntryHash = waiting === undefined ? undefined : hashes.get(waiting)
    if (waiting === undefined || lastEntryHash === undefined) return
    const problem = await judgeObject(this.#work, { size: waiting, lastEntryHash })
    if (problem?.reason === 'copies_differ') throw new Refusal(problem.reason, problem.message, problem)
  }
}

/** Returns the first seq of some ranges that is in no hole. */
function firstOutside(bounds: ArrayLike<number>, holes: Holes): number | undefined {
  for (let at = 0; at + 1 < bounds.length; at += 2) {
    const [outside] = holes.outside(bounds[at] ?? 0, bounds[at + 1] ?? 0)
    if (outside !== undefined) return outside.from
  }
  return undefined
}
