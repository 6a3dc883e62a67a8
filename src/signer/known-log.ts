import { verifyEd25519 } from '../base/crypto/node-ed25519.js'
import { KeyBook } from '../chain/log/key-book.js'
import { isInRange, keyRanges } from '../chain/log/key-ranges.js'
import { originOf } from '../chain/log/origin.js'
import type { KnownKey } from '../chain/log/platform-lines.js'
import type { ChainRef, HeadItem, KeyItem } from '../chain/log/row-items.js'
import { isSignedBy } from '../chain/log/row-signature.js'
import { parseSignedRow, SIGNED_RELATION } from '../chain/log/signed-row.js'
import { KEY_TYPE, type VerifierKey, verifierKey } from '../chain/note/vkey.js'
import { Holes } from '../chain/tree/holes.js'
import { PLATFORM_ANCHOR } from '../chain/uuid.js'
import type { LogKeys, SignerStore, StoredSignedRow, TreeKey } from '../ports/signer.js'

/** The platform chain in its first incarnation. */
export const PLATFORM: ChainRef = { domainId: PLATFORM_ANCHOR, incarnation: 1 }

/** Returns the public key of a tree. */
export function publicKeyOf({ origin, publicKey }: TreeKey): VerifierKey {
  return verifierKey(origin, KEY_TYPE.ed25519, publicKey)
}

/** Rows with heads that are read for chains without a record (tlog.md, section 11). */
const HEAD_ROWS = 1000

/** What the signed rows of the platform chain say about this log. Rows that no platform key of the log signed say nothing. */
export class KnownLog {
  readonly platform: TreeKey
  readonly #book: KeyBook
  readonly #rows: readonly StoredSignedRow[]
  /** By chain: the keys that rows name for it. */
  readonly #named = new Map<string, KeyItem[]>()
  readonly #holes = new Map<string, Holes>()

  readonly #store: SignerStore
  #heads: Promise<ReadonlyMap<string, readonly HeadItem[]>> | undefined

  readonly #logName: string

  private constructor(store: SignerStore, keys: LogKeys, rows: readonly StoredSignedRow[]) {
    this.platform = keys.of(PLATFORM)
    this.#logName = keys.logName
    const root = { by: 'home', keys: [publicKeyOf(this.platform)] } as const
    this.#book = KeyBook.of(root, rows, verifyEd25519)
    this.#rows = rows
    this.#store = store
    for (const row of rows) this.#addKeys(row)
  }

  static async read(store: SignerStore, keys: LogKeys): Promise<KnownLog> {
    const [named, over] = await Promise.all([
      store.signedRows(SIGNED_RELATION.logKey),
      store.signedRows(SIGNED_RELATION.signedOver),
    ])
    return new KnownLog(store, keys, [...named, ...over])
  }

  get platformOrigin(): string {
    return this.platform.origin
  }

  /** Whether a row names the key of the platform chain. */
  get hasBegun(): boolean {
    return this.isEnrolled(PLATFORM)
  }

  /** Returns whether a row names a key of this chain. */
  isEnrolled(chain: ChainRef): boolean {
    return this.#named.has(textOf(chain))
  }

  /** Returns the key that signs a size of this chain; undefined where the rows name none for it. */
  keyAt(chain: ChainRef, size: number): KnownKey | undefined {
    const range = keyRanges(this.#named.get(textOf(chain)) ?? []).find((one) => isInRange(one, size))
    if (range === undefined) return undefined
    const name = originOf({ ...chain, logName: this.#logName })
    return { ...range, key: verifierKey(name, KEY_TYPE.ed25519, range.publicKey) }
  }

  /** Returns the rows of this chain that were signed over. */
  holesOf(chain: ChainRef): Holes {
    const id = textOf(chain)
    const holes = this.#holes.get(id) ?? new Holes(this.#rangesOf(id))
    this.#holes.set(id, holes)
    return holes
  }

  /**
   * Returns the largest heads that the newest rows of the platform chain name, by chain: one, or several of one size that differ.
   * The rows are read once, and each signature is checked once.
   */
  newestHeads(): Promise<ReadonlyMap<string, readonly HeadItem[]>> {
    this.#heads ??= this.#readHeads()
    return this.#heads
  }

  async #readHeads(): Promise<ReadonlyMap<string, readonly HeadItem[]>> {
    const keys = this.#book.rangesOf(PLATFORM).map(({ key }) => key)
    const newest = new Map<string, HeadItem[]>()
    for (const row of await this.#store.signedRows(SIGNED_RELATION.checkpoint, HEAD_ROWS)) {
      const parsed = parseSignedRow(row)
      if (parsed?.relation !== SIGNED_RELATION.checkpoint) continue
      if (isSignedBy(parsed, this.platformOrigin, keys, verifyEd25519))
        for (const head of parsed.heads) addLargest(newest, head)
    }
    return newest
  }

  #rangesOf(id: string) {
    return this.#rows.flatMap((row) => {
      const parsed = this.#book.rowOf(row)
      if (parsed?.relation !== SIGNED_RELATION.signedOver || textOf(parsed.chain) !== id) return []
      return this.#book.signerOf(row) === undefined ? [] : parsed.rows
    })
  }

  #addKeys(row: StoredSignedRow): void {
    const parsed = this.#book.rowOf(row)
    if (parsed?.relation !== SIGNED_RELATION.logKey || this.#book.signerOf(row) === undefined) return
    for (const key of parsed.keys) {
      const id = textOf(key)
      this.#named.set(id, [...(this.#named.get(id) ?? []), key])
    }
  }
}

/** Every chain has its first incarnation (tlog.md, section 3). */
function addLargest(newest: Map<string, HeadItem[]>, head: HeadItem): void {
  const { domainId, incarnation, size, root } = head
  const known = newest.get(domainId) ?? []
  const largest = known[0]?.size ?? 0
  if (incarnation !== PLATFORM.incarnation || size < largest) return
  if (size > largest) newest.set(domainId, [head])
  else if (!known.some((one) => one.root === root)) known.push(head)
}

function textOf({ domainId, incarnation }: ChainRef): string {
  return `${domainId}:${incarnation}`
}
