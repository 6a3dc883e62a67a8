import type { Verdict } from '../verdict.js'
import { axesOf } from './axes.js'
import type { Axes, AxesContext } from './axis.js'
import { witnessingFor } from './witness-axes.js'

/** The word for a chain after a run: `verified` is more than `intact`, because a key from outside says how long the chain is. */
export type VerdictWord = 'verified' | 'intact' | 'unproven' | 'diverged'

/** What a run concludes about a chain beyond its findings. */
export interface Conclusion {
  readonly word: VerdictWord
  /** Why required axes are not proven. Of several axes with one reason, one says it. */
  readonly notProven: readonly string[]
  /** How many checkpoints unknown keys alone signed, one text for each key. They prove nothing and contradict nothing. */
  readonly unknown: readonly string[]
  readonly axes: Axes
  /** Which witnesses of the policy signed what covers the signed head. Absent where the policy has none. */
  readonly witnesses?: SeenBy | undefined
}

export interface SeenBy {
  readonly signed: number
  /** The witnesses of the policy. */
  readonly all: number
  /** Since when enough of them had signed, in seconds since 1970; absent where not enough have. */
  readonly newest?: bigint | undefined
}

/** Returns what follows from a verdict under the requirements of a run. */
export function conclude(verdict: Verdict, context: AxesContext): Conclusion {
  const axes = axesOf(verdict, context)
  const { required } = context
  const needed = [
    required.copies ? axes.copies : undefined,
    required.signed ? axes.signed : undefined,
    required.witnessed === undefined ? undefined : axes.witnessed,
    axes.fresh,
  ]
  const missing = needed.flatMap((axis) => (axis === undefined || axis.isProven ? [] : [axis.why]))
  const notProven = [...missing, ...(context.unusable ?? [])]
  const unknown = unknownTexts(verdict.signatures?.unknownKeys ?? new Map())
  const word = wordOf(verdict, axes, notProven)
  return { word, notProven: [...new Set(notProven)], unknown, axes, witnesses: seenBy(verdict, context) }
}

function seenBy(verdict: Verdict, context: AxesContext): SeenBy | undefined {
  const all = context.policy?.witnesses.length ?? 0
  const witnessing = witnessingFor(verdict, context)
  if (all === 0 || witnessing === undefined) return undefined
  return { signed: witnessing.signedAt.size, all, newest: witnessing.newest }
}

function unknownTexts(unknown: ReadonlyMap<string, number>): string[] {
  return [...unknown].map(([keyId, count]) => {
    const checkpoints =
      count === 1 ? '1 checkpoint of this chain is' : `${count} checkpoints of this chain are`
    return `${checkpoints} signed by the unknown key ${keyId} alone`
  })
}

function wordOf(
  { ok, findings, signatures }: Verdict,
  { signed }: Axes,
  notProven: readonly string[],
): VerdictWord {
  if (findings.length > 0) return 'diverged'
  if (!ok || notProven.length > 0) return 'unproven'
  return signed.isProven && signatures?.through?.by === 'policy' ? 'verified' : 'intact'
}
