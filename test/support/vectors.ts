import { readFileSync } from 'node:fs'
import type { ChainedEntry } from '../../src/chain/entry.js'
import type { Reason } from '../../src/chain/reason.js'
import { parseTimestamp } from '../../src/chain/timestamp.js'

/** A row of test/vectors/pxa1.json, which was made by an implementation that shares no code with this one. */
export interface VectorRow {
  readonly domain_id: string
  readonly seq: number
  readonly subject_pseudonym: string
  readonly relation: string
  readonly object: string
  readonly reason: Reason
  readonly relation_path: readonly string[]
  readonly caveat_context: readonly string[]
  readonly correlation_id: string
  readonly zedtoken: string
  readonly recorded_at: string
  readonly canonical_hex: string
  readonly canonical_sha256: string
  readonly prev_hash: string
  readonly entry_hash: string
}

export interface Vectors {
  readonly platform_anchor: string
  readonly pseudonyms: readonly { pepper_hex: string; subject_id: string; pseudonym: string }[]
  readonly chains: Readonly<Record<'domain' | 'platform', readonly VectorRow[]>>
}

const path = new URL('../vectors/pxa1.json', import.meta.url)

export const vectors: Vectors = JSON.parse(readFileSync(path, 'utf8'))

export const vectorRows: readonly VectorRow[] = [...vectors.chains.domain, ...vectors.chains.platform]

export function vectorEntry(row: VectorRow): ChainedEntry {
  return {
    domainId: row.domain_id,
    seq: row.seq,
    subjectPseudonym: row.subject_pseudonym,
    relation: row.relation,
    object: row.object,
    reason: row.reason,
    relationPath: row.relation_path,
    caveatContext: row.caveat_context,
    correlationId: row.correlation_id,
    zedtoken: row.zedtoken,
    recordedAt: parseTimestamp(row.recorded_at),
    prevHash: row.prev_hash,
    entryHash: row.entry_hash,
  }
}
