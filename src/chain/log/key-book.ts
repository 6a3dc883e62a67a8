import type { VerifySignature } from '../note/signers.js'
import { KEY_TYPE, type VerifierKey } from '../note/vkey.js'
import { PLATFORM_ANCHOR } from '../uuid.js'
import { count, type ForeignRows, keyIdIn, summed } from './foreign-rows.js'
import { isInRange } from './key-ranges.js'
import { type LogRow, LogRows, type RowEntry } from './log-rows.js'
import { parseOrigin } from './origin.js'
import { firstOrigin, platformByRows, platformBySuccession } from './platform-keys.js'
import {
  type KnownKey,
  keysNamed,
  NamedKeys,
  originsHere,
  type PlatformLine,
  platformLine,
  type RowSigner,
  signerIn,
} from './platform-lines.js'
import { type ChainRef, isSameChain, type KeyItem } from './row-items.js'
import { SIGNED_RELATION, type SignedRow } from './signed-row.js'
import { verifyOnce } from './verify-once.js'

/** Where a verifier takes its keys from: a policy, the file log.vkey of an embedded home, or the log itself. */
export type KeysBy = 'policy' | 'home' | 'log'

export interface KeyRoot {
  readonly by: KeysBy
  /** The keys of the policy or the home; none for `log`. */
  readonly keys: readonly VerifierKey[]
}

interface ReadRows {
  readonly given: readonly LogRow[]
  readonly rows: LogRows
  /** Checks a signature once. */
  readonly verify: VerifySignature
}

/** What a book knows of the platform chain. */
interface Platform {
  readonly origin: string | undefined
  readonly lines: readonly PlatformLine[]
}

/**
 * The keys that a verifier knows (tlog.md, section 3). The rows are a set: their order and their repetition say nothing. A policy
 * may name several logs, and several keys of one log that no row links: a row counts if any of them signs it.
 */
export class KeyBook {
  readonly by: KeysBy
  readonly #root: KeyRoot
  /** The rows as they were given. */
  readonly #given: readonly LogRow[]
  readonly #rows: LogRows
  readonly #verify: VerifySignature
  readonly #platform: Platform
  readonly #named = new NamedKeys()
  /** The signers of the rows that were checked. */
  readonly #signers = new WeakMap<RowEntry, RowSigner | undefined>()
  /** The book that this one adds rows to. */
  readonly #base: KeyBook | undefined
  #originsHere: ReadonlySet<string> | undefined
  #foreign: { readonly rows: ForeignRows; readonly at: number } | undefined

  private constructor(root: KeyRoot, read: ReadRows, platform: Platform, base?: KeyBook) {
    this.by = root.by
    this.#root = root
    this.#given = read.given
    this.#rows = read.rows
    this.#verify = read.verify
    this.#platform = platform
    this.#base = base
    for (const entry of read.rows.ofKeys) {
      const signer = this.#signer(entry)
      if (signer !== undefined) this.#named.add(signer.line, entry.row.keys)
    }
  }

  static of(root: KeyRoot, rows: readonly LogRow[], verify: VerifySignature): KeyBook {
    return KeyBook.#ofRead(root, { given: rows, rows: new LogRows(rows), verify: verifyOnce(verify) })
  }

