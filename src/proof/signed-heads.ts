import { bytesToHex } from '@noble/hashes/utils.js'
import { KeyBook, type KeyRoot } from '../chain/log/key-book.js'
import type { LogRow } from '../chain/log/log-rows.js'
import { originOf, parseOrigin } from '../chain/log/origin.js'
import { type ChainRef, isSameChain } from '../chain/log/row-items.js'
import { parseSignedRow, SIGNED_RELATION } from '../chain/log/signed-row.js'
import { type Checkpoint, parseCheckpoint } from '../chain/note/checkpoint.js'
import { type Note, parseNote } from '../chain/note/note.js'
import { signersOf, type VerifySignature } from '../chain/note/signers.js'
import { KEY_TYPE, type VerifierKey, verifierKey } from '../chain/note/vkey.js'
import { Holes } from '../chain/tree/holes.js'
import { rootOf } from '../chain/tree/inclusion.js'
import { nodesOfPath } from '../chain/tree/path-from-tiles.js'
import type { TreeHasher } from '../chain/tree/tree-hash.js'
import type { OfferedHead } from '../ports/proof.js'

/** A head of one chain that a key of its log has signed. */
export interface CheckedHead {
  readonly chain: ChainRef
  readonly size: number
  readonly root: Uint8Array
  readonly note: string
  readonly log: VerifierKey
  /** The nodes that the path of the last leaf proves, by their keys. */
  readonly known: ReadonlyMap<string, Uint8Array>
}

/** The keys that the heads of a chain are checked with. */
export class HeadKeys {
  readonly #roots: readonly KeyRoot[]
  readonly #books: readonly KeyBook[]
  readonly #rows: readonly LogRow[]
  readonly #verify: VerifySignature

  /**
   * `roots`: where the keys come from, the first one before the others. A proof is no verdict, because its reader compares its key
   * with a policy. So the keys of the log itself may follow those of a home, and where no platform key is known at all, an unsigned
   * key statement is enough.
   */
  constructor(roots: readonly KeyRoot[], rows: readonly LogRow[], verify: VerifySignature) {
    this.#roots = roots
    this.#books = roots.map((root) => KeyBook.of(root, rows, verify))
    this.#rows = rows
    this.#verify = verify
  }

  /** Returns the holes in the tree of a chain, as rows say that a platform key of this log has signed. */
  holes(rows: readonly LogRow[], chain: ChainRef): Holes {
    const books = this.#roots.map((root) => KeyBook.of(root, [...this.#rows, ...rows], this.#verify))
    const book = books.find(({ platformOrigin }) => platformOrigin !== undefined)
    const ranges = rows.flatMap((row) => {
      const parsed = book?.rowOf(row)
      if (parsed?.relation !== SIGNED_RELATION.signedOver || !isSameChain(parsed.chain, chain)) return []
      return book?.signerOf(row) === undefined ? [] : parsed.rows
    })
    return new Holes(ranges)
  }

  /** Checks the signature of a head. Undefined where no key of the chain has signed it, or it is malformed. */
  check(head: OfferedHead, domainId: string, hasher: TreeHasher): CheckedHead | undefined {
    const note = parseNote(head.note)
    const checkpoint = note && parseCheckpoint(note.body)
    const chain = parseOrigin(checkpoint?.origin ?? '')
    if (note === undefined || checkpoint === undefined || chain?.domainId !== domainId) return undefined
    const log = this.#signer(note, checkpoint, chain)
    const known = knownNodes(head, checkpoint, hasher)
    if (log === undefined || known === undefined) return undefined
    const { size, root } = checkpoint
    return { chain, size, root, note: printable(head.note), log, known }
  }

  #signer(note: Note, { origin, size }: Checkpoint, chain: ChainRef): VerifierKey | undefined {
    const lines = note.lines.filter(({ name }) => name === origin)
    const keys = this.#books.map((book) =>
      lines.flatMap(({ keyId }) => {
        const key = book.keyFor(chain, keyId, size)
        return key?.name === origin ? [key] : []
      }),
    )
    const isKnown = this.#books.some(({ platformOrigin }) => platformOrigin !== undefined)
    const claimed = isKnown ? [] : claimedKeys(this.#rows, chain).filter(({ name }) => name === origin)
    for (const some of [...keys, claimed]) {
      const signers = some.length === 0 ? undefined : signersOf(note, distinct(some), this.#verify)
      const [signer] = signers?.known ?? []
      if (signer !== undefined) return signer
    }
    return undefined
  }
}

/** Returns a note without the lines whose names a terminal may interpret. They may come from anybody, and the log has none of them. */
function printable(note: string): string {
  return note
    .split('\n')
    .filter((line) => !line.startsWith('—') || /^— [!-~]+ [!-~]+$/.test(line))
    .join('\n')
}

/** Returns the keys that rows name for a chain. No signature is checked. */
function claimedKeys(rows: readonly LogRow[], chain: ChainRef): VerifierKey[] {
  return rows.flatMap((row) => {
    const parsed = parseSignedRow(row)
    if (parsed?.relation !== SIGNED_RELATION.logKey) return []
    return parsed.keys
      .filter((key) => isSameChain(key, chain))
      .map(({ publicKey }) =>
        verifierKey(originOf({ logName: parsed.log, ...chain }), KEY_TYPE.ed25519, publicKey),
      )
  })
}

function distinct(keys: readonly VerifierKey[]): VerifierKey[] {
  return [...new Map(keys.map((key) => [key.id, key])).values()]
}

const NONE: ReadonlyMap<string, Uint8Array> = new Map()

/** Returns the nodes that the path of the last leaf proves. Undefined where the path does not lead to the root. */
function knownNodes(
  { last }: OfferedHead,
  { size, root }: Checkpoint,
  hasher: TreeHasher,
): ReadonlyMap<string, Uint8Array> | undefined {
  if (last === undefined) return NONE
  const inclusion = { leafHash: hasher.leaf(last.entryHash), index: size - 1, size, path: last.path }
  const reached = rootOf(inclusion, hasher)
  if (reached === undefined || bytesToHex(reached) !== bytesToHex(root)) return undefined
  return nodesOfPath(inclusion, hasher)
}
