import type { Policy } from '../../chain/note/policy.js'
import type { Requirements } from './requirements.js'
import type { CosignedCheckpoint } from './witnessing.js'

/** Whether one property of a chain is proven, and if not, why. */
export type Axis =
  | { readonly isProven: true; readonly notAfter?: bigint | undefined }
  | { readonly isProven: false; readonly why: string }

/** The properties of a chain that a run may prove (tlog.md, section 8, and witness.md, section 1). */
export interface Axes {
  /** The fold has no finding. */
  readonly internal: Axis
  /** Both copies were compared row by row. */
  readonly copies: Axis
  /** The run has the rows from 1 to the newest signed head. */
  readonly complete: Axis
  /** That head holds, by a key of the policy or the home. */
  readonly signed: Axis
  /** Enough witnesses signed a checkpoint that covers it. Only with a policy that names witnesses. */
  readonly witnessed?: Axis | undefined
  /** They signed it lately. Only where that is required. */
  readonly fresh?: Axis | undefined
  /** It is known since when enough of them had signed it. Only with a policy that names witnesses. */
  readonly timed?: Axis | undefined
}

/** What a run knows besides the verdict. */
export interface AxesContext {
  readonly policy?: Policy | undefined
  readonly required: Requirements
  /** The clock of this machine, in microseconds since 1970. */
  readonly now: bigint
  readonly cosigned: readonly CosignedCheckpoint[]
  /** Why checkpoints that the command names prove nothing. Somebody who names one requires it. */
  readonly unusable?: readonly string[] | undefined
}

export const PROVEN: Axis = { isProven: true }

export function not(why: string): Axis {
  return { isProven: false, why }
}
