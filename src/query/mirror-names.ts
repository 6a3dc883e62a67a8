import { AuditError } from '../base/errors.js'
import type { StoredRow } from '../chain/fold.js'
import { type Hasher, ZERO_HASH } from '../chain/hash.js'
import { LIMITS } from '../chain/limits.js'
import { PLATFORM_ANCHOR } from '../chain/uuid.js'
import type { IndexedMirror, MirrorCodec } from '../ports/mirror.js'
import { isRecomputed } from '../verify/domain-conflicts.js'
import { streamObjects } from '../verify/object-stream.js'
import type { NamedDomain } from './choose-domain.js'
import { type Naming, namingOf } from './naming-rows.js'

export interface MirrorNamesDeps {
  readonly store: IndexedMirror
  readonly codec: MirrorCodec
  readonly hasher: Hasher
}

/**
 * Returns the Domains that the platform chain of a mirror creates and names, each with its newest name. Only the intact
 * beginning of the chain gives names: rows from row 1 on that recompute, are linked and have no gap. A name that another row
 * gives has a doubt. Reads every object of that chain, because nothing in a mirror finds a row by its content; returns
 * undefined where it has a row above `maxSeq`. Rejects where the mirror cannot be read.
 */
export async function mirrorNames(
  { store, codec, hasher }: MirrorNamesDeps,
  signal: AbortSignal,
  maxSeq: number = LIMITS.maxSeq,
): Promise<NamedDomain[] | undefined> {
  // Looked for first: it would be a waste to read all rows before it.
  const hasMore = async (seq: number) =>
    (await store.storedAt(codec.key(PLATFORM_ANCHOR, seq), signal)) !== undefined
  if (maxSeq < LIMITS.maxSeq && (await hasMore(maxSeq + 1))) return undefined
  const names = new PlatformNames(store.url, hasher)
  for await (const object of streamObjects(store, codec, { domainId: PLATFORM_ANCHOR, fromSeq: 1 }, signal)) {
    if (object.kind !== 'row') continue
    if (object.seq > maxSeq) return undefined
    names.take(object.row)
  }
  return names.domains()
}

/** The names that rows give, taken in order of seq. */
class PlatformNames {
  readonly #domains = new Map<string, NamedDomain>()
  readonly #url: string
  readonly #hasher: Hasher
  #last: Pick<StoredRow, 'seq' | 'entryHash'> = { seq: 0, entryHash: ZERO_HASH }
  /** Why the intact beginning ends after the last row. */
  #end: string | undefined

  constructor(url: string, hasher: Hasher) {
    this.#url = url
    this.#hasher = hasher
  }

  take(row: StoredRow): void {
    this.#end ??= this.#problemOf(row)
    if (this.#end === undefined) this.#last = row
    const naming = namingOf(row)
    if (naming !== undefined) this.#add(naming, row.seq)
  }

  domains(): NamedDomain[] {
    return [...this.#domains.values()]
  }

  /** Returns why a row does not continue the intact beginning; undefined where it does. */
  #problemOf(row: StoredRow): string | undefined {
    const next = this.#last.seq + 1
    if (row.seq !== next) return `row ${next} is missing`
    if (!isRecomputed(row, this.#hasher)) return `row ${next} does not recompute`
    return row.prevHash === this.#last.entryHash
      ? undefined
      : `row ${next} is not linked to the row before it`
  }

  #add({ domainId, name }: Naming, seq: number): void {
    const known = this.#domains.get(domainId)
    const before = known?.names ?? []
    if (this.#end === undefined) {
      this.#domains.set(domainId, { domainId, names: name === undefined ? before : [name] })
      return
    }
    const isNew = name !== undefined && !before.includes(name)
    this.#domains.set(domainId, {
      domainId,
      names: isNew ? [...before, name] : before,
      doubt: known?.doubt ?? (isNew ? this.#unconfirmed(domainId, seq, this.#end) : undefined),
    })
  }

  #unconfirmed(domainId: string, seq: number, end: string): AuditError {
    const { seq: last } = this.#last
    const checked = last === 0 ? 'no row of it' : last === 1 ? 'row 1' : `rows 1 to ${last}`
    return new AuditError(
      'chain_conflict',
      `row ${seq} of the platform chain in ${this.#url} names Domain ${domainId}, and does not belong to the intact beginning of that chain: ${checked} recomputed and linked, then ${end}`,
      { advice: { code: 'verify_mirror', domainId: PLATFORM_ANCHOR } },
    )
  }
}
