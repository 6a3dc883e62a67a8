import { AuditError } from '../../base/errors.js'
import { assertFirstPepper } from '../../base/genesis-pepper.js'
import { nodeHasher } from '../../base/node-hasher.js'
import { encodeUnplaced, putPlace } from '../../chain/canonical.js'
import type { ChainedEntry } from '../../chain/entry.js'
import { FormatError } from '../../chain/format-error.js'
import { ZERO_HASH } from '../../chain/hash.js'
import { secondsAhead } from '../../chain/row-time.js'
import type { Appended, AppendItem, AtRefusal, ChainStart, NewRow, Placed } from '../../ports/append.js'
import type { ChainTail, OpenChain } from './append-chains.js'
import { damageOf } from './chain-damage.js'
import { SeenKeys } from './seen-keys.js'

/** A row with its seq and hashes, its canonical bytes, and the personal data that is stored beside it. */
export interface PlacedRow {
  readonly entry: PlacedEntry
  readonly canonical: Uint8Array
  readonly row: NewRow
}

type PlacedEntry = Omit<ChainedEntry, Exclude<keyof NewRow, 'domainId' | 'subjectPseudonym'>>

/** Assigns seqs on locked chains to rows and hashes the rows. An item is placed completely or not at all. */
export class Placement {
  readonly #open: ReadonlyMap<string, OpenChain>
  readonly #tails = new Map<string, ChainTail>()
  readonly rows: PlacedRow[] = []
  /** The seconds by which the rows placed last are ahead of the clock, by chain. */
  readonly ahead = new Map<string, number>()
  /** Chains that begin here. */
  readonly started = new Map<string, ChainStart>()

  constructor(
    open: readonly OpenChain[],
    readonly keys = new SeenKeys(),
  ) {
    this.#open = new Map(open.map((chain) => [chain.domainId, chain]))
    for (const { domainId, tail } of open) if (tail !== undefined) this.#tails.set(domainId, tail)
  }

  /** Returns each chain's head when it was locked, and its new head. Chains that did not change are left out. */
  heads(): { domainId: string; before: ChainTail | undefined; after: ChainTail }[] {
    return [...this.#tails]
      .map(([domainId, after]) => ({ domainId, before: this.#open.get(domainId)?.tail, after }))
      .filter(({ before, after }) => before !== after)
  }

  placeAll(items: readonly AppendItem[], atRefusal: AtRefusal): Appended[] {
    const appended: Appended[] = []
    for (const item of items) {
      const outcome = this.#place(item)
      appended.push(outcome)
      if (outcome instanceof AuditError && atRefusal === 'stop') break
    }
    return appended
  }

  #place(item: AppendItem): Appended {
    try {
      const starts = [...(item.starts ?? [])].filter(([domainId, start]) => this.#starts(domainId, start))
      const genesis = starts.map(([, start]) => start.genesis)
      this.#admit(item, new Set(genesis.map((row) => row.domainId)))
      // Only after the pepper is known to be right: under another pepper the same content has another fingerprint.
      const first = this.keys.firstResult(item)
      if (first !== undefined) return first
      const tails = new Map<string, ChainTail>()
      const placed = [...genesis, ...item.rows].map((row) => this.#next(row, tails))
      for (const [domainId, start] of starts) this.started.set(domainId, start)
      for (const [domainId, tail] of tails) this.#tails.set(domainId, tail)
      this.rows.push(...placed)
      const places = placed.map(({ entry }) => placeOf(entry, this.#open.get(entry.domainId)?.clock))
      for (const { domainId, secondsAhead } of places)
        if (secondsAhead !== undefined) this.ahead.set(domainId, secondsAhead)
      this.keys.remember(item, places.slice(genesis.length))
      return places
    } catch (error) {
      if (error instanceof FormatError)
        return new AuditError('invalid_input', error.message, { cause: error })
      if (error instanceof AuditError) return error
      throw error
    }
  }

  /** Returns whether the item begins this chain. Throws where a new Domain already exists. */
  #starts(domainId: string, start: ChainStart): boolean {
    const chain = this.#open.get(domainId)
    const exists = this.#tails.has(domainId) || chain?.registered === true || (chain?.lastSeq ?? 0) > 0
    if (exists && start.registration !== undefined) {
      throw new AuditError('domain_exists', `Domain ${domainId} already exists`, {
        advice: { code: 'list_domains' },
      })
    }
    return !exists
  }

  #admit(item: AppendItem, started: ReadonlySet<string>): void {
    for (const { domainId } of item.rows) {
      if (started.has(domainId)) continue
      const tail = this.#tails.get(domainId)
      this.#assertSound(domainId, tail)
      const ofPepper = item.genesisPseudonyms.get(domainId)
      assertFirstPepper(domainId, tail?.genesisPseudonym, ofPepper, 'give_first_pepper_or_break_continuity')
    }
  }

  /** Throws for a damaged chain where a row would fork the chain or leave its pepper unchecked. */
  #assertSound(domainId: string, tail: ChainTail | undefined): void {
    const chain = this.#open.get(domainId)
    if (tail === undefined && chain?.registered !== true && (chain?.lastSeq ?? 0) === 0) {
      throw new AuditError('residency_unknown', `there is no Domain ${domainId}`, {
        advice: { code: 'list_or_create_domain' },
      })
    }
    const problem = damageOf(tail, chain)
    if (problem === undefined) return
    throw new AuditError('chain_conflict', `chain ${domainId} takes no more rows: ${problem}`, {
      advice: { code: 'verify_chain', domainId },
    })
  }

  /** Hashes a row onto the end of its chain, including this item's earlier rows. */
  #next(row: NewRow, tails: Map<string, ChainTail>): PlacedRow {
    const { domainId } = row
    const tail = tails.get(domainId) ?? this.#tails.get(domainId)
    const clock = this.#open.get(domainId)?.clock ?? 0n
    const recordedAt = tail !== undefined && tail.recordedAt > clock ? tail.recordedAt : clock
    const prevHash = tail?.headHash ?? ZERO_HASH
    const seq = tail?.nextSeq ?? 1
    const canonical = putPlace(row.unplaced ?? encodeUnplaced(row), seq, recordedAt)
    const entryHash = nodeHasher.entry(prevHash, canonical)
    const { subjectPseudonym } = row
    const genesisPseudonym = tail?.genesisPseudonym ?? subjectPseudonym
    tails.set(domainId, { nextSeq: seq + 1, headHash: entryHash, recordedAt, genesisPseudonym })
    return {
      entry: { domainId, seq, subjectPseudonym, recordedAt, prevHash, entryHash },
      canonical,
      row,
    }
  }
}

function placeOf({ domainId, seq, entryHash, recordedAt }: PlacedEntry, clock = recordedAt): Placed {
  const ahead = secondsAhead(recordedAt, clock)
  return { domainId, seq, entryHash, recordedAt, ...(ahead !== undefined && { secondsAhead: ahead }) }
}
