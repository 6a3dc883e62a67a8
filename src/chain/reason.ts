/** The four reasons of a decision. The set is frozen: their ordinals 1 to 4 are hashed (FORMAT.md, field 6). */
export const REASONS = ['granted', 'out_of_scope', 'insufficient_relation', 'caveat_violation'] as const

export type Reason = (typeof REASONS)[number]

export function reasonOrdinal(reason: Reason): number {
  return REASONS.indexOf(reason) + 1
}

/** Returns the name of an ordinal, or undefined for an ordinal outside 1 to 4. */
export function reasonName(ordinal: number): Reason | undefined {
  return REASONS[ordinal - 1]
}

export function isReason(text: string): text is Reason {
  return (REASONS as readonly string[]).includes(text)
}
