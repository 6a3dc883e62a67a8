import type { VerifySignature } from '../note/signers.js'
import { KEY_TYPE, type VerifierKey, verifierKey } from '../note/vkey.js'
import { PLATFORM_ANCHOR } from '../uuid.js'
import { isInRange, type KeyRange, keyRanges } from './key-ranges.js'
import { type LogRow, LogRows, lastKeyId, type RowEntry } from './log-rows.js'
import { originOf, parseOrigin } from './origin.js'
import { type KnownPlatform, platformByRows, platformBySuccession } from './platform-keys.js'
import type { ChainRef, KeyItem } from './row-items.js'
import { signerOf } from './row-signature.js'
import { SIGNED_RELATION, type SignedRow } from './signed-row.js'
import { itemLines } from './text-row.js'
import { verifyOnce } from './verify-once.js'

/** Where a verifier takes its keys from: a policy, the file log.vkey of an embedded home, or the log itself. */
export type KeysBy = 'policy' | 'home' | 'log'

export interface KeyRoot {
  readonly by: KeysBy
  /** The keys of the policy or the home; none for `log`. */
  readonly keys: readonly VerifierKey[]
}

/** A key of one chain, and the sizes that it signs. */
export interface KnownKey extends KeyRange {
  readonly key: VerifierKey
}

/** Rows with a relation of signed rows that no known key signs. They prove nothing, and are no finding. */
export interface ForeignRows {
  /** How many rows each relation has. */
  readonly byRelation: ReadonlyMap<string, number>
  /** How many rows each unknown key id has, for rows with the form of a signed row. */
  readonly byKeyId: ReadonlyMap<string, number>
}

/**
 * The keys that a verifier knows (tlog.md, section 3). The rows are a set: their order and their repetition say nothing. A policy
 * may name several logs; the book is about the first of them that signed one of the rows.
 */
export class KeyBook {
  readonly by: KeysBy
  /** The origin of the platform chain of this log; absent where no platform key is known. */
  readonly platformOrigin: string | undefined
  readonly #root: KeyRoot
  readonly #rows: LogRows
  readonly #verify: VerifySignature
  readonly #platform: readonly KnownKey[]
  readonly #items: readonly KeyItem[]
  /** The signers of the rows that were checked. */
  readonly #signers = new WeakMap<RowEntry, VerifierKey | undefined>()

  private constructor(
    root: KeyRoot,
    rows: LogRows,
    verify: VerifySignature,
    platform: KnownPlatform | undefined,
  ) {
    this.by = root.by
    this.platformOrigin = platform?.origin
    this.#root = root
    this.#rows = rows
    this.#verify = verify
    this.#platform = platform === undefined ? [] : platformRanges(platform)
    this.#items = rows.ofKeys.flatMap((entry) => (this.#signer(entry) === undefined ? [] : entry.row.keys))
  }

  static of(root: KeyRoot, rows: readonly LogRow[], verify: VerifySignature): KeyBook {
    const [read, once] = [new LogRows(rows), verifyOnce(verify)]
    const platform =
      root.by === 'log'
        ? platformByRows(read.ofKeys, once)
        : platformBySuccession(root.keys, read.ofKeys, once)
    return new KeyBook(root, read, once, platform)
  }

