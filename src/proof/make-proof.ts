import { bytesToHex, hexToBytes } from '@noble/hashes/utils.js'
import { AuditError } from '../base/errors.js'
import type { KeyRoot } from '../chain/log/key-book.js'
import { leafExtraBytes } from '../chain/log/leaf-extra.js'
import { tlogProofText } from '../chain/note/tlog-proof.js'
import type { VerifierKey } from '../chain/note/vkey.js'
import { Holes } from '../chain/tree/holes.js'
import { rootOf } from '../chain/tree/inclusion.js'
import type { ProofSource, SizeRange } from '../ports/proof.js'
import { leavesOf } from './leaf-rows.js'
import { type CheckedHead, HeadKeys } from './signed-heads.js'
import { pathByRows, pathByTiles, type ReadTree } from './tree-path.js'
import type { ProofTools } from './verify-proof.js'

/** A row that recomputes. Hashes are 64 hex digits. */
export interface RowToProve {
  readonly domainId: string
  readonly seq: number
  readonly prevHash: string
  readonly entryHash: string
  readonly canonical: Uint8Array
}

export interface ProofOptions {
  /** The signed size to prove the row under. Default: the newest. */
  readonly size?: number | undefined
  /** Whether the file leaves out the row, and proves its entry_hash alone. */
  readonly bare: boolean
}

/** Where rows, tiles and checkpoints come from, and the keys that are known. */
export interface ProofDeps extends Pick<ProofTools, 'treeHasher' | 'verify'> {
  readonly source: ProofSource
  /** The first one is tried before the others. */
  readonly roots: readonly KeyRoot[]
}

/** A proof and what it says. */
export interface MadeProof {
  /** The tlog-proof (c2sp.org/tlog-proof). */
  readonly text: string
  readonly size: number
  /** The key that signed the checkpoint. */
  readonly log: VerifierKey
}

/**
 * Makes the proof of a row under a signed head (tlog.md, section 10). The path leads from the row to the signed root, or there is no
 * proof. Rejects with `not_signed` for a row that no signed head covers or that was signed over, and with `proof_unavailable` where
 * the copy does not reproduce the signed root.
 */
export async function makeProof(
  row: RowToProve,
  { size, bare }: ProofOptions,
  deps: ProofDeps,
): Promise<MadeProof> {
  const { domainId, seq, prevHash, canonical } = row
  const keys = new HeadKeys(deps.roots, await deps.source.keyRows(domainId), deps.verify)
  const head = await signedHead(row, { atLeast: Math.max(size ?? seq, seq), atMost: size }, keys, deps)
  const path = await pathTo(row, head, keys, deps)
  const extra = bare ? undefined : leafExtraBytes({ kind: 'row', prevHash: hexToBytes(prevHash), canonical })
  const text = tlogProofText({ ...(extra && { extra }), index: seq - 1, path }, head.note)
  return { text, size: head.size, log: head.log }
}

async function signedHead(
  { domainId, seq }: RowToProve,
  sizes: SizeRange,
  keys: HeadKeys,
  deps: ProofDeps,
): Promise<CheckedHead> {
  const newest = (range: SizeRange) => newestHead(domainId, range, keys, deps)
  const head = await newest(sizes)
  if (head !== undefined) return head
  const { where, name } = deps.source
  const other = await newest({ atLeast: 1 })
  const has = other === undefined ? 'none of this chain' : `the newest one is over ${other.size} rows`
  const sought = sizes.atMost === undefined ? `covers row ${seq}` : `is over ${sizes.atMost} rows`
  throw new AuditError('not_signed', `no signed head in ${where} ${sought}: ${has}`, {
    // Nobody who has only a copy of the mirror is sent to the archiver.
    ...(name === 'postgres' && { advice: { code: 'sign_rows' } as const }),
  })
}

