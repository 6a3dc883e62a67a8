import type { KeyBook } from '../../chain/log/key-book.js'
import type { LogRow } from '../../chain/log/log-rows.js'
import { parseOrigin } from '../../chain/log/origin.js'
import { SIGNED_RELATION } from '../../chain/log/signed-row.js'
import { PLATFORM_ANCHOR } from '../../chain/uuid.js'
import type { HeadSigner, OtherRow, StatedHead } from '../../ports/log/heads.js'

/** The heads that signed rows state, by chain. Heads of another incarnation are no part of this log yet. */
export class RowHeads {
  readonly #book: KeyBook
  readonly #byChain = new Map<string, (StatedHead & { readonly row: LogRow })[]>()

  constructor(book: KeyBook, rows: readonly LogRow[]) {
    this.#book = book
    for (const row of rows) this.#add(row)
  }

  of(domainId: string): readonly StatedHead[] {
    return this.#byChain.get(domainId) ?? []
  }

  /** Returns how many rows with a head of a chain unknown keys signed, by key id. Rows whose signature was not checked do not count. */
  unknownKeys(domainId: string): ReadonlyMap<string, number> {
    const counts = new Map<string, number>()
    for (const { row } of this.#byChain.get(domainId) ?? []) {
      if (!this.#book.isForeign(row)) continue
      for (const { keyId } of this.#book.rowOf(row)?.signatures ?? [])
        counts.set(keyId, (counts.get(keyId) ?? 0) + 1)
    }
    return counts
  }

  #add(row: LogRow): void {
    const signed = row.seq === undefined ? undefined : this.#book.rowOf(row)
    if (signed?.relation !== SIGNED_RELATION.checkpoint) return
    for (const { domainId, incarnation, size, entryHash } of signed.heads) {
      if (incarnation !== 1) continue
      const place = { kind: 'row', seq: row.seq ?? 0 } as const
      const head = { size, entryHash, place, row, signer: () => rowSigner(this.#book, row) }
      const heads = this.#byChain.get(domainId)
      if (heads === undefined) this.#byChain.set(domainId, [head])
      else heads.push(head)
    }
  }
}

function rowSigner(book: KeyBook, row: LogRow): HeadSigner | undefined {
  const key = book.signerOf(row)
  if (key === undefined) return undefined
  return { by: book.by, keyId: key.id, logName: parseOrigin(key.name)?.logName ?? '' }
}

/** Returns how many rows are not the log's own, by relation: those that the book read, and those that were only counted. */
export function foreignRows(book: KeyBook, others: readonly OtherRow[]): ReadonlyMap<string, number> {
  const counts = new Map(book.foreign.byRelation)
  const known = book.rangesOf({ domainId: PLATFORM_ANCHOR, incarnation: 1 }).map(({ key }) => key.id)
  for (const { relation, lastItem, rows } of others) {
    const keyId = /^sig:([0-9a-f]{8}):/.exec(lastItem)?.[1]
    if (keyId !== undefined && known.includes(keyId)) continue
    counts.set(relation, (counts.get(relation) ?? 0) + rows)
  }
  return counts
}
