import type { ContextRow } from '../../chain/evidence/finding-evidence.js'
import type { Copy, Finding, FindingCode } from '../../chain/finding.js'
import type { SeenHead } from '../../chain/log/signed-heads.js'
import type { StatedHead } from '../../ports/log/heads.js'
import type { Scan } from '../../ports/verify.js'

/**
 * What the rows of a run say about a signed head. `beyond`: no copy has so many rows. `unread`: the run says nothing about it, or
 * another finding does.
 */
export type HeadState =
  | { readonly is: 'holds'; readonly nextAt?: bigint | undefined }
  | DifferentHead
  | { readonly is: 'beyond' | 'unread' }

/** Every row with the seq of a head has another hash, in at least one copy. */
export interface DifferentHead {
  readonly is: 'differs'
  readonly observed?: string | undefined
  /** The copy that differs, if both were read. */
  readonly copy?: Copy | undefined
  /** The copy that has the signed row, if both were read and one has it. */
  readonly original?: 'postgres' | 'mirror' | undefined
  readonly context?: readonly ContextRow[] | undefined
}

export interface HeadInRun {
  readonly head: StatedHead
  readonly state: HeadState
}

/** Codes of findings that say of a row that its own content or hash was changed. A head at such a row shows nothing new. */
const OF_CONTENT: ReadonlySet<FindingCode> = new Set([
  'malformed_row',
  'entry_hash_mismatch',
  'duplicate_seq',
  'object_malformed',
])

/** Returns what a scan says about heads, ascending by size. `findings` are those of the fold, `end` is the end of the chain. */
export function headsInRun(
  heads: readonly StatedHead[],
  scan: Scan,
  findings: readonly Finding[],
  end: number,
): HeadInRun[] {
  const [postgres, mirror] = [indexed(scan.fold.heads), indexed(scan.mirrorHeads)]
  const damaged = findings.filter(({ code }) => OF_CONTENT.has(code))
  const isDamaged = (seq: number) => damaged.some(({ seqFrom, seqTo }) => seqFrom <= seq && seq <= seqTo)
  return [...heads]
    .sort((one, other) => one.size - other.size)
    .map((head) => {
      const seen = { first: postgres.get(keyOf(head)), mirror: mirror.get(keyOf(head)) }
      const state = stateOf(seen, scan.mirrorHeads !== undefined)
      if (state !== undefined) return { head, state: isDamaged(head.size) ? UNREAD : state }
      return { head, state: head.size > end && scan.isCut !== true ? BEYOND : UNREAD }
    })
}

const [BEYOND, UNREAD] = [{ is: 'beyond' }, { is: 'unread' }] as const

interface Seen {
  /** In the copy that was read; in PostgreSQL, if both were. */
  readonly first: SeenHead | undefined
  readonly mirror: SeenHead | undefined
}

function stateOf({ first, mirror }: Seen, areTwoCopies: boolean): HeadState | undefined {
  const seen = [first, mirror].filter((one) => one !== undefined)
  if (seen.length === 0) return undefined
  const different = seen.find(({ holds }) => !holds)
  if (different === undefined) return { is: 'holds', nextAt: first?.nextAt ?? mirror?.nextAt }
  const { observed, context } = different
  return { is: 'differs', observed, context, ...(areTwoCopies ? copiesOf({ first, mirror }) : {}) }
}

function copiesOf({ first, mirror }: Seen): Pick<DifferentHead, 'copy' | 'original'> {
  if (first === undefined) return { copy: 'mirror' }
  if (mirror === undefined) return { copy: 'postgres' }
  if (first.holds) return { copy: 'mirror', original: 'postgres' }
  return mirror.holds ? { copy: 'postgres', original: 'mirror' } : { copy: 'both' }
}

function indexed(seen: readonly SeenHead[] = []): ReadonlyMap<string, SeenHead> {
  return new Map(seen.map((head) => [`${head.seq}:${head.hash}`, head]))
}

function keyOf({ size, entryHash }: StatedHead): string {
  return `${size}:${entryHash}`
}
