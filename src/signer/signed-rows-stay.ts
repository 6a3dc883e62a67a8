import { finding } from '../chain/finding.js'
import type { SignerState } from '../chain/log/signer-state.js'
import type { AppendGuard, RowsAtHead } from '../ports/signer.js'
import type { ChainWork } from './chain-work.js'
import { Refusal } from './reasons.js'

/** The head that a record promises to sign. */
type Recorded = Pick<SignerState, 'size' | 'lastEntryHash'>

/**
 * Throws a Refusal where a chain is not the one that was signed up to a record: it has fewer rows (`checkpoint_rollback`), or another
 * row at the size (`checkpoint_mismatch`). Where that row alone is missing, the link of the next row counts. A chain that is being
 * restored has fewer rows for a while.
 */
export function assertStored(domainId: string, { size, lastEntryHash: expected }: Recorded, at: RowsAtHead) {
  const hashes = at.entryHashes.length > 0 ? at.entryHashes : at.nextPrevHashes
  if (hashes.includes(expected)) return
  if (at.isRestoring) throw new Refusal('restoring', `chain ${domainId} is being restored`)
  if (at.lastSeq < size) {
    const detail = `rows 1 to ${size} were signed, and the chain ends with row ${at.lastSeq}`
    throw refusal(domainId, {
      code: 'checkpoint_rollback',
      seqFrom: at.lastSeq + 1,
      seqTo: size,
      expected,
      detail,
    })
  }
  const [observed] = hashes
  const range = { seqFrom: size, seqTo: size, expected }
  if (observed === undefined) {
    const detail = `rows 1 to ${size} were signed, and row ${size} is missing, with the row after it`
    throw refusal(domainId, { code: 'seq_gap', ...range, detail })
  }
  const detail = `row ${size} is not the row that was signed: expected entry_hash ${expected}, got ${observed}`
  throw refusal(domainId, { code: 'checkpoint_mismatch', ...range, observed, detail })
}

function refusal(domainId: string, found: Parameters<typeof finding>[0]): Refusal {
  return new Refusal('rolled_back', `chain ${domainId}: ${found.detail}`, { findings: [finding(found)] })
}

/** Compares the rows of a chain with its record, in one snapshot. Throws as {@link assertStored} does. */
export async function assertStillStored({ deps, chain, signal }: ChainWork, record: Recorded): Promise<void> {
  const { domainId } = chain
  const range = { domainId, fromSeq: record.size, toSeq: record.size + 1 }
  const snapshot = await deps.rows.snapshot(range, signal)
  const entryHashes: string[] = []
  const nextPrevHashes: string[] = []
  try {
    for await (const rows of snapshot.rows()) {
      for (const { seq, entryHash = '', prevHash = '' } of rows) {
        if (seq === record.size) entryHashes.push(entryHash)
        if (seq === record.size + 1) nextPrevHashes.push(prevHash)
      }
    }
  } finally {
    await snapshot.close()
  }
  const { lastSeq, isRestoring } = snapshot
  assertStored(domainId, record, { lastSeq, isRestoring, entryHashes, nextPrevHashes })
}

/** Returns the condition that a chain still has the rows of its record. */
export function guardOf(domainId: string, record: Recorded): AppendGuard {
  return { size: record.size, judge: (rows) => assertStored(domainId, record, rows) }
}
