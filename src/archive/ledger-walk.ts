import { AuditError } from '../base/errors.js'
import { itemsOf } from '../base/paging.js'
import type { ArchiveLedger, LedgerRow, LedgerState } from '../ports/archive.js'
import type { MirrorCodec, MirrorStore } from '../ports/mirror.js'
import type { Mirror, Mirrors } from './mirrors.js'

/** A chain to compare: its state in PostgreSQL, and its mirror. */
export interface OpenChain {
  readonly domainId: string
  readonly state: LedgerState
  readonly mirror: Mirror
}

/**
 * Reads the state from PostgreSQL before the mirror is listed: every object whose stamp is older than the state's clock is
 * then in the listing.
 */
export async function openChain(
  domainId: string,
  { ledger, mirrors }: { readonly ledger: ArchiveLedger; readonly mirrors: Mirrors },
): Promise<OpenChain> {
  const state = await ledger.state(domainId)
  const mirror = await mirrors.of({ domainId, claims: state.claims })
  return { domainId, state, mirror }
}

/** The error of a chain that neither PostgreSQL nor the mirror knows. */
export function noSuchChain(domainId: string): AuditError {
  return new AuditError('domain_not_found', `there is no chain ${domainId}`, {
    advice: { code: 'list_domains' },
  })
}

/** Rows in one query. */
const PAGE = 5_000

/** One seq, or one key that names no row of the chain, in the order of the keys. */
export type LedgerStep =
  | { readonly kind: 'both' | 'row'; readonly row: LedgerRow }
  | { readonly kind: 'object'; readonly seq: number; readonly key: string }
  /** A key with the form of a row's key that names no row of the chain. */
  | { readonly kind: 'orphan'; readonly key: string }
  /** A name without that form. */
  | { readonly kind: 'stray'; readonly key: string }

export interface WalkRequest {
  readonly domainId: string
  readonly fromSeq: number
  /** The last row that is read from PostgreSQL. */
  readonly toSeq: number
  /** The prefix of the keys to list. */
  readonly prefix: string
}

/**
 * Merges the rows of a chain with the keys of its mirror, both ascending. Holds one page of each. The two sides are not
 * read at the same moment. A caller must re-read a seq that one side lacks before acting on it.
 */
export async function* walkLedger(
  request: WalkRequest,
  ledger: ArchiveLedger,
  store: MirrorStore,
  codec: MirrorCodec,
  signal: AbortSignal,
): AsyncGenerator<LedgerStep> {
  const rows = ledgerRows(request, ledger, signal)
  try {
    let row = await next(rows)
    for await (const { key } of store.list(request.prefix, signal)) {
      const named = codec.parseKey(key)
      if (named === undefined || named.domainId !== request.domainId) {
        yield { kind: codec.hasRowForm(key) ? 'orphan' : 'stray', key }
        continue
      }
      for (; row !== undefined && row.seq < named.seq; row = await next(rows)) yield { kind: 'row', row }
      if (row?.seq !== named.seq) {
        yield { kind: 'object', seq: named.seq, key }
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

function ledgerRows(
  { domainId, fromSeq, toSeq }: WalkRequest,
  ledger: ArchiveLedger,
  signal: AbortSignal,
): AsyncGenerator<LedgerRow, undefined> {
  const page = (range: { after: number; limit: number }) => ledger.page(domainId, { ...range, toSeq })
  return itemsOf({ page, start: fromSeq - 1, keyOf: ({ seq }) => seq, size: PAGE }, signal)
}

async function next(rows: AsyncGenerator<LedgerRow, undefined>): Promise<LedgerRow | undefined> {
  return (await rows.next()).value
}

/** Returns the common prefix of the keys from one seq to another, so that a listing of a range need not begin at row 1. */
export function commonPrefix(domainId: string, fromSeq: number, toSeq: number, codec: MirrorCodec): string {
  const [first, last] = [codec.key(domainId, fromSeq), codec.key(domainId, toSeq)]
  let length = 0
  while (length < first.length && first[length] === last[length]) length += 1
  return first.slice(0, length)
}

/**
 * Returns whether a row without an object in the walk was archived and has lost its object. That is so if its stamp is
 * older than the walk, which would then have listed the object, or if the object is missing when it is read.
 */
export async function hasLostObject(
  { domainId, state, mirror }: OpenChain,
  { seq, archivedAt }: LedgerRow,
  codec: MirrorCodec,
  signal: AbortSignal,
): Promise<boolean> {
  if (archivedAt === undefined) return false
  if (typeof archivedAt === 'bigint' && archivedAt < state.clock) return true
  return (await mirror.store.get(codec.key(domainId, seq), 1, signal)) === undefined
}
