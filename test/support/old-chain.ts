import { randomUUID } from 'node:crypto'
import { pseudonym } from '../../src/chain/hash.js'
import type { Pepper } from '../../src/ports/pepper.js'
import { postgresRestoreTarget } from '../../src/repo/restore/restore.js'
import type { Database } from '../../src/repo/session/database.js'
import { chained, entryAt } from './chain-builder.js'

/** One row of an old chain. */
export interface OldRow {
  readonly subject: string
  readonly daysAgo: number
}

const DAY = 86_400_000_000n

/**
 * Creates a chain whose rows have the given ages, oldest first. Each row has a context, and each subject a mapping that was
 * last seen with the subject's last row. The genesis row is a day older than the first row. Returns the domain id.
 */
export async function oldChain(
  database: Database,
  pepper: Pepper,
  rows: readonly OldRow[],
  domainId: string = randomUUID(),
): Promise<string> {
  const secret = await pepper.pepperOf(domainId)
  const now = BigInt(Date.now()) * 1000n
  const genesis = { subject: 'system:audit', daysAgo: (rows[0]?.daysAgo ?? 0) + 1 }
  const entries = [genesis, ...rows].map(({ subject, daysAgo }, index) =>
    entryAt(index + 1, {
      domainId,
      subjectPseudonym: pseudonym(secret, subject),
      recordedAt: now - BigInt(daysAgo) * DAY,
    }),
  )
  const stored = chained(entries)
  const target = postgresRestoreTarget(database)
  await target.insert(stored.map((entry) => ({ entry, etag: '"e"' })))
  const head = { seq: stored.length, hash: stored.at(-1)?.entryHash ?? '' }
  await target.finish(domainId, head, { createdAt: entries[0]?.recordedAt ?? now })
  await database.write(async (client) => {
    await client.query(
      `INSERT INTO audit_entry_context (domain_id, seq, ip, user_agent)
       SELECT domain_id, seq, '192.0.2.1', 'agent' FROM audit_log_entry WHERE domain_id = $1 AND seq > 1`,
      [domainId],
    )
    await client.query(
      `INSERT INTO audit_subject_pii (domain_id, subject_pseudonym, subject_plaintext, last_seen_at)
       SELECT domain_id, subject_pseudonym, 'somebody', max(recorded_at) FROM audit_log_entry
       WHERE domain_id = $1 AND seq > 1 GROUP BY 1, 2`,
      [domainId],
    )
  })
  return domainId
}