  static #ofRead(root: KeyRoot, read: ReadRows): KeyBook {
    const { rows, verify } = read
    const { ofKeys } = rows
    const known =
      root.by === 'log' ? platformByRows(ofKeys, verify) : platformBySuccession(root.keys, ofKeys, verify)
    const origin = firstOrigin(known, ofKeys, verify)
    return new KeyBook(root, read, { origin, lines: known.map(platformLine) })
  }

  /** Returns a book that knows these rows too. What this book has read and checked is not checked again. */
  with(rows: readonly LogRow[]): KeyBook {
    if (this.#base !== undefined) return this.#base.with([...this.#given, ...rows])
    const more = new LogRows(rows, this.#rows)
    const verify = this.#verify
    if (!more.ofKeys.some(({ row }) => row.keys.some(isPlatform)))
      return new KeyBook(this.#root, { given: rows, rows: more, verify }, this.#platform, this)
    const given = [...this.#given, ...rows]
    return KeyBook.#ofRead(this.#root, { given, rows: new LogRows(given, this.#rows), verify })
  }

  /** The origin of the platform chain of this log: of several, the first one that signed a row. Absent where no platform key is known. */
  get platformOrigin(): string | undefined {
    return this.#platform.origin
  }

  /** Returns whether the two books know the same platform keys, so that the same rows count. */
  hasPlatformOf(other: KeyBook): boolean {
    return this.#platform === other.#platform
  }

  /** Returns whether the rows that a platform key signs are about this platform chain, and not copied from another log of the policy. */
  isOfThisLog(key: VerifierKey): boolean {
    if (this.#base !== undefined) return this.#base.isOfThisLog(key)
    this.#originsHere ??= originsHere(this.platformOrigin, this.#named)
    return this.#originsHere.has(key.name)
  }

  /** Returns the known keys of one chain with their ranges, ascending by size. */
  rangesOf(chain: ChainRef): readonly KnownKey[] {
    const { lines } = this.#platform
    const named = isPlatform(chain)
      ? lines.flatMap(({ keys }) => keys)
      : lines.flatMap((line) => keysNamed(this.#itemsOf(chain, line), line, chain))
    const given = this.#root.keys.filter(({ name, type, id, publicKey }) => {
      const isNamed = named.some(({ key }) => key.id === id && isSameKey(key.publicKey, publicKey))
      return type === KEY_TYPE.ed25519 && isOriginOf(name, chain) && !isNamed
    })
    const known = [...given.map((key) => ({ key, publicKey: key.publicKey, fromSize: 0 })), ...named]
    return known.sort((one, other) => one.fromSize - other.fromSize)
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
    const entry = this.#find(row)
    return entry === undefined ? undefined : this.#signer(entry)?.key
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
    return this.#find(row)?.row
  }

  /**
   * The rows that no known key signs. A row with the id of a known key counts once it was checked, because a check costs more than
   * all else.
   */
  get foreign(): ForeignRows {
    const at = this.#rows.countRead
    if (this.#foreign?.at !== at) this.#foreign = { rows: this.#countForeign(), at }
    const [own, base] = [this.#foreign.rows, this.#base?.foreign]
    if (base === undefined) return own
    return {
      byRelation: summed(base.byRelation, own.byRelation),
      byKeyId: summed(base.byKeyId, own.byKeyId),
    }
  }

  #countForeign(): ForeignRows {
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
    return !this.#platform.lines.some(({ keys }) => keys.some(({ key }) => key.id === keyId))
  }

  #find(row: LogRow): RowEntry | undefined {
    const own = this.#rows.find(row)
    return own === undefined && this.#base !== undefined ? this.#base.#find(row) : own
  }

  #signer(entry: RowEntry): RowSigner | undefined {
    const base = this.#base === undefined ? undefined : this.#base.#signers
    if (base?.has(entry)) return base.get(entry)
    if (!this.#signers.has(entry))
      this.#signers.set(entry, signerIn(this.#platform.lines, entry, this.#verify))
    return this.#signers.get(entry)
  }

  #itemsOf(chain: ChainRef, line: PlatformLine): readonly KeyItem[] {
    const own = this.#named.itemsOf(chain, line)
    return this.#base === undefined ? own : [...this.#base.#itemsOf(chain, line), ...own]
  }
}

function isOriginOf(name: string, { domainId, incarnation }: ChainRef): boolean {
  const origin = parseOrigin(name)
  return origin?.domainId === domainId && origin.incarnation === incarnation
}

function isPlatform({ domainId, incarnation }: ChainRef): boolean {
  return domainId === PLATFORM_ANCHOR && incarnation === 1
}

function isSameKey(one: Uint8Array, other: Uint8Array): boolean {
  return one.every((byte, at) => byte === other[at])
}
