import type { Policy } from '../../chain/note/policy.js'

/** What a run must prove besides the rows themselves, so that it does not end with 5 (tlog.md, section 8). */
export interface Requirements {
  /** Whether both copies must have been compared. */
  readonly copies: boolean
  readonly signed: boolean
  /** How many witnesses of the policy must have signed, or its quorum. Absent: none need to. */
  readonly witnessed?: number | 'quorum' | undefined
  /** Milliseconds: how old the newest cosignatures may be. */
  readonly maxAge?: number | undefined
}

/** What a policy requires alone: a signed head, and its quorum. Without a policy nothing is required. */
export function requiredBy(policy: Policy | undefined): Requirements {
  if (policy === undefined) return { copies: false, signed: false }
  return { copies: false, signed: true, ...(policy.leastWitnesses > 0 && { witnessed: 'quorum' }) }
}
