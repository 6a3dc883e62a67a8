import { asHash } from '../hash.js'
import { LIMITS } from '../limits.js'
import { PLATFORM_OBJECT } from '../self-audit.js'
import { isLogName } from './origin.js'
import {
  areAscending,
  type ChainRef,
  type HeadItem,
  type KeyItem,
  type RowsItem,
  readChain,
  readHead,
  readKey,
  readReplaces,
  readRows,
  readSig,
  type SigItem,
} from './row-items.js'

/** The relations of signed rows. */
export const SIGNED_RELATION = {
  logKey: 'audit.log-key',
  checkpoint: 'audit.checkpoint',
  signedOver: 'audit.signed-over',
} as const

/** Why a chain has rows without data in its tree. Never free text: a name in it could not be erased. */
export const SIGNED_OVER_REASONS = [
  'mirror_lost',
  'rows_lost',
  'rows_damaged',
  'key_lost',
  'migration',
  'test',
] as const
export type SignedOverReason = (typeof SIGNED_OVER_REASONS)[number]

/** The fields of a row of the platform chain that a signature covers. */
export interface SignableRow {
  readonly relation: string
  readonly object: string
  readonly relationPath: readonly string[]
}

interface Signed {
  /** The items that are signed, as the row has them. */
  readonly items: readonly string[]
  readonly signatures: readonly SigItem[]
}

/** These keys belong to this log. */
export interface LogKeyRow extends Signed {
  readonly relation: typeof SIGNED_RELATION.logKey
  readonly log: string
  readonly keys: readonly KeyItem[]
  /** The platform key that a platform key of this row replaces. */
  readonly replaces?: Uint8Array | undefined
}

/** These chains have these heads. */
export interface CheckpointRow extends Signed {
  readonly relation: typeof SIGNED_RELATION.checkpoint
  readonly heads: readonly HeadItem[]
}

/** The tree of this chain has holes at these rows. */
export interface SignedOverRow extends Signed {
  readonly relation: typeof SIGNED_RELATION.signedOver
  readonly chain: ChainRef
  readonly rows: readonly RowsItem[]
  readonly reason: SignedOverReason
}

export type SignedRow = LogKeyRow | CheckpointRow | SignedOverRow

/** Reads a row that has the form of a signed row. Undefined for every other row, which is an ordinary row. No signature is checked. */
export function parseSignedRow({ relation, object, relationPath }: SignableRow): SignedRow | undefined {
  if (object !== PLATFORM_OBJECT || relationPath.length > LIMITS.pathItems) return undefined
  const items = new Items(relationPath)
  if (relation === SIGNED_RELATION.logKey) return logKeyRow(items)
  if (relation === SIGNED_RELATION.checkpoint) return checkpointRow(items)
  return relation === SIGNED_RELATION.signedOver ? signedOverRow(items) : undefined
}

const MAX_KEYS = 59

function logKeyRow(items: Items): LogKeyRow | undefined {
  const log = items.takeOne('log', (text) => (isLogName(text) ? text : undefined))
  const keys = items.take('key', readKey, MAX_KEYS)
  const replaces = items.takeOne('replaces', readReplaces)
  items.takeOne('by', asHash)
  const signed = items.finish(replaces === undefined ? 1 : 2)
  if (log === undefined || keys.length === 0 || !areAscending(keys) || signed === undefined) return undefined
  return { relation: SIGNED_RELATION.logKey, log, keys, ...(replaces && { replaces }), ...signed }
}

function checkpointRow(items: Items): CheckpointRow | undefined {
  const heads = items.take('head', readHead)
  const signed = items.finish(1)
  if (heads.length === 0 || !areAscending(heads) || signed === undefined) return undefined
  return { relation: SIGNED_RELATION.checkpoint, heads, ...signed }
}

const MAX_RANGES = 32

function signedOverRow(items: Items): SignedOverRow | undefined {
  const chain = items.takeOne('chain', readChain)
  const rows = items.take('rows', readRows)
  const reason = items.takeOne('reason', (text) => SIGNED_OVER_REASONS.find((known) => known === text))
  items.takeOne('by', asHash)
  const signed = items.finish(1)
  const isInOrder = rows.every(({ from }, at) => from > (rows[at - 1]?.to ?? 0))
  if (rows.length === 0 || rows.length > MAX_RANGES || !isInOrder) return undefined
  if (chain === undefined || reason === undefined || signed === undefined) return undefined
  return { relation: SIGNED_RELATION.signedOver, chain, rows, reason, ...signed }
}

/** The items of a row, taken in the order that the row must have. */
class Items {
  readonly #path: readonly string[]
  #at = 0

  constructor(path: readonly string[]) {
    this.#path = path
  }

  /** Takes the next items with this word. An item that `read` refuses stays, so the row ends too early. */
  take<T>(word: string, read: (text: string) => T | undefined, most: number = LIMITS.pathItems): T[] {
    const taken: T[] = []
    while (taken.length < most && this.#next.startsWith(`${word}:`)) {
      const value = read(this.#next.slice(word.length + 1))
      if (value === undefined) break
      taken.push(value)
      this.#at += 1
    }
    return taken
  }

  takeOne<T>(word: string, read: (text: string) => T | undefined): T | undefined {
    return this.take(word, read, 1)[0]
  }

  /** Takes the signatures. Undefined where their number is another one, or an item is left. */
  finish(signatures: number): Signed | undefined {
    const items = this.#path.slice(0, this.#at)
    const taken = this.take('sig', readSig)
    return this.#at === this.#path.length && taken.length === signatures
      ? { items, signatures: taken }
      : undefined
  }

  get #next(): string {
    return this.#path[this.#at] ?? ''
  }
}