  /** Returns the known keys of one chain with their ranges, ascending by size. */
  rangesOf(chain: ChainRef): readonly KnownKey[] {
    const isPlatform = chain.domainId === PLATFORM_ANCHOR && chain.incarnation === 1
    const named = isPlatform ? this.#platform : this.#namedFor(chain)
    const given = this.#root.keys.filter(({ name, type, publicKey }) => {
      const isNamed = named.some(({ key }) => isSameKey(key.publicKey, publicKey))
      return type === KEY_TYPE.ed25519 && isOriginOf(name, chain) && !isNamed
    })
    return [...given.map((key) => ({ key, publicKey: key.publicKey, fromSize: 0 })), ...named]
  }

  /** Returns the known key of a chain with this id that signs this size; undefined for every other line of a note. */
  keyFor(chain: ChainRef, keyId: string, size: number): VerifierKey | undefined {
    return this.rangesOf(chain).find((known) => known.key.id === keyId && isInRange(known, size))?.key
  }

  /**
   * Returns the platform key that signed this row; undefined for a row of another key, one outside the range of its key, and one
   * that does not verify. A row is checked once.
   */
  signerOf(row: LogRow): VerifierKey | undefined {
    const entry = this.#rows.find(row)
    return entry === undefined ? undefined : this.#signer(entry)
  }

  /** Returns the seq of the first row that names a key of a chain; undefined where none does. */
  firstNamed(chain: ChainRef): number | undefined {
    const seqs = this.#rows.ofKeys
      .filter((entry) => entry.row.keys.some((item) => isSameChain(item, chain)))
      .flatMap((entry) => (this.#signer(entry) === undefined ? [] : entry.seqs))
    return seqs.sort((one, other) => one - other)[0]
  }

  /** Returns a row as it was read; undefined for an ordinary row. */
  rowOf(row: LogRow): SignedRow | undefined {
    return this.#rows.find(row)?.row
  }

  /**
   * The rows that no known key signs. A row with the id of a known key counts once it was checked, because a check costs more than
   * all else.
   */
  get foreign(): ForeignRows {
    const byRelation = new Map<string, number>()
    const byKeyId = new Map<string, number>()
    if (this.#rows.ordinaryKeys > 0) byRelation.set(SIGNED_RELATION.logKey, this.#rows.ordinaryKeys)
    for (const entry of this.#rows.ofKeys) {
      if (this.#signer(entry) !== undefined) continue
      count(byRelation, entry.row.relation, entry.rows)
      for (const { keyId } of entry.row.signatures) count(byKeyId, keyId, entry.rows)
    }
    for (const row of this.#rows.others) {
      if (!this.isForeign(row)) continue
      count(byRelation, row.relation, 1)
      const keyId = keyIdIn(row)
      if (keyId !== undefined) count(byKeyId, keyId, 1)
    }
    return { byRelation, byKeyId }
  }

  /** Returns whether no known key signs a row. False for a row with the id of a known key that nobody has asked for. */
  isForeign(row: LogRow): boolean {
    if (row.relation === SIGNED_RELATION.logKey || this.#rows.isRead(row))
      return this.signerOf(row) === undefined
    const keyId = keyIdIn(row)
    return !this.#platform.some(({ key }) => key.id === keyId)
  }

  #signer(entry: RowEntry): VerifierKey | undefined {
    if (!this.#signers.has(entry)) this.#signers.set(entry, this.#check(entry))
    return this.#signers.get(entry)
  }

  #check(entry: RowEntry): VerifierKey | undefined {
    const [keys, origin] = [this.#candidates(entry), this.platformOrigin]
    return origin === undefined ? undefined : signerOf(entry.row, origin, keys, this.#verify)
  }

  /** Returns the known platform keys that may have signed a row. The row of a successor may lie anywhere. */
  #candidates({ row, seqs, origin }: RowEntry): VerifierKey[] {
    if (origin !== undefined && origin !== this.platformOrigin) return []
    const isOfSuccessor = row.relation === SIGNED_RELATION.logKey && row.replaces !== undefined
    return this.#platform
      .filter(({ key }) => row.signatures.some(({ keyId }) => keyId === key.id))
      .filter((known) => isOfSuccessor || seqs.length === 0 || seqs.some((seq) => isInRange(known, seq)))
      .map(({ key }) => key)
  }

  #namedFor(chain: ChainRef): KnownKey[] {
    const logName = parseOrigin(this.platformOrigin ?? '')?.logName
    if (logName === undefined) return []
    const name = originOf({ logName, ...chain })
    const items = this.#items.filter((item) => isSameChain(item, chain))
    return keyRanges(items).map((range) => ({
      ...range,
      key: verifierKey(name, KEY_TYPE.ed25519, range.publicKey),
    }))
  }
}

/** The characters of an item with a signature. */
const SIG_LENGTH = 101

function platformRanges({ keys, items }: KnownPlatform): KnownKey[] {
  const ranges = keyRanges(items)
  const firstNamed = Math.min(...items.map(({ fromSize }) => fromSize).filter((size) => size > 0))
  const lastSize = Number.isFinite(firstNamed) ? firstNamed : undefined
  return keys
    .flatMap((key): KnownKey[] => {
      const own = ranges.filter(({ publicKey }) => isSameKey(publicKey, key.publicKey))
      if (own.length > 0) return own.map((range) => ({ ...range, key }))
      return [{ publicKey: key.publicKey, fromSize: 0, ...(lastSize !== undefined && { lastSize }), key }]
    })
    .sort((one, other) => one.fromSize - other.fromSize)
}

/** Returns the key id of the last signature of a row, without reading the row. */
function keyIdIn(row: LogRow): string | undefined {
  return lastKeyId(itemLines(row).slice(-SIG_LENGTH).split('\n').at(-1))
}

function isOriginOf(name: string, { domainId, incarnation }: ChainRef): boolean {
  const origin = parseOrigin(name)
  return origin?.domainId === domainId && origin.incarnation === incarnation
}

function isSameChain(one: ChainRef, other: ChainRef): boolean {
  return one.domainId === other.domainId && one.incarnation === other.incarnation
}

function isSameKey(one: Uint8Array, other: Uint8Array): boolean {
  return one.every((byte, at) => byte === other[at])
}

function count(counts: Map<string, number>, name: string, more: number): void {
  counts.set(name, (counts.get(name) ?? 0) + more)
}
