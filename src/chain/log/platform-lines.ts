import type { VerifySignature } from '../note/signers.js'
import { KEY_TYPE, type VerifierKey, verifierKey } from '../note/vkey.js'
import { PLATFORM_ANCHOR } from '../uuid.js'
import { isInRange, type KeyRange, keyRanges } from './key-ranges.js'
import type { RowEntry } from './log-rows.js'
import { originOf, parseOrigin } from './origin.js'
import type { KnownPlatform } from './platform-keys.js'
import type { ChainRef, KeyItem } from './row-items.js'
import { signerOf } from './row-signature.js'
import { SIGNED_RELATION } from './signed-row.js'

/** A key of one chain, and the sizes that it signs. */
export interface KnownKey extends KeyRange {
  readonly key: VerifierKey
}

/** Platform keys of one log that rows link, with their ranges. */
export interface PlatformLine {
  readonly origin: string
  readonly keys: readonly KnownKey[]
}

/** A platform key that signed a row, and the keys that rows link with it. */
export interface RowSigner {
  readonly key: VerifierKey
  readonly line: PlatformLine
}

/** Returns the first of some lines with a key that signed a row; undefined where none has. */
export function signerIn(
  lines: readonly PlatformLine[],
  entry: RowEntry,
  verify: VerifySignature,
): RowSigner | undefined {
  for (const line of lines) {
    const key = signerOf(entry.row, line.origin, candidates(entry, line), verify)
    if (key !== undefined) return { key, line }
  }
  return undefined
}

/** Returns the keys of a line that may have signed a row. The row of a successor may lie anywhere. */
function candidates({ row, seqs, origin }: RowEntry, line: PlatformLine): VerifierKey[] {
  if (origin !== undefined && origin !== line.origin) return []
  const isOfSuccessor = row.relation === SIGNED_RELATION.logKey && row.replaces !== undefined
  return line.keys
    .filter(({ key }) => row.signatures.some(({ keyId }) => keyId === key.id))
    .filter((known) => isOfSuccessor || seqs.length === 0 || seqs.some((seq) => isInRange(known, seq)))
    .map(({ key }) => key)
}

/** Returns the ranges of linked platform keys. A given key that no row names signs from the first row on. */
export function platformLine({ origin, keys, items }: KnownPlatform): PlatformLine {
  const ranges = keyRanges(items)
  const firstNamed = Math.min(...items.map(({ fromSize }) => fromSize).filter((size) => size > 0))
  const lastSize = Number.isFinite(firstNamed) ? firstNamed : undefined
  const known = keys.flatMap((key): KnownKey[] => {
    const own = ranges.filter(({ publicKey }) => isSameKey(publicKey, key.publicKey))
    if (own.length > 0) return own.map((range) => ({ ...range, key }))
    return [{ publicKey: key.publicKey, fromSize: 0, ...(lastSize !== undefined && { lastSize }), key }]
  })
  return { origin, keys: known.sort((one, other) => one.fromSize - other.fromSize) }
}

/** The keys that signed rows name, by chain and by the line of platform keys that signed the row. */
export class NamedKeys {
  readonly #items = new Map<string, Map<PlatformLine, KeyItem[]>>()

  add(line: PlatformLine, items: readonly KeyItem[]): void {
    for (const item of items) {
      const id = chainId(item)
      const ofChain = this.#items.get(id) ?? new Map<PlatformLine, KeyItem[]>()
      this.#items.set(id, ofChain)
      const ofLine = ofChain.get(line)
      if (ofLine === undefined) ofChain.set(line, [item])
      else ofLine.push(item)
    }
  }

  /** Returns the keys that rows of one line name for a chain. */
  itemsOf(chain: ChainRef, line: PlatformLine): readonly KeyItem[] {
    return this.#items.get(chainId(chain))?.get(line) ?? []
  }

  /** Returns the Domains whose keys the lines of each origin name. */
  domainsByOrigin(): ReadonlyMap<string, ReadonlySet<string>> {
    const domains = new Map<string, Set<string>>()
    for (const [id, ofChain] of this.#items)
      for (const { origin } of ofChain.keys()) {
        const own = domains.get(origin) ?? new Set()
        domains.set(origin, id.startsWith(PLATFORM_ANCHOR) ? own : own.add(id))
      }
    return domains
  }
}

/** Returns the keys of a chain that rows of one line name, with their ranges. */
export function keysNamed(
  items: readonly KeyItem[],
  { origin }: PlatformLine,
  chain: ChainRef,
): readonly KnownKey[] {
  const logName = parseOrigin(origin)?.logName
  if (logName === undefined) return []
  const name = originOf({ logName, ...chain })
  return keyRanges(items).map((range) => ({
    ...range,
    key: verifierKey(name, KEY_TYPE.ed25519, range.publicKey),
  }))
}

/**
 * Returns the origins whose signed rows are about this platform chain: `first`, and those that name keys of a Domain in common with
 * it. Every platform chain has one UUID, and somebody may have copied rows of a log that has nothing to do with this one. An origin
 * that names no Domain is not known to be such a log.
 */
export function originsHere(first: string | undefined, named: NamedKeys): ReadonlySet<string> {
  const origins = new Set(first === undefined ? [] : [first])
  const byOrigin = named.domainsByOrigin()
  const domainsOf = (origin: string) => [...(byOrigin.get(origin) ?? [])]
  for (let known = -1; known < origins.size; ) {
    known = origins.size
    const domains = new Set([...origins].flatMap(domainsOf))
    for (const [origin, own] of byOrigin)
      if (own.size === 0 || domains.size === 0 || [...own].some((id) => domains.has(id))) origins.add(origin)
  }
  return origins
}

function chainId({ domainId, incarnation }: ChainRef): string {
  return `${domainId}:${incarnation}`
}

function isSameKey(one: Uint8Array, other: Uint8Array): boolean {
  return one.every((byte, at) => byte === other[at])
}
