import type { InputEntry } from './input/input-line.js'
import { checkEntry } from './input/input-line.js'
import { onlyChain } from './residency.js'

/** Returns what an operator did as an entry of the chain that it concerns. The actor is the subject of the row. */
export function selfAuditEntry(
  actor: string,
  row: { readonly domainId: string; readonly relation: string; readonly object: string },
): InputEntry {
  const { domainId, relation, object } = row
  return checkEntry({ subjectId: actor, relation, object, ...onlyChain(domainId) })
}
