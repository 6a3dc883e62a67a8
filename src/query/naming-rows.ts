import { AuditError } from '../base/errors.js'
import { decodeCanonical } from '../chain/canonical.js'
import type { StoredRow } from '../chain/fold.js'
import type { Hasher } from '../chain/hash.js'
import { domainOfObject, nameOfPath, SELF_AUDIT } from '../chain/self-audit.js'
import { isRecomputed } from '../verify/domain-conflicts.js'
import type { NamedDomain } from './choose-domain.js'

const NAMING: ReadonlySet<string> = new Set([SELF_AUDIT.chainCreate, SELF_AUDIT.domainName])

/** What a row of the platform chain says about the name of a Domain. */
export interface Naming {
  readonly domainId: string
  /** Absent in a row that creates a Domain without a name. */
  readonly name?: string | undefined
}

/** Returns what a row that creates or names a Domain says; undefined for any other row, and for one without readable bytes. */
export function namingOf({ canonical }: StoredRow): Naming | undefined {
  if (canonical === undefined) return undefined
  const { relation, object, relationPath } = decodeCanonical(canonical)
  const domainId = domainOfObject(object)
  if (domainId === undefined || !NAMING.has(relation)) return undefined
  return { domainId, name: nameOfPath(relationPath) }
}

/**
 * Returns the Domains with a doubt where one of these rows, which create and name them, does not recompute. A row without
 * readable bytes may be about any of them.
 */
export function withDamage(
  domains: readonly NamedDomain[],
  rows: readonly StoredRow[],
  hasher: Hasher,
): NamedDomain[] {
  const damaged = rows.filter((row) => !isRecomputed(row, hasher))
  const seqs = new Map(damaged.map((row) => [namingOf(row)?.domainId, row.seq]))
  return domains.map((domain) => {
    const seq = seqs.get(domain.domainId) ?? seqs.get(undefined)
    return seq === undefined ? domain : { ...domain, doubt: domain.doubt ?? damage(seq, domain.domainId) }
  })
}

function damage(seq: number, domainId: string): AuditError {
  return new AuditError(
    'chain_conflict',
    `row ${seq} of the platform chain names Domain ${domainId} and does not recompute`,
    { advice: { code: 'verify_creation', domainId } },
  )
}
