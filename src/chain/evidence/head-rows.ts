import type { SeenHead } from '../log/signed-heads.js'
import type { EvidenceLog } from './evidence-log.js'

/** Returns a head with the rows that were kept around it, where it does not hold. */
export function withRowsAround(head: SeenHead, log: EvidenceLog): SeenHead {
  if (head.holds) return head
  const { seq } = head
  const { context } = log.of({ code: 'unexpected_head', seqFrom: seq, seqTo: seq, detail: '' })
  return context === undefined ? head : { ...head, context }
}
