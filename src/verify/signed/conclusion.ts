import type { Verdict } from '../verdict.js'
import { axesOf } from './axes.js'
import type { Axes, AxesContext } from './axis.js'

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
  const notProven = needed.flatMap((axis) => (axis === undefined || axis.isProven ? [] : [axis.why]))
  const unknown = unknownTexts(verdict.signatures?.unknownKeys ?? new Map())
  return { word: wordOf(verdict, axes, notProven), notProven: [...new Set(notProven)], unknown, axes }
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
