import type { ChainedEntry } from '../../chain/entry.js'
import { reasonOrdinal } from '../../chain/reason.js'
import { formatTimestamp } from '../../chain/timestamp.js'

/**
 * Returns entries as one array for each column, for an INSERT from unnest: domain_id, seq, subject, relation, object,
 * reason, path, caveats, correlation_id, zedtoken, recorded_at, prev, entry. Hashes are hex; arrays and times are text.
 */
export function entryColumns(entries: readonly ChainedEntry[]): unknown[] {
  const column = <T>(value: (entry: ChainedEntry) => T) => entries.map(value)
  return [
    column((e) => e.domainId),
    column((e) => e.seq),
    column((e) => e.subjectPseudonym),
    column((e) => e.relation),
    column((e) => e.object),
    column((e) => reasonOrdinal(e.reason)),
    column((e) => arrayLiteral(e.relationPath)),
    column((e) => arrayLiteral(e.caveatContext)),
    column((e) => e.correlationId),
    column((e) => e.zedtoken),
    times(entries),
    column((e) => e.prevHash),
    column((e) => e.entryHash),
  ]
}

/** Formats each time once: most rows of a group have the same recorded_at. */
function times(entries: readonly ChainedEntry[]): string[] {
  const texts = new Map<bigint, string>()
  return entries.map(({ recordedAt }) => {
    const text = texts.get(recordedAt) ?? formatTimestamp(recordedAt)
    texts.set(recordedAt, text)
    return text
  })
}

/** Returns a one-dimensional text array as PostgreSQL reads it. It is sent as text because unnest would flatten arrays of arrays. */
export function arrayLiteral(items: readonly string[]): string {
  return `{${items.map((item) => `"${item.replaceAll(/["\\]/g, '\\$&')}"`).join(',')}}`
}
