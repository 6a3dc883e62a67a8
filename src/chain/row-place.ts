import { DOMAIN_ID_AT, DOMAIN_ID_BYTES, SEQ_AT, SEQ_BYTES } from './layout.js'

/**
 * What is wrong with the place of whole canonical bytes: they must be those of the row's seq and, where it is given,
 * of the chain with these 16 bytes of domain_id. A source that took them from a place of the attacker's choice would
 * else pass off another chain's rows as this one's.
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
