import { DOMAIN_ID_AT, DOMAIN_ID_BYTES, SEQ_AT, SEQ_BYTES } from './layout.js'

/**
 * Returns what is wrong with the seq and domain_id of well-formed canonical bytes, or undefined. They must be the row's
 * seq and, where `domain` is given, these 16 bytes. Without this check an attacker could present rows of another chain
 * as rows of this one.
 */
export function placeProblem(
  canonical: Uint8Array,
  seq: number,
  domain: Uint8Array | undefined,
): string | undefined {
  let own = 0
  for (let i = SEQ_AT; i < SEQ_AT + SEQ_BYTES; i += 1) own = own * 256 + (canonical[i] ?? 0)
  if (own !== seq) return `seq: the canonical bytes are those of row ${own}`
  if (domain === undefined) return undefined
  for (let i = 0; i < DOMAIN_ID_BYTES; i += 1) {
    if (canonical[DOMAIN_ID_AT + i] !== domain[i])
      return 'domain_id: the canonical bytes are those of another chain'
  }
  return undefined
}
