import { genesisPseudonym } from '../base/genesis-pepper.js'
import { pseudonym } from '../chain/hash.js'
import { isUuid, PLATFORM_ANCHOR } from '../chain/uuid.js'
import type { AppendItem, ChainStart, NewRow } from '../ports/append.js'
import { genesisRow, SELF_AUDIT_FIELDS } from './genesis.js'

/** Who acts on a chain, with that chain's pepper. Lives as long as one operation. */
export interface SelfAuditActor {
  readonly domainId: string
  /** The subject_id of the self-audit rows. */
  readonly actor: string
  readonly pepper: Uint8Array
}

/** What was done. The texts are hashed and cannot be erased, so a person appears only as a pseudonym. */
export interface SelfAuditAction {
  readonly relation: string
  readonly object: string
  /** Counts and marks, each `name:value` or a word. */
  readonly relationPath: readonly string[]
}

/**
 * Returns actions as rows of the actor's chain, for a store that appends them in the transaction of the actions
 * themselves. An actor whose subject_id is a UUID is that identity, as in an append. The pseudonyms in `forgotten` must
 * not get a mapping this way. Throws FormatError for an actor that is not a valid subject_id.
 */
export function selfAuditItem(
  { domainId, actor, pepper }: SelfAuditActor,
  actions: readonly SelfAuditAction[],
  forgotten: readonly string[] = [],
): AppendItem {
  const subjectPseudonym = pseudonym(pepper, actor)
  const genesis = genesisPseudonym(pepper)
  const isIdentity = isUuid(actor) && !forgotten.includes(subjectPseudonym)
  const subject = isIdentity ? { identityId: actor.toLowerCase() } : undefined
  const starts: [string, ChainStart][] =
    domainId === PLATFORM_ANCHOR ? [[domainId, { genesis: genesisRow(domainId, genesis) }]] : []
  return {
    rows: actions.map(
      (action): NewRow => ({ domainId, subjectPseudonym, ...action, ...SELF_AUDIT_FIELDS, subject }),
    ),
    genesisPseudonyms: new Map([[domainId, genesis]]),
    starts: new Map(starts),
  }
}
