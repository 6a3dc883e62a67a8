import { AuditError } from '../base/errors.js'
import type { Appended, AppendItem, AtRefusal, EntryStore, Placed } from '../ports/append.js'
import { type ItemDeps, toAppendItems } from './append-item.js'
import type { InputEntry } from './input/input-line.js'

/**
 * Entries in one transaction at most. A seventh more rows/s than with 1,000. Other writers of the chain wait while one
 * group is written, so that a larger group would delay them for longer.
 */
export const MAX_GROUP = 2000

/** The dependencies of the sink. */
export interface SinkOptions extends ItemDeps {
  readonly store: EntryStore
}

/** For each entry its rows, or the error that refuses it. */
export type PreparedGroup = readonly (AppendItem | AuditError)[]

interface Waiting {
  readonly entry: InputEntry
  readonly resolve: (placed: readonly Placed[]) => void
  readonly reject: (error: unknown) => void
}

/** The entries of one transaction. */
interface Group {
  readonly waiting: readonly Waiting[]
  readonly prepared: Promise<PreparedGroup>
}

/** The one way onto a chain: residency, pepper, pseudonym, group commit. */
export class Sink {
  readonly #options: SinkOptions
  #queue: Waiting[] = []
  #draining: Promise<void> | undefined

  constructor(options: SinkOptions) {
    this.#options = options
  }

  /**
   * Appends one entry, in the order of the calls. Entries that wait while a transaction runs share the next one.
   * Resolves when the entry's rows, one on each of its chains, are durable. Rejects with an AuditError if the entry was
   * refused or could not be written; then none of its rows is stored, unless the code is `outcome_unknown`.
   */
  record(entry: InputEntry): Promise<readonly Placed[]> {
    return new Promise((resolve, reject) => {
      this.#queue.push({ entry, resolve, reject })
      this.#draining ??= this.#drain()
    })
  }

  /** Resolves when every entry recorded so far has its outcome. */
  async flush(): Promise<void> {
    await this.#draining
  }

  /**
   * Appends entries in one transaction. Returns for each entry where its rows are, or the error that refused it. With
   * 'stop' the first refused entry is the last result, and no entry after it is appended. Rejects when nothing was
   * written.
   */
  async recordGroup(entries: readonly InputEntry[], atRefusal: AtRefusal): Promise<readonly Appended[]> {
    return this.write(await this.prepare(entries), atRefusal)
  }

  /** Does the first half of {@link recordGroup}, which needs no lock of the database. A stream prepares one group ahead. */
  prepare(entries: readonly InputEntry[]): Promise<PreparedGroup> {
    return toAppendItems(entries, this.#options)
  }

  /** Does the second half of {@link recordGroup}. */
  async write(prepared: PreparedGroup, atRefusal: AtRefusal): Promise<readonly Appended[]> {
    const refusal = prepared.findIndex((item) => item instanceof AuditError)
    const wanted = atRefusal === 'stop' && refusal >= 0 ? prepared.slice(0, refusal + 1) : prepared
    const items = wanted.filter(isItem)
    const appended = items.length === 0 ? [] : await this.#options.store.append(items, atRefusal)
    return inOrder(wanted, appended)
  }

  /**
   * Writes one group after another, in the order of the calls. A full group is prepared while the group before it is
   * written. A smaller group waits for that write, because entries that come meanwhile can still join it.
   */
  async #drain(): Promise<void> {
    let next: Group | undefined
    while (next !== undefined || this.#queue.length > 0) {
      // Wait one turn of the event loop: callers that record together, or again once the last group has settled, share a
      // transaction. Without it they split into two groups for ever, and each waits for the other.
      await new Promise((resolve) => setImmediate(resolve))
      const group = next ?? this.#nextGroup()
      const settled = this.#settle(group)
      await group.prepared.catch(() => undefined)
      // The group is being written from here on.
      next = this.#queue.length >= MAX_GROUP ? this.#nextGroup() : undefined
      await settled
    }
    this.#draining = undefined
  }

  /** Takes a group from the queue and begins to prepare it. */
  #nextGroup(): Group {
    const waiting = this.#queue.slice(0, MAX_GROUP)
    this.#queue = this.#queue.slice(MAX_GROUP)
    const prepared = this.prepare(waiting.map(({ entry }) => entry))
    // Mark a rejection as handled. #settle awaits it, maybe only after the write of another group.
    prepared.catch(() => undefined)
    return { waiting, prepared }
  }

  /** Writes a group and settles each entry with its own outcome. Never rejects. */
  async #settle({ waiting, prepared }: Group): Promise<void> {
    try {
      const outcomes = await this.write(await prepared, 'continue')
      for (const [index, { resolve, reject }] of waiting.entries()) {
        const outcome = outcomes[index] ?? new AuditError('internal', 'an entry has no outcome')
        if (outcome instanceof AuditError) reject(outcome)
        else resolve(outcome)
      }
    } catch (error) {
      for (const { reject } of waiting) reject(error)
    }
  }
}

function isItem(item: AppendItem | AuditError): item is AppendItem {
  return !(item instanceof AuditError)
}

/** Returns the store's outcomes in order, with the refusals of prepare between them. Ends where the store stopped. */
function inOrder(prepared: PreparedGroup, appended: readonly Appended[]): Appended[] {
  const outcomes: Appended[] = []
  let next = 0
  for (const item of prepared) {
    const outcome = isItem(item) ? appended[next++] : item
    if (outcome === undefined) break
    outcomes.push(isItem(item) && !(outcome instanceof AuditError) ? ownRows(item, outcome) : outcome)
  }
  return outcomes
}

/** A chain that the item started has its genesis row first. The caller gets only the rows of the item. */
function ownRows({ rows }: AppendItem, placed: readonly Placed[]): readonly Placed[] {
  return placed.length === rows.length ? placed : placed.slice(-rows.length)
}
