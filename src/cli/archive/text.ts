import type { Backfilled } from '../../archive/backfill.js'
import type { Drained } from '../../archive/drain.js'
import type { SourcedFinding } from '../../archive/findings.js'
import type { ArchiveStatus } from '../../archive/status.js'
import { safe } from '../output/safe-text.js'
import type { Cell } from '../output/table.js'

/** Returns the line of a finding for stderr. */
export function foundText(domainId: string, { source, finding }: SourcedFinding): string {
  const { code, seqFrom, seqTo, detail } = finding
  const rows = seqFrom === seqTo ? `row ${seqFrom}` : `rows ${seqFrom} to ${seqTo}`
  return safe`FINDING  ${domainId}  ${code}  ${rows} of ${source}: ${detail}`
}

export function drainedText(domainId: string, { stamped, held, failed }: Drained): string {
  const parts = [`${stamped} archived`, held > 0 && `${held} held back`, failed > 0 && `${failed} failed`]
  return `${domainId}  ${parts.filter((part) => part !== false).join(', ')}`
}

export const BACKFILL_HEAD = ['chain', 'rows', 'missing', 'lost', 'uploaded', 'stamped', 'held', 'failed']

export function backfilledRow(backfilled: Backfilled): Cell[] {
  const { domainId, rows, missing, lost, uploaded, stamped, held, failed } = backfilled
  return [domainId, rows, missing, lost, uploaded, stamped, held, failed]
}

export const STATUS_HEAD = ['chain', 'rows', 'archived', 'lag', 'seconds', 'objects', 'gaps', 'orphans']

export function statusRow(status: ArchiveStatus): Cell[] {
  const { domainId, rows, archived, lagSeconds, objects, gaps, orphans } = status
  return [
    domainId,
    rows,
    archived,
    rows - archived,
    lagSeconds.toFixed(1),
    objects,
    gaps.count,
    orphans.count,
  ]
}

/** Returns the places of gaps and orphans, for which the table has no room. */
export function statusNotes({ domainId, gaps, orphans }: ArchiveStatus): string[] {
  const seqs = gaps.firstSeqs.join(', ')
  const keys = orphans.firstKeys.join('  ')
  const more = (count: number, named: number) => (count > named ? ' …' : '')
  return [
    ...(gaps.count > 0
      ? [
          safe`${domainId}  archived rows without an object: ${seqs}${more(gaps.count, gaps.firstSeqs.length)}`,
        ]
      : []),
    ...(orphans.count > 0
      ? [safe`${domainId}  objects without a row: ${keys}${more(orphans.count, orphans.firstKeys.length)}`]
      : []),
  ]
}
