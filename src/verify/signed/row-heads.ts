import type { KeyBook } from '../../chain/log/key-book.js'
import { type LogRow, lastKeyId } from '../../chain/log/log-rows.js'
import { parseOrigin } from '../../chain/log/origin.js'
import type { HeadItem } from '../../chain/log/row-items.js'
import { SIGNED_RELATION } from '../../chain/log/signed-row.js'
import { itemLines } from '../../chain/log/text-row.js'
import { PLATFORM_ANCHOR } from '../../chain/uuid.js'
import type { HeadSigner, OtherRow, StatedHead } from '../../ports/log/heads.js'

/** A head as the text of a row states it. Heads of another incarnation are no part of this log yet. */
const headPattern = (domainId: string) =>
  new RegExp(`^head:(${domainId}):1:([1-9][0-9]{0,15}):[0-9a-f]{64}:([0-9a-f]{64})$`, 'gm')
const ANY_CHAIN = '[0-9a-f-]{36}'

export type HeadOfRow = StatedHead & { readonly row: LogRow }

/**
 * The heads that signed rows state, by chain. Rows are searched as text, and read strictly when somebody asks for their signer: a
 * chain may have 1,000 of them, and a run mostly uses the newest.
 */
export class RowHeads {
  readonly #book: KeyBook
  readonly #byChain = new Map<string, HeadOfRow[]>()

  /** `only`: the one chain that is asked for. */
  constructor(book: KeyBook, rows: readonly LogRow[], only?: string) {
    this.#book = book
    const pattern = headPattern(only ?? ANY_CHAIN)
    for (const row of rows) this.#add(row, pattern)
  }

  get byChain(): ReadonlyMap<string, readonly HeadOfRow[]> {
    return this.#byChain
  }

  of(domainId: string): readonly HeadOfRow[] {
    return this.#byChain.get(domainId) ?? []
  }

  /** Returns the size of the largest head of a chain that a known key signed; 0 where there is none. */
  sizeOf(domainId: string): number {
    const heads = [...this.of(domainId)].sort((one, other) => other.size - one.size)
    return heads.find((head) => head.signer() !== undefined)?.size ?? 0
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

  #add(row: LogRow, pattern: RegExp): void {
    if (row.seq === undefined || row.relation !== SIGNED_RELATION.checkpoint) return
    const place = { kind: 'row', seq: row.seq } as const
    for (const [, domainId = '', digits, entryHash = ''] of itemLines(row).matchAll(pattern)) {
      const stated = { domainId, size: Number(digits), entryHash }
      const head = {
        size: stated.size,
        entryHash,
        place,
        row,
        signer: () => rowSigner(this.#book, row, stated),
      }
      const heads = this.#byChain.get(domainId)
      if (heads === undefined) this.#byChain.set(domainId, [head])
      else heads.push(head)
    }
  }
}

type HeadText = Pick<HeadItem, 'domainId' | 'size' | 'entryHash'>

function rowSigner(book: KeyBook, row: LogRow, stated: HeadText): HeadSigner | undefined {
  const key = book.signerOf(row)
  const signed = key === undefined ? undefined : book.rowOf(row)
  if (key === undefined || signed?.relation !== SIGNED_RELATION.checkpoint) return undefined
  if (stated.domainId === PLATFORM_ANCHOR && !book.isOfThisLog(key)) return undefined
  if (!signed.heads.some((head) => isSame(head, stated))) return undefined
  return { by: book.by, keyId: key.id, logName: parseOrigin(key.name)?.logName ?? '' }
}

function isSame(head: HeadItem, { domainId, size, entryHash }: HeadText): boolean {
  return (
    head.domainId === domainId && head.incarnation === 1 && head.size === size && head.entryHash === entryHash
  )
}

/**
 * Finds the row with the largest signed head of each chain among any number of rows. Neither the order of the rows nor an index
 * decides: everybody who may append can copy an old row, or write one that nobody signed. A signature is checked only for a head that
 * is larger than those before it, so that newest rows first take the fewest checks, and one row is kept for each chain.
 */
export class NewestHeads {
  readonly #book: KeyBook
  readonly #only: string | undefined
  readonly #byChain = new Map<string, HeadOfRow>()

  /** `only`: the one chain that is asked for. */
  constructor(book: KeyBook, only: string | undefined) {
    this.#book = book
    this.#only = only
  }

  take(rows: readonly LogRow[]): void {
    for (const [domainId, heads] of new RowHeads(this.#book, rows, this.#only).byChain)
      for (const head of heads) this.#takeHead(domainId, head)
  }

  /** Returns the rows with these heads. */
  get rows(): readonly LogRow[] {
    return [...new Set([...this.#byChain.values()].map(({ row }) => row))]
  }

  sizeOf(domainId: string): number | undefined {
    return this.#byChain.get(domainId)?.size
  }

  #takeHead(domainId: string, head: HeadOfRow): void {
    if (head.size <= (this.sizeOf(domainId) ?? 0)) return
    // The id of a key costs nothing to compare, a signature does.
    if (this.#book.isForeign(head.row) || head.signer() === undefined) return
    this.#byChain.set(domainId, head)
  }
}

/** Returns how many rows are not the log's own, by relation: those that the book read, and those that were only counted. */
export function foreignRows(book: KeyBook, others: readonly OtherRow[]): ReadonlyMap<string, number> {
  const counts = new Map(book.foreign.byRelation)
  const known = book.rangesOf({ domainId: PLATFORM_ANCHOR, incarnation: 1 }).map(({ key }) => key.id)
  for (const { relation, lastItem, rows } of others) {
    const keyId = lastKeyId(lastItem)
    if (keyId !== undefined && known.includes(keyId)) continue
    counts.set(relation, (counts.get(relation) ?? 0) + rows)
  }
  return counts
}
