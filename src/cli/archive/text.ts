import type { Backfilled } from '../../archive/backfill.js'
import type { Drained } from '../../archive/drain.js'
import type { SourcedFinding } from '../../archive/findings.js'
import type { ShownNames } from '../../query/choose-domain.js'
import { ChainColumns, chainText } from '../output/chain-text.js'
import { safe } from '../output/safe-text.js'
import type { Cell, Heading } from '../output/table.js'
import { MARKER_WORDS, type ShownStatus } from './json.js'

/** Returns the line of a finding for stderr. */
export function foundText(domainId: string, { source, finding }: SourcedFinding): string {
  const { code, seqFrom, seqTo, detail } = finding
  const rows = seqFrom === seqTo ? `row ${seqFrom}` : `rows ${seqFrom} to ${seqTo}`
  return safe`FINDING  ${chainText(domainId)}  ${code}  ${rows} of ${source}: ${detail}`
}

/** Returns the note about a store that refuses conditional PUTs. */
export function unenforcedText(url: string): string {
  return safe`note: mirror ${url}: the store does not enforce create-only (it refuses If-None-Match); audit looks before and after each upload, but another program can overwrite objects`
}

export function drainedText(domainId: string, { stamped, held, failed }: Drained): string {
  const parts = [`${stamped} archived`, held > 0 && `${held} held back`, failed > 0 && `${failed} failed`]
  return `${chainText(domainId)}  ${parts.filter((part) => part !== false).join(', ')}`
}

/** Paints a count of damage, unless it is 0. */
const bad = (count: Cell) => (count === 0 ? undefined : 'bad')

const CHAIN: Heading = { title: 'chain', short: 'id' }

export const BACKFILL_HEAD: readonly Heading[] = [
  CHAIN,
  'rows',
  'missing',
  { title: 'lost', tone: bad },
  'uploaded',
  'stamped',
  { title: 'held', tone: bad },
  { title: 'failed', tone: bad },
]

export function backfilledRow(backfilled: Backfilled): Cell[] {
  const { domainId, rows, missing, lost, uploaded, stamped, held, failed } = backfilled
  return [chainText(domainId), rows, missing, lost, uploaded, stamped, held, failed]
}

/** Returns the note about rows that are uploaded and not stamped. */
export function backfilledNotes({ domainId, uploaded, waitingBelow }: Backfilled): string[] {
  if (waitingBelow === undefined || uploaded === 0) return []
  return [
    `${chainText(domainId)}  row ${waitingBelow} below the range is not archived yet, and rows are stamped in order: the archiver stamps the uploaded rows after it`,
  ]
}

const STATUS_HEAD: readonly Heading[] = [
  'rows',
  'archived',
  'lag',
  { title: 'seconds', align: 'right' },
  'objects',
  { title: 'gaps', tone: bad },
  { title: 'orphans', tone: bad },
]

/** `isSigned`: whether the log has signatures, and the table a column for them. */
export function statusHead(names: ShownNames, isSigned: boolean): Heading[] {
  return [...new ChainColumns(names).head(CHAIN), ...STATUS_HEAD, ...(isSigned ? ['signed'] : [])]
}

export function statusRow(status: ShownStatus, names: ShownNames): Cell[] {
  const { domainId, rows, archived, lagSeconds, objects, gaps, orphans } = status
  return [
    ...new ChainColumns(names).cells(domainId),
    rows,
    archived,
    rows - archived,
    lagSeconds.toFixed(1),
    objects,
    gaps.count,
    orphans.count,
    ...(status.signing === undefined ? [] : [status.signing.signedThrough ?? 0]),
  ]
}

/** Returns the places of gaps and orphans, for which the table has no room. */
export function statusNotes(status: ShownStatus): string[] {
  const { domainId, mirrorUrl, marker, objects, gaps, orphans } = status
  const seqs = gaps.firstSeqs.join(', ')
  const keys = orphans.firstKeys.join('  ')
  const more = (count: number, named: number) => (count > named ? ' …' : '')
  const reason = status.signing?.notSignedReason
  return [
    ...(reason === undefined ? [] : [`${chainText(domainId)}  not signed: ${reason}`]),
    ...(marker.kind === 'ours'
      ? []
      : [
          safe`${chainText(domainId)}  marker of ${mirrorUrl}: ${MARKER_WORDS[marker.kind].replace('_', ' ')}`,
        ]),
    ...(gaps.count > 0
      ? [
          safe`${chainText(domainId)}  archived rows without an object: ${seqs}${more(gaps.count, gaps.firstSeqs.length)}`,
        ]
      : []),
    ...(gaps.count > 0 && objects === 0 ? [emptyText(domainId, mirrorUrl)] : []),
    ...(orphans.count > 0
      ? [
          safe`${chainText(domainId)}  objects without a row: ${keys}${more(orphans.count, orphans.firstKeys.length)}`,
        ]
      : []),
  ]
}

function emptyText(domainId: string, mirrorUrl: string): string {
  return safe`${chainText(domainId)}  ${mirrorUrl} holds no object of this chain; a Domain in another mirror needs its line in --mirror-map`
}
