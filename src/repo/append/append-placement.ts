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

/** A locked chain and its end, which moves with each row that is placed. */
interface Chain {
  readonly open: OpenChain
  tail: ChainTail | undefined
  /** The time of every row that is placed here: the clock's, but never before the last row's. */
  readonly recordedAt: bigint
  /** The seconds by which that time is ahead of the clock; undefined where it is not. */
  readonly secondsAhead: number | undefined
}

/** Assigns seqs on locked chains to rows and hashes the rows. An item is placed completely or not at all. */
export class Placement {
  readonly #chains = new Map<string, Chain>()
  readonly rows: PlacedRow[] = []
  /** The seconds by which the rows placed last are ahead of the clock, by chain. */
  readonly ahead = new Map<string, number>()
  /** Chains that begin here. */
  readonly started = new Map<string, ChainStart>()

  constructor(
    open: readonly OpenChain[],
    readonly keys = new SeenKeys(),
  ) {
    for (const chain of open) this.#chains.set(chain.domainId, chainOf(chain))
  }

  /** Returns each chain's head when it was locked, and its new head. Chains that did not change are left out. */
  heads(): { domainId: string; before: ChainTail | undefined; after: ChainTail }[] {
    return [...this.#chains].flatMap(([domainId, { open, tail: after }]) =>
      after === undefined || after === open.tail ? [] : [{ domainId, before: open.tail, after }],
    )
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
      const starts = this.#startsOf(item)
      this.#admit(item, starts)
      // Only after the pepper is known to be right: under another pepper the same content has another fingerprint.
      const first = this.keys.firstResult(item)
      if (first !== undefined) return first
      const genesis = starts.map(([, start]) => start.genesis)
      const places = this.#placeRows(genesis.length === 0 ? item.rows : [...genesis, ...item.rows])
      for (const [domainId, start] of starts) this.started.set(domainId, start)
      this.keys.remember(item, genesis.length === 0 ? places : places.slice(genesis.length))
      return places
    } catch (error) {
      if (error instanceof FormatError)
        return new AuditError('invalid_input', error.message, { cause: error })
      if (error instanceof AuditError) return error
      throw error
    }
  }

  /** Returns the chains that the item begins. Throws where a new Domain already exists. */
  #startsOf({ starts }: AppendItem): readonly Start[] {
    if (starts === undefined || starts.size === 0) return NO_STARTS
    return [...starts].filter(([domainId, start]) => this.#isStarted(domainId, start))
  }

  #isStarted(domainId: string, start: ChainStart): boolean {
    const { open, tail } = this.#chain(domainId)
    const exists = tail !== undefined || open.registered || open.lastSeq > 0
    if (exists && start.registration !== undefined) {
      throw new AuditError('domain_exists', `Domain ${domainId} already exists`, {
        advice: { code: 'list_domains' },
      })
    }
    return !exists
  }

  #admit(item: AppendItem, starts: readonly Start[]): void {
    for (const { domainId } of item.rows) {
      if (starts.some(([started]) => started === domainId)) continue
      const chain = this.#chain(domainId)
      assertSound(domainId, chain)
      const ofPepper = item.genesisPseudonyms.get(domainId)
      assertFirstPepper(
        domainId,
        chain.tail?.genesisPseudonym,
        ofPepper,
        'give_first_pepper_or_break_continuity',
      )
    }
  }

  /** Places all rows of an item. Where one throws, none is placed. */
  #placeRows(rows: readonly NewRow[]): Placed[] {
    const count = this.rows.length
    const tails = rows.map(({ domainId }) => this.#chain(domainId).tail)
    try {
      return rows.map((row) => this.#placeRow(row))
    } catch (error) {
      for (const [i, { domainId }] of rows.entries()) this.#chain(domainId).tail = tails[i]
      this.rows.length = count
      throw error
    }
  }

  /** Hashes a row onto the end of its chain. */
  #placeRow(row: NewRow): Placed {
    const { domainId, subjectPseudonym } = row
    const chain = this.#chain(domainId)
    const { tail, recordedAt, secondsAhead } = chain
    const prevHash = tail?.headHash ?? ZERO_HASH
    const seq = tail?.nextSeq ?? 1
    const canonical = putPlace(row.unplaced ?? encodeUnplaced(row), seq, recordedAt)
    const entryHash = nodeHasher.entry(prevHash, canonical)
    const genesisPseudonym = tail?.genesisPseudonym ?? subjectPseudonym
    chain.tail = { nextSeq: seq + 1, headHash: entryHash, recordedAt, genesisPseudonym }
    this.rows.push({
      entry: { domainId, seq, subjectPseudonym, recordedAt, prevHash, entryHash },
      canonical,
      row,
    })
    if (secondsAhead === undefined) return { domainId, seq, entryHash, recordedAt }
    this.ahead.set(domainId, secondsAhead)
    return { domainId, seq, entryHash, recordedAt, secondsAhead }
  }

  #chain(domainId: string): Chain {
    const known = this.#chains.get(domainId)
    if (known !== undefined) return known
    throw new AuditError('internal', `chain ${domainId} was not opened`)
  }
}

type Start = readonly [string, ChainStart]

const NO_STARTS: readonly Start[] = []

function chainOf(open: OpenChain): Chain {
  const { tail, clock } = open
  const recordedAt = tail !== undefined && tail.recordedAt > clock ? tail.recordedAt : clock
  return { open, tail, recordedAt, secondsAhead: secondsAhead(recordedAt, clock) }
}

/** Throws for a damaged chain where a row would fork the chain or leave its pepper unchecked. */
function assertSound(domainId: string, { open, tail }: Chain): void {
  if (tail === undefined && !open.registered && open.lastSeq === 0) {
    throw new AuditError('residency_unknown', `there is no Domain ${domainId}`, {
      advice: { code: 'list_or_create_domain' },
    })
  }
  const problem = damageOf(tail, open)
  if (problem === undefined) return
  throw new AuditError('chain_conflict', `chain ${domainId} takes no more rows: ${problem}`, {
    advice: { code: 'verify_chain', domainId },
  })
}
