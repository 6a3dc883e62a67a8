import { type Finding, finding } from '../../chain/finding.js'
import type { SignedRoot } from '../../ports/log/heads.js'
import type { SeenSignatures, Verdict } from '../verdict.js'
import { placeText } from './judge-heads.js'

/** What is known of the trees of a chain after its rows were read. */
export interface KnownTrees {
  /** Returns the root of the tree of the first rows, and the entry_hash of the last of them; undefined where not all were read. */
  at(size: number): { readonly root: string; readonly entryHash: string } | undefined
  /** Whether the rows that were signed over are known: without them another root shows nothing. */
  readonly areHolesKnown: boolean
}

/** A verdict that was compared with signed roots, and why some roots prove nothing. */
export interface JudgedRoots {
  readonly verdict: Verdict
  readonly unproven: readonly string[]
}

/**
 * Compares signed roots with the trees of the rows. Only the smallest root that differs makes a finding, because every later tree
 * differs too, and none does where the rows have a finding already.
 */
export function judgeRoots(verdict: Verdict, roots: readonly SignedRoot[], trees: KnownTrees): JudgedRoots {
  if (!verdict.ok) return { verdict, unproven: [] }
  const ascending = [...roots].sort((one, other) => one.size - other.size)
  const unread = ascending.filter(({ size }) => trees.at(size) === undefined)
  const unproven = unread.flatMap(({ place, size }) =>
    place.kind === 'file' ? [`rows 1 to ${size} were not all read for the checkpoint ${place.path}`] : [],
  )
  const holding = ascending.filter(({ size, root }) => trees.at(size)?.root === root)
  const different = ascending.find((one) => !holding.includes(one) && !unread.includes(one))
  if (different === undefined) return { verdict: withThrough(verdict, holding.at(-1), trees), unproven }
  if (!trees.areHolesKnown) return { verdict, unproven: [...unproven, holesText(different)] }
  const before = holding.filter(({ size }) => size < different.size).at(-1)
  const isConflict = (verdict.signatures?.through?.throughSeq ?? 0) >= different.size
  const findings = [otherRoot(different, before, trees, isConflict)]
  return { verdict: { ...verdict, ok: false, end: 'unproven', findings }, unproven }
}

function holesText({ place }: SignedRoot): string {
  return `the tree has another root than the checkpoint in ${placeText(place)}, and which rows were signed over is not known here`
}

/** `isConflict`: whether a signed head of at least this size holds, so that the log has signed two histories. */
function otherRoot(
  { place, size, root }: SignedRoot,
  before: SignedRoot | undefined,
  trees: KnownTrees,
  isConflict: boolean,
): Finding {
  const raw = {
    code: isConflict ? 'checkpoint_conflict' : 'checkpoint_mismatch',
    seqFrom: (before?.size ?? 0) + 1,
    seqTo: size,
    expected: root,
    observed: trees.at(size)?.root,
    detail: isConflict
      ? `two signed histories: the rows are those of a larger signed head, and not those signed in ${placeText(place)}`
      : 'the tree has another root',
  } as const
  return { ...finding(raw), signedIn: placeText(place), isRoot: true }
}

/** Returns the verdict with the largest root that holds as its signed head, where no larger head was seen. */
function withThrough(verdict: Verdict, root: SignedRoot | undefined, trees: KnownTrees): Verdict {
  const { signatures, head } = verdict
  const tree = root && trees.at(root.size)
  if (root === undefined || tree === undefined || signatures === undefined) return verdict
  if ((signatures.through?.throughSeq ?? 0) >= root.size) return verdict
  const { size, signer } = root
  const through = { throughSeq: size, entryHash: tree.entryHash, ...signer, rowsBeyond: head.seq - size }
  const newestSize = Math.max(size, signatures.newestSize ?? 0)
  const seen: SeenSignatures = { ...signatures, through, newestSize }
  return { ...verdict, signatures: seen }
}
