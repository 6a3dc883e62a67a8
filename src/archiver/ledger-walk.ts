import type { ArchiveLedger, LedgerRow, MirrorCodec, MirrorStore } from '../ports.js'

/** Rows a query. */
const PAGE = 5_000

/** One seq, or one key that names no row of the chain, in the order of the keys. */
export type Place =
  | { readonly kind: 'both' | 'row'; readonly row: LedgerRow }
  | { readonly kind: 'object'; readonly seq: number; readonly key: string }
  | { readonly kind: 'stray'; readonly key: string }

export interface WalkRequest {
  readonly domainId: string
  readonly fromSeq: number
  /** The last row that Postgres is asked for. */
  readonly toSeq: number
  /** What the keys of interest begin with. */
  readonly prefix: string
}

/**
 * The rows of a chain beside the keys of its mirror, both ascending; holds one page of each. They are of no one moment:
 * whoever is told that a side lacks something has to ask again where that matters.
 */
export async function* walkLedger(
  request: WalkRequest,
  ledger: ArchiveLedger,
  store: MirrorStore,
  codec: MirrorCodec,
  signal: AbortSignal,
): AsyncGenerator<Place> {
  const rows = ledgerRows(request, ledger, signal)
  try {
    let row = await next(rows)
    for await (const { key } of store.list(request.prefix, signal)) {
      const place = codec.parseKey(key)
      if (place === undefined || place.domainId !== request.domainId) {
        yield { kind: 'stray', key }
        continue
      }
      for (; row !== undefined && row.seq < place.seq; row = await next(rows)) yield { kind: 'row', row }
      if (row?.seq !== place.seq) {
        yield { kind: 'object', seq: place.seq, key }
        continue
      }
      yield { kind: 'both', row }
      row = await next(rows)
    }
    for (; row !== undefined; row = await next(rows)) yield { kind: 'row', row }
  } finally {
    await rows.return(undefined)
  }
}

async function* ledgerRows(
  { domainId, fromSeq, toSeq }: WalkRequest,
  ledger: ArchiveLedger,
  signal: AbortSignal,
): AsyncGenerator<LedgerRow, undefined> {
  for (let after = fromSeq - 1; after < toSeq; ) {
    signal.throwIfAborted()
    const page = await ledger.page(domainId, { after, toSeq, limit: PAGE })
    yield* page
    if (page.length < PAGE) return
    after = page.at(-1)?.seq ?? toSeq
  }
}

async function next(rows: AsyncGenerator<LedgerRow, undefined>): Promise<LedgerRow | undefined> {
  return (await rows.next()).value
}

/** What the keys of all rows from one to another begin with: a listing of a range need not begin with row 1. */
export function commonPrefix(domainId: string, fromSeq: number, toSeq: number, codec: MirrorCodec): string {
  const [first, last] = [codec.key(domainId, fromSeq), codec.key(domainId, toSeq)]
  let length = 0
  while (length < first.length && first[length] === last[length]) length += 1
  return first.slice(0, length)
}

/**
 * Whether a row that the walk found no object for was archived and has lost it: its stamp is older than the walk, which
 * would then have met the object, or it is not there when it is asked for. `since` is the database's clock from before.
 */
export async function hasLostObject(
  domainId: string,
  { seq, archivedAt }: LedgerRow,
  since: bigint,
  store: MirrorStore,
  codec: MirrorCodec,
  signal: AbortSignal,
): Promise<boolean> {
  if (archivedAt === undefined) return false
  if (typeof archivedAt === 'bigint' && archivedAt < since) return true
  return (await store.get(codec.key(domainId, seq), 1, signal)) === undefined
}
