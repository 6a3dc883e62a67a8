import { AuditError } from '../../base/errors.js'
import type { Client } from '../session/database.js'
import type { PlacedRow, Placement } from './append-placement.js'
import type { FreshKey } from './seen-keys.js'

/** What one transaction wrote to one chain. Its rows follow one another, because the transaction holds the chain's lock. */
export interface ChainWrites {
  readonly domainId: string
  /** The first seq. */
  readonly first: number
  /** The last row. */
  last: PlacedRow
  /** The number of contexts that were stored. Nothing is stored about blocked subjects. */
  contexts: number
  /** The pseudonyms that personal data were stored of. */
  readonly subjects: Set<string>
  readonly keys: FreshKey[]
}

/** What a group stored beside its rows. */
export interface OffChainWrites {
  readonly contexts: readonly { readonly domainId: string; readonly count: number }[]
  readonly subjects: readonly { readonly domainId: string; readonly subject: string }[]
}

/** All that one transaction appended, to be looked at after COMMIT. */
export class AppendLedger {
  readonly #chains = new Map<string, ChainWrites>()
  /** The seconds by which the last rows are ahead of the clock, by chain. Chains that are not ahead are left out. */
  readonly ahead = new Map<string, number>()

  get chains(): readonly ChainWrites[] {
    return [...this.#chains.values()]
  }

  /** Adds a group that no savepoint undoes any more. */
  add({ rows, keys, ahead }: Placement, { contexts, subjects }: OffChainWrites): void {
    for (const row of rows) this.#chain(row.entry.domainId, row).last = row
    for (const [domainId, seconds] of ahead) this.ahead.set(domainId, seconds)
    for (const { domainId, count } of contexts) this.#chain(domainId).contexts += count
    for (const { domainId, subject } of subjects) this.#chain(domainId).subjects.add(subject)
    for (const key of keys.fresh) this.#chain(key.placed.domainId).keys.push(key)
  }

  #chain(domainId: string, row?: PlacedRow): ChainWrites {
    const known = this.#chains.get(domainId)
    if (known !== undefined) return known
    if (row === undefined) throw new AuditError('internal', `nothing was appended to chain ${domainId}`)
    const chain = {
      domainId,
      first: row.entry.seq,
      last: row,
      contexts: 0,
      subjects: new Set<string>(),
      keys: [],
    }
    this.#chains.set(domainId, chain)
    return chain
  }
}

/** The ledgers of the transactions that are open, so that whatever appends under the locks is looked at after COMMIT. */
const open = new WeakMap<Client, AppendLedger>()

/** Begins the ledger of the transaction that this client has begun. */
export function openLedger(client: Client): AppendLedger {
  const ledger = new AppendLedger()
  open.set(client, ledger)
  return ledger
}

/** Returns the ledger of the client's transaction. */
export function ledgerOf(client: Client): AppendLedger {
  const ledger = open.get(client)
  if (ledger === undefined) throw new AuditError('internal', 'an append outside of underLocks')
  return ledger
}
