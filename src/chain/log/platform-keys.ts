import { encodeBase64 } from '../note/base64.js'
import type { VerifySignature } from '../note/signers.js'
import { KEY_TYPE, type VerifierKey } from '../note/vkey.js'
import { PLATFORM_ANCHOR } from '../uuid.js'
import type { RowEntry } from './log-rows.js'
import { parseOrigin } from './origin.js'
import type { KeyItem } from './row-items.js'
import { platformKeysIn, selfSigned, signerOf } from './row-signature.js'
import type { LogKeyRow } from './signed-row.js'

/** Known keys of the platform chain of one log that rows link: each is a given key, or a successor of one. */
export interface KnownPlatform {
  readonly origin: string
  readonly keys: readonly VerifierKey[]
  /** The sizes from which on the keys sign, as signed rows name them. */
  readonly items: readonly KeyItem[]
}

type KeyEntries = readonly RowEntry<LogKeyRow>[]

/**
 * Returns the platform keys that follow from given keys: those and their successors. Keys that no row links are apart, also where
 * they have one origin: after the loss of a key, another one may sign for the same log.
 */
export function platformBySuccession(
  given: readonly VerifierKey[],
  rows: KeyEntries,
  verify: VerifySignature,
): readonly KnownPlatform[] {
  const keys = given.filter(({ name, type }) => type === KEY_TYPE.ed25519 && isPlatformOrigin(name))
  const roots = new Map(keys.map((key) => [`${key.name} ${textOf(key)}`, key])).values()
  let lines: readonly (KnownPlatform & { readonly roots: readonly VerifierKey[] })[] = []
  for (const root of roots) {
    const own = withSuccessors(root.name, [root], rows, verify)
    const isLinked = (line: KnownPlatform) =>
      line.origin === root.name && line.keys.some((key) => isAmong(own.keys, key))
    const linked = [...lines.filter(isLinked).flatMap((line) => line.roots), root]
    const line = { ...withSuccessors(root.name, linked, rows, verify), roots: linked }
    lines = [...lines.filter((other) => !isLinked(other)), line]
  }
  return lines
}

/**
 * Returns the platform keys of a log that nobody vouches for: the one key that signs the row that names it, and its successors.
 * None where several keys do, and no row links them.
 */
export function platformByRows(rows: KeyEntries, verify: VerifySignature): readonly KnownPlatform[] {
  const named = rows.flatMap(({ row }) => (row.replaces === undefined ? (selfSigned(row, verify) ?? []) : []))
  const roots = [...new Map(named.map((key) => [`${key.name} ${textOf(key)}`, key])).values()]
  const line = roots
    .map((root) => withSuccessors(root.name, [root], rows, verify))
    .find(({ origin, keys }) => roots.every((root) => root.name === origin && isAmong(keys, root)))
  return line === undefined ? [] : [line]
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

/** Returns the origin, of those with a known key, that signed the first row of keys; the first one where none did. */
export function firstOrigin(
  platforms: readonly KnownPlatform[],
  rows: KeyEntries,
  verify: VerifySignature,
): string | undefined {
  const isSigned = ({ row }: RowEntry<LogKeyRow>) =>
    platforms.find(({ origin, keys }) => signerOf(row, origin, keys, verify) !== undefined)
  if (new Set(platforms.map(({ origin }) => origin)).size < 2) return platforms[0]?.origin
  for (const entry of rows) {
    const signed = isSigned(entry)
    if (signed !== undefined) return signed.origin
  }
  return platforms[0]?.origin
}
