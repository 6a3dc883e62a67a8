import { NAMED_BY_HASHES } from '../../chain/finding-fingerprint.js'
import type { Client } from '../session/database.js'

/** The version of the migration after which records have fingerprints. */
export const FINGERPRINTS = 10

/**
 * Returns notes about acknowledged records of one row that do not name their finding completely. The next verification
 * records these findings anew. The migration itself names the records of several rows.
 */
export async function reopened(client: Client): Promise<string[]> {
  const { rows } = await client.query<{ ids: string | null }>(
    `SELECT string_agg(id::text, ', ' ORDER BY id) AS ids FROM audit_tamper_quarantine
     WHERE fingerprint IS NULL AND acknowledged_at IS NOT NULL AND seq_from = seq_to AND code <> ALL ($1)`,
    [NAMED_BY_HASHES],
  )
  const ids = rows[0]?.ids
  return ids === null || ids === undefined
    ? []
    : [
        'acknowledged findings about one row whose record does not cover the content of the row open again once: ' +
          `quarantine records ${ids}. The next verification records them anew. ` +
          'Look at each, and acknowledge it again',
      ]
}