async function newestHead(
  domainId: string,
  sizes: SizeRange,
  keys: HeadKeys,
  { source, treeHasher }: ProofDeps,
): Promise<CheckedHead | undefined> {
  for await (const offered of source.heads(domainId, sizes)) {
    const head = keys.check(offered, domainId, treeHasher)
    if (head === undefined) continue
    // A checkpoint lies under the size that it claims.
    if (head.size >= sizes.atLeast && head.size <= (sizes.atMost ?? head.size)) return head
  }
  return undefined
}

/** Returns the path from a row to a signed root. A row with that root can only be the one that was signed. */
async function pathTo(
  row: RowToProve,
  head: CheckedHead,
  keys: HeadKeys,
  deps: ProofDeps,
): Promise<readonly Uint8Array[]> {
  const { source } = deps
  const search = new PathSearch(row, head, deps)
  const readHoles = async () => keys.holes(await source.signedOverRows(), head.chain)
  const holes = source.isIndexed ? await readHoles() : new Holes()
  const path = await search.within(holes)
  if (path !== undefined) return path
  // Holes are rare, and to look for them costs as much as reading the platform chain.
  const late = source.isIndexed ? holes : await readHoles()
  const other = late.ranges.length > holes.ranges.length ? await search.within(late) : undefined
  if (other !== undefined) return other
  throw search.failure()
}

/** The attempts to find the path of one row. */
class PathSearch {
  readonly #row: RowToProve
  readonly #head: CheckedHead
  readonly #deps: ProofDeps
  #missing: AuditError | undefined

  constructor(row: RowToProve, head: CheckedHead, deps: ProofDeps) {
    this.#row = row
    this.#head = head
    this.#deps = deps
  }

  /**
   * Returns the path by tiles, or by rows where a tile is wrong; undefined where neither leads to the signed root. Rejects with
   * `not_signed` for a row in a hole.
   */
  async within(holes: Holes): Promise<readonly Uint8Array[] | undefined> {
    const { domainId, seq } = this.#row
    if (holes.at(seq) !== undefined)
      throw new AuditError(
        'not_signed',
        `row ${seq} of chain ${domainId} was signed over: nobody can prove it`,
      )
    const { source, treeHasher } = this.#deps
    const { chain, size, known } = this.#head
    const leaves = (from: number, to: number) => leavesOf(from + 1, to, { source, domainId, holes })
    const tree: ReadTree = { chain, size, known, source, leaves, hasher: treeHasher }
    const byTiles = source.tiles === undefined ? undefined : await this.#attempt(pathByTiles, tree)
    return byTiles ?? this.#attempt(pathByRows, tree)
  }

  /** Returns the error for a row without a path. */
  failure(): AuditError {
    const { domainId, seq } = this.#row
    const { where, name } = this.#deps.source
    return new AuditError(
      'proof_unavailable',
      `row ${seq} of chain ${domainId} does not lead to the signed root of ${this.#head.size} rows${this.#missing === undefined ? `: ${where} has other rows than were signed` : `: ${this.#missing.message}`}`,
      {
        advice: { code: name === 'mirror' ? 'verify_mirror' : 'verify_chain', domainId },
        cause: this.#missing,
      },
    )
  }

  async #attempt(
    makePath: (index: number, tree: ReadTree) => Promise<readonly Uint8Array[]>,
    tree: ReadTree,
  ): Promise<readonly Uint8Array[] | undefined> {
    try {
      const path = await makePath(this.#row.seq - 1, tree)
      return this.#isSound(path) ? path : undefined
    } catch (error) {
      if (!(error instanceof AuditError) || error.code !== 'proof_unavailable') throw error
      this.#missing = error
      return undefined
    }
  }

  #isSound(path: readonly Uint8Array[]): boolean {
    const { seq, entryHash } = this.#row
    const { size, root } = this.#head
    const leafHash = this.#deps.treeHasher.leaf(hexToBytes(entryHash))
    const reached = rootOf({ leafHash, index: seq - 1, size, path }, this.#deps.treeHasher)
    return reached !== undefined && bytesToHex(reached) === bytesToHex(root)
  }
}
