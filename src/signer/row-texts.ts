import type { ChainRef } from '../chain/log/row-items.js'
import { SIGNED_RELATION, type SignableRow, type SignedOverReason } from '../chain/log/signed-row.js'
import { encodeBase64 } from '../chain/note/base64.js'
import type { SeqRange } from '../chain/tree/holes.js'
import type { HeadsRow, LogKeys, SignedHead, TreeKey } from '../ports/signer.js'
import { PLATFORM } from './known-log.js'
import { signedRow } from './signed-note.js'

/** Items of one row (tlog.md, section 4). */
const KEYS_A_ROW = 59
const HEADS_A_ROW = 63
const RANGES_A_ROW = 32

/** The actor of a row: its pseudonym on the platform chain, 64 hex digits. */
export type Actor = string | undefined

export function keyItem(
  { domainId, incarnation }: ChainRef,
  fromSize: number,
  publicKey: Uint8Array,
): string {
  return `key:${domainId}:${incarnation}:${fromSize}:${encodeBase64(publicKey)}`
}

/**
 * Returns the rows that name the first keys of some chains, as few as possible. The first row also names the key of the platform
 * chain where `begins`.
 */
export function keyRows(
  chains: readonly ChainRef[],
  keys: LogKeys,
  begins: boolean,
  by: Actor,
): SignableRow[] {
  const platform = keys.of(PLATFORM)
  const named = begins ? [PLATFORM, ...chains] : chains
  return chunked(named, KEYS_A_ROW).map((some) => {
    const items = inOrder(some).map((chain) => keyItem(chain, 0, keys.of(chain).publicKey))
    return signedRow(SIGNED_RELATION.logKey, [`log:${keys.logName}`, ...items, ...byItem(by)], platform)
  })
}

/** Returns the rows that name some heads, as few as possible. */
export function headRows(heads: readonly SignedHead[], platform: TreeKey): HeadsRow[] {
  return chunked(inOrder(heads), HEADS_A_ROW).map((some) => {
    const items = some.map(
      ({ domainId, incarnation, size, root, entryHash }) =>
        `head:${domainId}:${incarnation}:${size}:${root}:${entryHash}`,
    )
    return { row: signedRow(SIGNED_RELATION.checkpoint, items, platform), heads: some }
  })
}

/** Returns the rows that sign over some ranges of one chain, which ascend. */
export function signedOverRows(
  { domainId, incarnation }: ChainRef,
  ranges: readonly SeqRange[],
  reason: SignedOverReason,
  platform: TreeKey,
  by: Actor,
): SignableRow[] {
  return chunked(ranges, RANGES_A_ROW).map((some) => {
    const items = some.map(({ from, to }) => `rows:${from}-${to}`)
    const all = [`chain:${domainId}:${incarnation}`, ...items, `reason:${reason}`, ...byItem(by)]
    return signedRow(SIGNED_RELATION.signedOver, all, platform)
  })
}

function byItem(by: Actor): string[] {
  return by === undefined ? [] : [`by:${by}`]
}

/** Sorts chains as the items of a row ascend. */
function inOrder<Chain extends ChainRef>(chains: readonly Chain[]): Chain[] {
  return [...chains].sort((one, other) => {
    if (one.domainId !== other.domainId) return one.domainId < other.domainId ? -1 : 1
    return one.incarnation - other.incarnation
  })
}

function chunked<T>(items: readonly T[], most: number): T[][] {
  return Array.from({ length: Math.ceil(items.length / most) }, (_, at) =>
    items.slice(at * most, (at + 1) * most),
  )
}
