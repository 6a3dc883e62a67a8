import { AuditError } from '../../base/errors.js'
import type { AppendItem, Placed } from '../../ports/append.js'

/** A key as a chain knows it. */
export interface KnownKey {
  readonly fingerprint: string
  /** The row that was written under the key; absent where that row is missing. */
  readonly placed: Placed | undefined
}

/** A key to be written. */
export interface FreshKey extends KnownKey {
  readonly placed: Placed
  readonly key: string
  /** The subject of the row. */
  readonly subjectPseudonym: string
}

/** The keys of one group of items: those that its chains know already, and the new ones. */
export class SeenKeys {
  readonly #known: Map<string, KnownKey>
  readonly fresh: FreshKey[] = []

  constructor(known: ReadonlyMap<string, KnownKey> = new Map()) {
    this.#known = new Map(known)
  }

  /**
   * Returns where the rows of an item with a known key are, in the order of the item's rows; undefined for an item without
   * a key or with a new key. Throws `idempotency_conflict`, and `chain_conflict` where the row is missing.
   */
  firstResult({ rows, idempotency }: AppendItem): readonly Placed[] | undefined {
    if (idempotency === undefined) return undefined
    const { key, fingerprints } = idempotency
    const known = rows.map(({ domainId }) => this.#known.get(keyOn(domainId, key)))
    if (known.every((one) => one === undefined)) return undefined
    return rows.map(({ domainId }, i) => {
      const seen = known[i]
      if (seen?.fingerprint !== fingerprints.get(domainId)) throw conflict(domainId, seen)
      if (seen?.placed === undefined) throw rowGone(domainId)
      return seen.placed
    })
  }

  /** Remembers the key of an item that was placed. `placed` is in the order of the item's rows. */
  remember({ rows, idempotency }: AppendItem, placed: readonly Placed[]): void {
    if (idempotency === undefined) return
    const { key, fingerprints } = idempotency
    for (const [i, { domainId, subjectPseudonym }] of rows.entries()) {
      const place = placed[i]
      const fingerprint = fingerprints.get(domainId)
      if (place === undefined || fingerprint === undefined) {
        throw new AuditError('internal', 'a row of an idempotent item has no place or no fingerprint')
      }
      this.fresh.push({ fingerprint, placed: place, key, subjectPseudonym })
      this.#known.set(keyOn(domainId, key), { fingerprint, placed: place })
    }
  }
}

/** Returns a key and its chain as one text. */
export function keyOn(domainId: string, key: string): string {
  return `${domainId}/${key}`
}

/** Returns the conflict. An item may have several chains, and an erasure may have deleted the key on one of them only. */
function conflict(domainId: string, seen: KnownKey | undefined): AuditError {
  const problem =
    seen === undefined
      ? `chain ${domainId} does not know this idempotency_key, and another chain of the entry does`
      : `this idempotency_key was used on chain ${domainId} with other content`
  return new AuditError('idempotency_conflict', problem, {
    advice: { code: 'use_new_idempotency_key' },
  })
}

function rowGone(domainId: string): AuditError {
  return new AuditError(
    'chain_conflict',
    `the row of chain ${domainId} that this idempotency_key wrote is gone`,
    { advice: { code: 'verify_chain', domainId } },
  )
}
