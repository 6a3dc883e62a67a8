import { wireTime } from '../base/wire-time.js'
import type { Axes, Axis } from '../verify/signed/axis.js'
import type { Conclusion, VerdictWord } from '../verify/signed/conclusion.js'
import type { Verdict } from '../verify/verdict.js'

/** Whether a property of the chain is proven, and if not, why. */
export interface AxisJson {
  readonly state: 'proven' | 'not proven'
  readonly why?: string
  /** Only in `timed`: by this time enough witnesses had signed, by their clocks. */
  readonly not_after?: string
}

export type AxesJson = { readonly [A in keyof Axes]: AxisJson }

/** The newest signed head that the rows reproduce. */
export interface SignedJson {
  readonly through_seq: number
  readonly entry_hash: string
  readonly by: 'policy' | 'home' | 'log'
  readonly key_id: string
  /** The row of the platform chain with this head. Absent where the head comes from somewhere else. */
  readonly platform_seq?: number
  /** The rows of the run after through_seq. */
  readonly rows_beyond: number
}

/** What a verify result has besides, in a run with a policy or requirements, or one that has seen a signature. */
export interface ConclusionJson {
  readonly verdict: VerdictWord
  /** Why required axes are not proven, and how many checkpoints unknown keys alone signed. */
  readonly not_proven: readonly string[]
  /** Absent where no signed head holds. */
  readonly signed?: SignedJson
  readonly axes: AxesJson
}

export function conclusionJson(
  { signatures }: Verdict,
  { word, notProven, unknown, axes }: Conclusion,
): ConclusionJson {
  const { through } = signatures ?? {}
  return {
    verdict: word,
    not_proven: [...notProven, ...unknown],
    ...(through && {
      signed: {
        through_seq: through.throughSeq,
        entry_hash: through.entryHash,
        by: through.by,
        key_id: through.keyId,
        ...(through.platformSeq !== undefined && { platform_seq: through.platformSeq }),
        rows_beyond: through.rowsBeyond,
      },
    }),
    axes: axesJson(axes),
  }
}

function axesJson({ internal, copies, complete, signed, witnessed, fresh, timed }: Axes): AxesJson {
  return {
    internal: axisJson(internal),
    copies: axisJson(copies),
    complete: axisJson(complete),
    signed: axisJson(signed),
    ...(witnessed && { witnessed: axisJson(witnessed) }),
    ...(fresh && { fresh: axisJson(fresh) }),
    ...(timed && { timed: axisJson(timed) }),
  }
}

function axisJson(axis: Axis): AxisJson {
  if (!axis.isProven) return { state: 'not proven', why: axis.why }
  return { state: 'proven', ...(axis.notAfter !== undefined && { not_after: wireTime(axis.notAfter) }) }
}
