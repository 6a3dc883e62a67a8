import { PLATFORM_ANCHOR } from '../chain/uuid.js'
import type { NewRow } from '../ports/append.js'

/** subject_id of every genesis row, so that the chain itself can check the pepper (format.md, "Pseudonym"). */
export const GENESIS_SUBJECT = 'system:audit'

export const CHAIN_CREATE = 'audit.chain-create'

/** The first row of a chain; `subjectPseudonym` is {@link GENESIS_SUBJECT}'s under that chain's pepper. */
export function genesisRow(
  domainId: string,
  subjectPseudonym: string,
  relationPath: readonly string[] = [],
): NewRow {
  const object = domainId === PLATFORM_ANCHOR ? 'platform:platform' : `domain:${domainId}`
  return chainCreateRow(domainId, subjectPseudonym, object, relationPath)
}

/** The row that says a chain was created: on the new chain itself, and on the platform chain. */
export function chainCreateRow(
  domainId: string,
  subjectPseudonym: string,
  object: string,
  relationPath: readonly string[] = [],
): NewRow {
  return {
    domainId,
    subjectPseudonym,
    relation: CHAIN_CREATE,
    object,
    reason: 'granted',
    relationPath,
    caveatContext: [],
    correlationId: '',
    zedtoken: '',
  }
}
