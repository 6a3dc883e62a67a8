/**
 * The seq of the last row that a head counts. The arithmetic is numeric, so that it holds for every stored value: the
 * least bigint minus one is an error, and would keep every row of the chain from being verified.
 */
export const LAST_OF_HEAD = 'next_seq::numeric - 1::numeric'

/** Whether any Domain is registered or has a chain. No Domain is created without a row on the platform chain. */
export const ANY_DOMAIN = `(EXISTS (SELECT FROM audit_domain) OR EXISTS (SELECT FROM audit_log_chain_head))`
