import { AuditError } from '../../base/errors.js'
import { LIMITS } from '../../chain/limits.js'
import type { TimeOrder } from '../../ports/query.js'
import type { RetentionPolicy } from '../../ports/retention.js'
import type { Client } from '../session/database.js'
import { microsOf } from '../session/read-time.js'
import { firstSeq } from '../time-range/first-seq.js'
import { isDue } from './due-row.js'
import { entryOf } from './off-chain.js'

/**
 * Returns SQL for the last row of a chain before a time. Where the order of the times is broken, every row is looked at.
 */
export const lastBefore = (time: string, order: TimeOrder) => `coalesce((
    SELECT seq FROM audit_log_entry WHERE domain_id = $1 AND seq BETWEEN 1 AND ${LIMITS.maxSeq}
      ${order === 'broken' ? '' : `AND seq < ${firstSeq('$1', `>= ${time}`)}`} AND recorded_at < ${time}
    ORDER BY seq DESC LIMIT 1), 0)`

/** The window ends by the database's clock. */
const WINDOW = `
  SELECT is_set, chain_years, personal_days, cutoff::text, ${microsOf('cutoff')} AS cutoff_micros
  FROM (
    SELECT p.domain_id IS NOT NULL AS is_set, v.*, now() - make_interval(days => v.personal_days) AS cutoff
    FROM (SELECT $1::uuid AS id) AS one LEFT JOIN audit_retention_policy p ON p.domain_id = one.id,
    LATERAL (SELECT coalesce(p.chain_years, $2) AS chain_years, coalesce(p.personal_days, $3) AS personal_days) AS v
  ) AS w`

/** The limits of the data that is due on a chain, by its policy and the database's clock. */
export interface RetentionWindow {
  readonly is_set: boolean
  readonly chain_years: number
  readonly personal_days: number
  /** The time as PostgreSQL writes it, for use as a parameter. */
  readonly cutoff: string
  readonly cutoff_micros: string
}

export async function windowOf(
  client: Client,
  domainId: string,
  defaults: RetentionPolicy,
): Promise<RetentionWindow> {
  const values = [domainId, defaults.chainYears, defaults.personalDays]
  const { rows } = await client.query<RetentionWindow>(WINDOW, values)
  const [window] = rows
  if (window === undefined) throw new AuditError('internal', 'no retention window')
  return window
}

/**
 * Selects the contexts that are due. A context is as old as its row. `$2` is the last seq to look at, and `$3` the cutoff. No
 * search by time limits the contexts, so that an edited time neither hides other contexts nor deletes them.
 */
export const DUE_CONTEXTS = `
  FROM audit_entry_context c LEFT JOIN ${entryOf('c')} AS e ON true
  WHERE c.domain_id = $1 AND c.seq <= $2 AND ${isDue('c', '$3::timestamptz')}`

/**
 * Selects the mappings that are due. A mapping is as old as the last row that came with personal data. `$2` is the cutoff.
 */
export const DUE_MAPPINGS =
  'FROM audit_subject_pii p WHERE p.domain_id = $1 AND p.last_seen_at < $2::timestamptz'

/**
 * Selects the reasons of reveals that are due although no mapping of their person is there: only a context was shown, or
 * the mapping was purged before. Such a reason is as old as its row. `$2` is the last seq to look at, and `$3` the cutoff.
 */
export const DUE_REVEALS = `
  FROM audit_identity_reveal r LEFT JOIN ${entryOf('r')} AS e ON true
  WHERE r.domain_id = $1 AND r.seq <= $2 AND ${isDue('r', '$3::timestamptz')}
    AND NOT EXISTS (SELECT FROM audit_subject_pii p
      WHERE p.domain_id = r.domain_id AND p.subject_pseudonym = r.subject_pseudonym)`

/** Selects the reasons of reveals whose person has a mapping that is due. `$3` is the cutoff. */
export const DUE_WITH_MAPPING = `
  FROM audit_identity_reveal r JOIN audit_subject_pii p USING (domain_id, subject_pseudonym)
  WHERE r.domain_id = $1 AND p.last_seen_at < $3::timestamptz`
