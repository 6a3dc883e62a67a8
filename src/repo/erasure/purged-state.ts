import { formatTimestamp } from '../../chain/timestamp.js'
import { byteaArray, type Written } from '../session/written.js'
import { BY_INDEX } from './off-chain.js'

/** What one batch of a purge deleted. */
export interface Gone {
  /** The seqs of the contexts. */
  readonly seqs: readonly string[]
  /** The pseudonyms of the mappings, 64 hex digits each. */
  readonly pseudonyms: readonly string[]
  /** The seqs of the reasons of reveals. */
  readonly reveals: readonly string[]
  /** Data from before this time was due. Microseconds since 1970-01-01T00:00:00Z. */
  readonly cutoff: bigint
}

/**
 * Returns how to see that a batch is gone. A context or a reason never comes again. A mapping may come again with a row that another
 * program appends, and is then younger than the cutoff.
 */
export function purged(domainId: string, { seqs, pseudonyms, reveals, cutoff }: Gone): Written | undefined {
  if (seqs.length + pseudonyms.length + reveals.length === 0) return undefined
  return {
    what: `the purge of ${pseudonyms.length} mappings and ${seqs.length} contexts of chain ${domainId}`,
    isThere: `NOT EXISTS (SELECT FROM audit_entry_context
        WHERE domain_id = '${domainId}' AND seq = ANY ('{${seqs.join(',')}}'::bigint[]))
      AND NOT EXISTS (SELECT FROM audit_identity_reveal
        WHERE domain_id = '${domainId}' AND seq = ANY ('{${reveals.join(',')}}'::bigint[]))
      AND NOT EXISTS (SELECT FROM audit_subject_pii WHERE domain_id = '${domainId}'
        AND subject_pseudonym = ANY (${byteaArray(pseudonyms)}) AND last_seen_at < '${formatTimestamp(cutoff)}'::timestamptz)`,
    otherwise: 'some of it was there again',
    settings: BY_INDEX,
  }
}
