import { checkEntry } from '../../append/check-entry.js'
import type { InputEntry } from '../../append/input/input-line.js'
import { isAddress } from '../../append/input/ip.js'
import { onlyChain } from '../../append/residency.js'
import type { Denial } from '../deps.js'

/** One row to be written; `count` denials of one caller on one chain, the last of them in `denial`. */
export interface DenialRow {
  readonly denial: Denial
  readonly count: number
}

/** Of a user agent, which a caller may make as long as the headers are. */
const MAX_AGENT = 256

/**
 * Relation, object and reason as http.md has them. A row that stands for several has `repeated:<count>` as its one step
 * of relation_path. The address and the user agent stay off the chain, where they can be erased.
 */
export function denialEntry({ denial, count }: DenialRow, subjectId: string): InputEntry {
  const { domainId, relation, reason, correlationId, ip, userAgent } = denial
  return checkEntry({
    subjectId,
    relation,
    object: `audit-archive:${domainId}`,
    reason,
    correlationId,
    ...(count > 1 && { relationPath: [`repeated:${count}`] }),
    ...onlyChain(domainId),
    context: {
      ...(ip !== undefined && isAddress(ip) && { ip }),
      ...(userAgent !== undefined && { userAgent: userAgent.slice(0, MAX_AGENT) }),
    },
  })
}
