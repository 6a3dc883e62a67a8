import type { InputEntry } from '../../append/input/input-line.js'
import { checkEntry } from '../../append/input/input-line.js'
import { isAddress } from '../../append/personal/ip.js'
import { onlyChain } from '../../append/residency.js'
import type { Denial } from '../deps.js'

/** One row to write. It represents `count` denials of one caller on one chain; `denial` is the last of them. */
export interface DenialRow {
  readonly denial: Denial
  readonly count: number
}

/** Characters kept of a user agent, which can be as long as the headers allow. */
const MAX_AGENT = 256

/**
 * Returns the entry of a denial, as docs/http.md describes it. A row for several denials has `repeated:<count>` as the only
 * step of its relation_path. The address and the user agent stay off the chain, where they can be erased.
 */
export function denialEntry({ denial, count }: DenialRow, subjectId: string): InputEntry {
  const { domainId, relation, reason, correlationId, ip, userAgent } = denial
  return checkEntry({
    subjectId,
    relation,
    object: `audit-archive:${domainId}`,
    reason,
    correlationId,
    relationPath: count > 1 ? [`repeated:${count}`] : undefined,
    ...onlyChain(domainId),
    context: {
      ip: ip !== undefined && isAddress(ip) ? ip : undefined,
      userAgent: userAgent?.slice(0, MAX_AGENT),
    },
  })
}
