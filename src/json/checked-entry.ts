import type { RowCheck } from '../chain/evidence/finding-evidence.js'
import type { TimeOrder } from '../ports/query.js'
import { provenCheck } from '../query/check.js'
import { shownEntry } from '../query/claimed-entry.js'
import type { EntryProof } from '../query/get.js'
import type { CheckedEntry } from '../query/row-judge.js'
import { type AuditEntry, type AuditEntryProof, auditEntry, auditEntryProof } from './entry.js'
import { type EntryContextJson, entryContextJson } from './entry-context.js'

/**
 * A row as `list` and `get` print it, the same from PostgreSQL, a mirror and a bundle: an AuditEntry, the two fields that the
 * HTTP contract leaves to the canonical bytes, and what recomputing the row shows.
 */
export interface CheckedAuditEntry extends AuditEntry {
  /** Empty for a row that has none, and where the stored value cannot be read. */
  readonly relation_path: readonly string[]
  readonly zedtoken: string
  /** Absent for a row of a generation that this program cannot encode. */
  readonly check?: RowCheck
  /** Only where the copy holds it, which is PostgreSQL alone, and where it was asked for. */
  readonly context?: EntryContextJson
}

export interface CheckedEntryList {
  readonly items: readonly CheckedAuditEntry[]
  /** Absent on the last page. */
  readonly next_cursor?: string
  /** Only where rows are selected by time. */
  readonly time_order?: TimeOrder
}

/** Returns a row with its context. */
export function withContext(row: CheckedEntry): CheckedAuditEntry {
  return { ...checkedAuditEntry(row), context: entryContextJson(row.entry) }
}

export interface CheckedEntryProof extends AuditEntryProof {
  readonly entry: CheckedAuditEntry
}

export function checkedAuditEntry({ entry: stored, check }: CheckedEntry): CheckedAuditEntry {
  const entry = shownEntry(stored)
  const { relationPath = [], zedtoken = '' } = entry
  return {
    ...auditEntry(entry),
    relation_path: relationPath,
    zedtoken,
    ...(check !== undefined && { check }),
  }
}

/** `context`: whether the copy holds contexts. */
export function checkedEntryProof(
  proven: EntryProof,
  { context }: { readonly context: boolean },
): CheckedEntryProof {
  const { entry } = proven
  const { check } = provenCheck(entry, proven)
  const row = { entry, check }
  const shown = { ...proven, entry: shownEntry(entry) }
  return { ...auditEntryProof(shown), entry: context ? withContext(row) : checkedAuditEntry(row) }
}
