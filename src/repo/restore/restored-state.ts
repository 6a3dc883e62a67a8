import type { ChainHead } from '../../chain/entry.js'
import { SELF_AUDIT } from '../../chain/self-audit.js'
import { PLATFORM_ANCHOR } from '../../chain/uuid.js'
import type { RestoredRow } from '../../ports/restore.js'
import { BY_INDEX } from '../erasure/off-chain.js'
import { quotedLiteral } from '../session/quoted-literal.js'
import { recordedAfter, type Written } from '../session/written.js'

/** Returns how to see that every row is there: this restore or an earlier one inserted it. */
export function insertedRows(rows: readonly RestoredRow[]): Written | undefined {
  const [first, last] = [rows[0]?.entry, rows.at(-1)?.entry]
  if (first === undefined || last === undefined) return undefined
  const { domainId } = first
  const seqs = rows.map(({ entry }) => entry.seq).join(',')
  const hashes = rows.map(({ entry }) => entry.entryHash).join(',')
  return {
    what: `rows ${first.seq} to ${last.seq} of chain ${domainId}`,
    isThere: `(SELECT count(*) FROM unnest('{${seqs}}'::bigint[], '{${hashes}}'::text[]) AS r(seq, hash)
      CROSS JOIN LATERAL (SELECT FROM audit_log_entry e WHERE e.domain_id = '${domainId}' AND e.seq = r.seq
        AND e.entry_hash = decode(r.hash, 'hex') OFFSET 0) AS e) = ${rows.length}`,
    otherwise: 'some of them were not there',
    settings: BY_INDEX,
  }
}

const isMarked = (domainId: string) => `EXISTS (SELECT FROM audit_restore WHERE domain_id = '${domainId}')`

/** Another restore of the chain may have ended between COMMIT and the look. */
export function marked(domainId: string): Written {
  return {
    what: `the record of the restore of chain ${domainId}`,
    isThere: `${isMarked(domainId)} OR EXISTS (SELECT FROM audit_log_chain_head WHERE domain_id = '${domainId}')`,
    otherwise: 'it was not there',
  }
}

/** A restore that has rows keeps its record. */
export function unmarked(domainId: string): Written {
  return {
    what: `the end of the restore of chain ${domainId}`,
    isThere: `NOT ${isMarked(domainId)} OR EXISTS (SELECT FROM audit_log_entry WHERE domain_id = '${domainId}')`,
    otherwise: 'its record was still there',
  }
}

/** A name that the platform chain has given a Domain. */
export interface GivenName {
  readonly domainId: string
  readonly name: string
}

/** Another program may have appended rows, and named Domains, between COMMIT and the look. */
export function finished(domainId: string, head: ChainHead, names: readonly GivenName[]): Written {
  const isNamed = names.map(
    ({ domainId: id, name }) =>
      `EXISTS (SELECT FROM audit_domain WHERE domain_id = '${id}' AND name = ${quotedLiteral(name)})`,
  )
  const registered =
    domainId === PLATFORM_ANCHOR
      ? `(${recordedAfter({ domainId, seq: head.seq }, SELF_AUDIT.domainName)} OR (${['true', ...isNamed].join(' AND ')}))`
      : `EXISTS (SELECT FROM audit_domain WHERE domain_id = '${domainId}')`
  return {
    what: `the head of chain ${domainId} after its restore, at row ${head.seq}`,
    isThere: `EXISTS (SELECT FROM audit_log_chain_head WHERE domain_id = '${domainId}' AND (next_seq > ${head.seq + 1}
        OR next_seq = ${head.seq + 1} AND head_hash = decode('${head.hash}', 'hex')))
      AND ${registered} AND NOT ${isMarked(domainId)}`,
    otherwise: 'the head, the registry entry or a name was not there, or the restore was not ended',
  }
}
