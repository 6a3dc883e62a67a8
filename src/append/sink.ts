import { AuditError } from '../base/errors.js'
import type { Appended, AppendItem, AtRefusal, EntryStore, Placed } from '../ports/append.js'
import { type ItemDeps, toAppendItems } from './append-item.js'
import type { InputEntry } from './input/input-line.js'

/** Entries that share one transaction at most: a seventh more rows/s than by 1,000; others wait for the chain's lock 0.13 s. */
export const MAX_GROUP = 2000

/** What the sink needs from the world. */
export interface SinkOptions extends ItemDeps {
  readonly store: EntryStore
}

/** Entries as rows of their chains, or why they are refused. */
export type PreparedGroup = readonly (AppendItem | AuditError)[]

interface Waiting {
  readonly entry: InputEntry
  readonly resolve: (placed: readonly Placed[]) => void
  readonly reject: (error: unknown) => void
}

/** The one road onto a chain: residency, pepper, pseudonym, group commit. */
export class Sink {
  readonly #options: SinkOptions
  #queue: Waiting[] = []
  #draining: Promise<void> | undefined

  constructor(options: SinkOptions) {
    this.#options = options
  }

  /**
   * Appends one entry, in the order of the calls; all that wait while a transaction runs go into the next one
   * together. Resolves when the entry's rows, one on each chain concerned, are durable. Rejects with an AuditError if
   * it was refused or could not be written; then none of its rows is there, unless the code is `outcome_unknown`.
   */
  record(entry: InputEntry): Promise<readonly Placed[]> {
    return new Promise((resolve, reject) => {
      this.#queue.push({ entry, resolve, reject })
      this.#draining ??= this.#drain()
    })
  }

  /** Resolves when everything recorded so far has been settled. */
  async flush(): Promise<void> {
    await this.#draining
  }

  /**
   * Appends entries in one transaction and tells for each where its rows are or why it was refused. With 'stop' the
   * first refused entry is the last result and nothing after it is appended. Rejects when nothing was written.
   */
  async recordGroup(entries: readonly InputEntry[], atRefusal: AtRefusal): Promise<readonly Appended[]> {
    return this.write(await this.prepare(entries), atRefusal)
  }

  /** The first half of {@link recordGroup}, which needs no database lock: a stream does it one group ahead. */
  prepare(entries: readonly InputEntry[]): Promise<PreparedGroup> {
    return toAppendItems(entries, this.#options)
  }

  /** The second half. */
  async write(prepared: PreparedGroup, atRefusal: AtRefusal): Promise<readonly Appended[]> {
    const refusal = prepared.findIndex((item) => item instanceof AuditError)
    const wanted = atRefusal === 'stop' && refusal >= 0 ? prepared.slice(0, refusal + 1) : prepared
    const items = wanted.filter(isItem)
    const appended = items.length === 0 ? [] : await this.#options.store.append(items, atRefusal)
    return inOrder(wanted, appended)
  }

  async #drain(): Promise<void> {
    // A turn of the event loop lets callers that record in one go share the first transaction.
    await new Promise((resolve) => setImmediate(resolve))
    while (this.#queue.length > 0) {
      const group = this.#queue.slice(0, MAX_GROUP)
      this.#queue = this.#queue.slice(MAX_GROUP)
      await this.#settle(group)
    }
    this.#draining = undefined
  }

  /** Never rejects: every entry of the group hears of its own outcome. */
  async #settle(group: readonly Waiting[]): Promise<void> {
    try {
      const entries = group.map(({ entry }) => entry)
      const outcomes = await this.recordGroup(entries, 'continue')
      for (const [index, { resolve, reject }] of group.entries()) {
        const outcome = outcomes[index] ?? new AuditError('internal', 'an entry has no outcome')
        if (outcome instanceof AuditError) reject(outcome)
        else resolve(outcome)
      }
    } catch (error) {
      for (const { reject } of group) reject(error)
    }
  }
}

function isItem(item: AppendItem | AuditError): item is AppendItem {
  return !(item instanceof AuditError)
}

/** Outcomes of items between those that were refused before; ends where the store stopped. */
function inOrder(prepared: PreparedGroup, appended: readonly Appended[]): Appended[] {
  const outcomes: Appended[] = []
  let next = 0
  for (const item of prepared) {
    const outcome = isItem(item) ? appended[next++] : item
    if (outcome === undefined) break
    // A chain that this item started has its genesis row in front; the caller asked about its own rows.
    outcomes.push(
      isItem(item) && !(outcome instanceof AuditError) ? outcome.slice(-item.rows.length) : outcome,
    )
  }
  return outcomes
}
