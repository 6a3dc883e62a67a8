import { encodeBase64 } from '../note/base64.js'
import type { VerifySignature } from '../note/signers.js'
import { KEY_TYPE, type VerifierKey } from '../note/vkey.js'
import { PLATFORM_ANCHOR } from '../uuid.js'
import type { RowEntry } from './log-rows.js'
import { parseOrigin } from './origin.js'
import type { KeyItem } from './row-items.js'
import { platformKeysIn, selfSigned, signerOf } from './row-signature.js'
import type { LogKeyRow } from './signed-row.js'

/** The known keys of the platform chain of one log. */
export interface KnownPlatform {
  readonly origin: string
  readonly keys: readonly VerifierKey[]
  /** The sizes from which on the keys sign, as signed rows name them. */
  readonly items: readonly KeyItem[]
}

type KeyEntries = readonly RowEntry<LogKeyRow>[]

/**
 * Returns the platform keys that follow from given keys: those and their successors. Of several logs with a given key, this is the
 * first one that signed a row; undefined where no platform key is given.
 */
export function platformBySuccession(
  given: readonly VerifierKey[],
  rows: KeyEntries,
  verify: VerifySignature,
): KnownPlatform | undefined {
  const keys = given.filter(({ name, type }) => type === KEY_TYPE.ed25519 && isPlatformOrigin(name))
  const origins = [...new Set(keys.map(({ name }) => name))]
  const isSigned = (origin: string) => (entry: RowEntry<LogKeyRow>) =>
    signerOf(entry.row, origin, keys, verify) !== undefined
  const firstSigned = rows.flatMap((entry) => origins.filter((origin) => isSigned(origin)(entry)))[0]
  const origin = origins.length > 1 ? (firstSigned ?? origins[0]) : origins[0]
  return origin === undefined
    ? undefined
    : withSuccessors(
        origin,
        keys.filter(({ name }) => name === origin),
        rows,
        verify,
      )
}

/**
 * Returns the platform keys of a log that nobody vouches for: the one key that signs the row that names it, and its successors.
 * Undefined where several keys do, and no row links them.
 */
export function platformByRows(rows: KeyEntries, verify: VerifySignature): KnownPlatform | undefined {
  const named = rows.flatMap(({ row }) => (row.replaces === undefined ? (selfSigned(row, verify) ?? []) : []))
  const roots = [...new Map(named.map((key) => [`${key.name} ${textOf(key)}`, key])).values()]
  return roots
    .map((root) => withSuccessors(root.name, [root], rows, verify))
    .find(({ origin, keys }) => roots.every((root) => root.name === origin && isAmong(keys, root)))
}

/** Adds successors until no row names another one. A row is checked again only after a key of it has become known. */
function withSuccessors(
  origin: string,
  given: readonly VerifierKey[],
  rows: KeyEntries,
  verify: VerifySignature,
): KnownPlatform {
  const keys = [...given]
  const items: KeyItem[] = []
  let left = rows.filter(({ row }) => platformKeysIn(row, origin).length > 0)
  for (let known = 0; known < keys.length; ) {
    known = keys.length
    const signed = left.filter(({ row }) => signerOf(row, origin, keys, verify) !== undefined)
    left = left.filter((entry) => !signed.includes(entry))
    for (const { row } of signed) {
      items.push(
        ...row.keys.filter(({ domainId, incarnation }) => domainId === PLATFORM_ANCHOR && incarnation === 1),
      )
      keys.push(...platformKeysIn(row, origin).filter((key) => !isAmong(keys, key)))
    }
  }
  return { origin, keys, items }
}

function isPlatformOrigin(name: string): boolean {
  const origin = parseOrigin(name)
  return origin?.domainId === PLATFORM_ANCHOR && origin.incarnation === 1
}

function isAmong(keys: readonly VerifierKey[], key: VerifierKey): boolean {
  return keys.some((known) => textOf(known) === textOf(key))
}

function textOf({ publicKey }: VerifierKey): string {
  return encodeBase64(publicKey)
}
