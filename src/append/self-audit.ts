import { PLATFORM_ANCHOR } from '../chain/uuid.js'
import { type InputEntry, inputEntry } from './input/input-line.js'

/** What an operator did, as an entry on the chain that it concerns; the actor is its subject. */
export function selfAuditEntry(
  actor: string,
  row: { readonly domainId: string; readonly relation: string; readonly object: string },
): InputEntry {
  const { domainId, relation, object } = row
  const chain = domainId === PLATFORM_ANCHOR ? { platform: true } : { domain_id: domainId }
  return inputEntry({ subject_id: actor, relation, object, ...chain })
}
