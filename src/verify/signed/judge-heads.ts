import { AuditError } from '../../base/errors.js'
import { type Finding, finding } from '../../chain/finding.js'
import type { HeadPlace, StatedHead } from '../../ports/log/heads.js'
import type { SourceName } from '../../ports/verify.js'
import type { DifferentHead, HeadInRun } from './head-state.js'

/** The run whose heads are judged. */
export interface HeadsRun {
  readonly source: SourceName
  readonly domainId: string
  readonly fromSeq: number
  /** The last row of the chain in the copies that were read. */
  readonly end: number
  /** Whether the fold has no finding. */
  readonly isIntact: boolean
}

export interface JudgedHeads {
  readonly findings: readonly Finding[]
  readonly doubts: readonly AuditError[]
}

const NOTHING: JudgedHeads = { findings: [], doubts: [] }

/**
 * Returns what signed heads show of a chain (tlog.md, section 8). One damage is one finding: it reaches from the last head that holds
 * to the first that does not. `heads` ascend by size. A signature is checked only for a head that decides something.
 */
export function judgeHeads(heads: readonly HeadInRun[], run: HeadsRun): JudgedHeads {
  const different = firstDifferent(heads)
  if (different !== undefined) return { findings: [mismatch(different, heads, run)], doubts: [] }
  const lost = heads.findLast(({ head, state }) => state.is === 'beyond' && isSigned(head))
  return lost === undefined ? NOTHING : beyond(lost.head, run)
}

/** A head that a known key signed, and that the rows contradict. */
export interface ContradictedHead {
  readonly head: StatedHead
  readonly state: DifferentHead
}

/** Returns the head with the smallest size that a known key signed and the rows contradict. */
export function firstDifferent(heads: readonly HeadInRun[]): ContradictedHead | undefined {
  for (const { head, state } of heads) if (state.is === 'differs' && isSigned(head)) return { head, state }
  return undefined
}

/** Returns the largest head below a size that a known key signed and that holds. */
export function lastHolding(
  heads: readonly HeadInRun[],
  below = Number.POSITIVE_INFINITY,
): HeadInRun | undefined {
  return heads.findLast(({ head, state }) => head.size < below && state.is === 'holds' && isSigned(head))
}

function mismatch({ head, state }: ContradictedHead, heads: readonly HeadInRun[], run: HeadsRun): Finding {
  const { size, entryHash, place } = head
  const before = lastHolding(heads, size)?.head.size
  const range = { seqFrom: before === undefined ? run.fromSeq : before + 1, seqTo: size }
  const { observed, copy, original, context } = state
  const above = run.isIntact ? lastHolding(heads) : undefined
  const isConflict = above !== undefined && above.head.size >= size
  const detail = isConflict ? conflictText(place, above.head.place) : mismatchText(before, state)
  return {
    ...finding({
      code: isConflict ? 'checkpoint_conflict' : 'checkpoint_mismatch',
      ...range,
      seqFrom: Math.min(range.seqFrom, size),
      expected: entryHash,
      observed,
      detail,
      copy,
    }),
    signedIn: placeText(place),
    ...(original !== undefined && { original }),
    ...(context !== undefined && { context }),
  }
}

function mismatchText(before: number | undefined, { original }: DifferentHead): string {
  const rows = before === undefined ? '' : `; rows 1 to ${before} are`
  return `not the rows that were signed${rows}${original === undefined ? '' : `; ${ORIGINAL[original]}`}`
}

const ORIGINAL = {
  mirror: 'the mirror has the signed rows, PostgreSQL has others',
  postgres: 'PostgreSQL has the signed rows, the mirror has others',
} as const

function conflictText(place: HeadPlace, above: HeadPlace): string {
  return `two signed histories: the rows are those signed in ${placeText(above)}, and not those signed in ${placeText(place)}`
}

function beyond(head: StatedHead, run: HeadsRun): JudgedHeads {
  const { size, entryHash, place } = head
  const { source, end, domainId } = run
  if (source === 'mirror' && place.kind !== 'file')
    return { findings: [], doubts: [copyIncomplete(domainId, end, size)] }
  const detail = `rows 1 to ${size} were signed, and the chain ends with row ${end}`
  const raw = {
    code: 'checkpoint_rollback',
    seqFrom: end + 1,
    seqTo: size,
    expected: entryHash,
    detail,
  } as const
  return { findings: [{ ...finding(raw), signedIn: placeText(place) }], doubts: [] }
}

function copyIncomplete(domainId: string, end: number, size: number): AuditError {
  return new AuditError(
    'copy_incomplete',
    `chain ${domainId}: rows ${end + 1} to ${size} are signed and not in this copy`,
    { advice: { code: 'copy_heads_first' } },
  )
}

/** Returns where a head was read, as text. */
export function placeText(place: HeadPlace): string {
  if (place.kind === 'row') return `platform row ${place.seq}`
  if (place.kind === 'index') return 'the index of the signer'
  return place.kind === 'kept' ? `the checkpoint ${place.key}` : `the file ${place.path}`
}

function isSigned(head: StatedHead): boolean {
  return head.signer() !== undefined
}
