import type { LogRow } from '../../src/chain/log/log-rows.js'
import { encodeBase64 } from '../../src/chain/note/base64.js'
import { checkpointText } from '../../src/chain/note/checkpoint.js'
import { Frontier } from '../../src/chain/tree/frontier.js'
import { TileBuilder } from '../../src/chain/tree/tiles.js'
import type { OfferedHead, ProofSource, RowHashes, SizeRange, TileRange } from '../../src/ports/proof.js'
import { type LogSigner, PLATFORM } from './log-signer.js'
import { HASHER, hex, unhex } from './tlog-vectors.js'

/** A chain in memory, with its tiles and signed heads, for tests of proofs. Whatever it holds may be changed. */
export class MemoryProofSource implements ProofSource {
  readonly name = 'postgres'
  readonly where = 'memory'
  isIndexed = true
  readonly offered: { readonly size: number; readonly head: OfferedHead }[] = []
  readonly stored = new Map<string, Uint8Array>()
  readonly keys: LogRow[] = []
  readonly signedOver: LogRow[] = []
  /** How many rows and tiles were read. */
  rowsRead = 0
  tilesRead = 0
  readonly hashes: (RowHashes | undefined)[]

  /** `leaves`: the data of the tree, which may have holes. */
  constructor(
    readonly domainId: string,
    readonly leaves: readonly Uint8Array[],
  ) {
    this.hashes = leaves.map((leaf, at) => ({
      seq: at + 1,
      prevHash: at === 0 ? '0'.repeat(64) : hex(leaves[at - 1] as Uint8Array),
      entryHash: hex(leaf),
    }))
    const builder = new TileBuilder(0)
    const tree = new Frontier(HASHER, 0, [], builder.onSubtree)
    for (const leaf of leaves) tree.append(leaf)
    for (const { level, index, hashes } of builder.take()) this.stored.set(`${level}/${index}`, hashes)
  }

  /** Names the keys of the chain and of the platform, and signs the head of the first `size` leaves. */
  sign(signer: LogSigner, size = this.leaves.length): void {
    this.keys.push(signer.keyRow([{ domainId: this.domainId, incarnation: 1 }, PLATFORM]))
    const { note } = headOf(signer, this.domainId, this.leaves.slice(0, size))
    this.offered.push({ size, head: { note } })
  }

  /** Keeps no tiles, and adds the path of the last leaf to the heads, as a mirror does. */
  becomeMirror(signer: LogSigner): void {
    this.tiles = undefined
    for (const [at, { size }] of this.offered.entries())
      this.offered[at] = { size, head: headOf(signer, this.domainId, this.leaves.slice(0, size)) }
  }

  async *heads(_domainId: string, { atLeast, atMost = Number.MAX_SAFE_INTEGER }: SizeRange) {
    const sizes = [...this.offered].sort((one, other) => other.size - one.size)
    for (const { size, head } of sizes) if (size >= atLeast && size <= atMost) yield head
  }

  tiles: ProofSource['tiles'] = async ({ level, from, to }: TileRange) => {
    const found = new Map<number, Uint8Array>()
    for (let index = from; index < to; index += 1) {
      const tile = this.stored.get(`${level}/${index}`)
      if (tile !== undefined) found.set(index, tile)
    }
    this.tilesRead += found.size
    return found
  }

  async *rows(_domainId: string, from: number, to: number) {
    for (const row of this.hashes.slice(from - 1, to)) {
      this.rowsRead += 1
      if (row !== undefined) yield row
    }
  }

  async keyRows(): Promise<readonly LogRow[]> {
    return this.keys
  }

  async signedOverRows(): Promise<readonly LogRow[]> {
    return this.signedOver
  }
}

/** Returns a signed head over some leaves, with the path of the last one. */
export function headOf(signer: LogSigner, domainId: string, leaves: readonly Uint8Array[]): OfferedHead {
  const tree = new Frontier(HASHER)
  for (const leaf of leaves) tree.append(leaf)
  const { key, sign } = signer.keyOf({ domainId, incarnation: 1 })
  const body = checkpointText({ origin: key.name, size: tree.size, root: tree.root() as Uint8Array })
  const line = encodeBase64(Uint8Array.from([...unhex(key.id), ...sign(new TextEncoder().encode(body))]))
  return {
    note: `${body}\n— ${key.name} ${line}\n`,
    last: { entryHash: leaves.at(-1) as Uint8Array, path: tree.lastPath() ?? [] },
  }
}
