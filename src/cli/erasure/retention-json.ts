import { wireTime } from '../../base/wire-time.js'
import type { Purge } from '../../erasure/purge.js'
import type { Counts, Retention } from '../../erasure/retention.js'

/** A chain's policy and what is due under it, as `audit retention` prints it. */
export interface RetentionJson {
  readonly domain_id: string
  readonly chain_years: number
  readonly personal_days: number
  readonly is_default: boolean
  readonly floor: string
  readonly oldest_row?: string
  readonly rows_older_than_floor: number
  readonly personal_data_before: string
  readonly due: Counts
  readonly held: Counts
  readonly chain_holds: readonly number[]
}

/** What a purge deleted or, in a dry run, would delete, as `audit retention apply` prints it. */
export interface PurgeJson {
  readonly domain_id: string
  readonly dry_run: boolean
  readonly personal_data_before: string
  readonly mappings: number
  readonly contexts: number
  /** Reasons for which people were identified. */
  readonly reveals: number
  readonly held: Counts
  readonly chain_holds: readonly number[]
  readonly rows: readonly { readonly seq: number; readonly entry_hash: string }[]
}

export function retentionJson(retention: Retention): RetentionJson {
  const { policy, oldest, mappings, contexts } = retention
  return {
    domain_id: retention.domainId,
    chain_years: policy.chainYears,
    personal_days: policy.personalDays,
    is_default: retention.isDefault,
    floor: wireTime(retention.floor),
    ...(oldest !== undefined && { oldest_row: wireTime(oldest) }),
    rows_older_than_floor: retention.rowsBeyondFloor,
    personal_data_before: wireTime(retention.cutoff),
    due: { mappings, contexts },
    held: { mappings: retention.heldMappings, contexts: retention.heldContexts },
    chain_holds: retention.chainHolds,
  }
}

export function purgeJson(purge: Purge): PurgeJson {
  return {
    domain_id: purge.domainId,
    dry_run: purge.dryRun,
    personal_data_before: wireTime(purge.cutoff),
    mappings: purge.mappings,
    contexts: purge.contexts,
    reveals: purge.reveals,
    held: purge.held,
    chain_holds: purge.chainHolds,
    rows: purge.auditRows.map(({ seq, entryHash }) => ({ seq, entry_hash: entryHash })),
  }
}
