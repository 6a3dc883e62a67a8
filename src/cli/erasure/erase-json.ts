import { wireTime } from '../../base/wire-time.js'
import type { ErasurePreview, ErasureReceipt } from '../../erasure/erase-identity.js'
import { type RemainingJson, remainingJson } from './remaining.js'

/** What an erasure would delete, as `audit erase-identity` prints it without `--confirm`. */
export interface PreviewJson {
  readonly domain_id: string
  readonly subject_pseudonym: string
  readonly mappings: number
  readonly contexts: number
  readonly rows: number
  readonly holds: readonly number[]
}

/** What an erasure deleted, as `audit erase-identity` prints it. */
export interface ReceiptJson {
  readonly domain_id: string
  readonly subject_pseudonym: string
  readonly erased_at: string
  readonly seq: number
  readonly entry_hash: string
  readonly mappings_deleted: number
  readonly contexts_deleted: number
  readonly blocked: boolean
  readonly repeated: boolean
  readonly others: readonly {
    readonly subject_pseudonym: string
    readonly seq: number
    readonly entry_hash: string
  }[]
  readonly remaining: readonly RemainingJson[]
}

export function previewJson(preview: ErasurePreview): PreviewJson {
  const { domainId, subjectPseudonym, mappings, contexts, rows, holds } = preview
  return { domain_id: domainId, subject_pseudonym: subjectPseudonym, mappings, contexts, rows, holds }
}

export function receiptJson(receipt: ErasureReceipt): ReceiptJson {
  return {
    domain_id: receipt.domainId,
    subject_pseudonym: receipt.subjectPseudonym,
    erased_at: wireTime(receipt.erasedAt),
    seq: receipt.seq,
    entry_hash: receipt.entryHash,
    mappings_deleted: receipt.mappingsDeleted,
    contexts_deleted: receipt.contextsDeleted,
    blocked: receipt.blocked,
    repeated: receipt.repeated,
    others: receipt.others.map(({ subjectPseudonym, seq, entryHash }) => ({
      subject_pseudonym: subjectPseudonym,
      seq,
      entry_hash: entryHash,
    })),
    remaining: receipt.remaining.map(remainingJson),
  }
}
