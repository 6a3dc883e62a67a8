import { chainObject, SELF_AUDIT } from '../chain/self-audit.js'
import type { NewRow } from '../ports/append.js'

/** The hashed fields that are the same in every row that the log appends about itself. */
export const SELF_AUDIT_FIELDS = {
  reason: 'granted',
  caveatContext: [],
  correlationId: '',
  zedtoken: '',
} as const

/** Returns the first row of a chain; `subjectPseudonym` is the genesisPseudonym of that chain's pepper. */
export function genesisRow(
  domainId: string,
  subjectPseudonym: string,
  relationPath: readonly string[] = [],
): NewRow {
  return chainCreateRow(domainId, subjectPseudonym, chainObject(domainId), relationPath)
}

/** Returns the row that records the creation of a chain, on the new chain itself and on the platform chain. */
export function chainCreateRow(
  domainId: string,
  subjectPseudonym: string,
  object: string,
  relationPath: readonly string[] = [],
): NewRow {
  return {
    domainId,
    subjectPseudonym,
    relation: SELF_AUDIT.chainCreate,
    object,
    relationPath,
    ...SELF_AUDIT_FIELDS,
  }
}
