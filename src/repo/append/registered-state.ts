import { AuditError } from '../../base/errors.js'
import { SELF_AUDIT } from '../../chain/self-audit.js'
import { PLATFORM_ANCHOR } from '../../chain/uuid.js'
import type { Appended, AppendItem, ChainStart, Placed } from '../../ports/append.js'
import { literalOrNull, quotedLiteral } from '../session/quoted-literal.js'
import { recordedAfter, type Written } from '../session/written.js'

/** A new Domain, and where the platform chain has its row. */
interface NewDomain {
  readonly id: string
  readonly registration: NonNullable<ChainStart['registration']>
  readonly platformRow?: Placed | undefined
}

/** Returns how to see that the new Domains of these items are registered, if there are any. */
export function registered(items: readonly AppendItem[], appended: readonly Appended[]): Written | undefined {
  const domains = items.flatMap(({ starts }, index) => {
    const outcome = appended[index]
    if (starts === undefined || starts.size === 0) return []
    if (outcome === undefined || outcome instanceof AuditError) return []
    const platformRow = outcome.find(({ domainId }) => domainId === PLATFORM_ANCHOR)
    return [...starts].flatMap(([id, { registration }]) =>
      registration === undefined ? [] : [{ id, registration, platformRow }],
    )
  })
  return domains.length === 0 ? undefined : inRegistry(domains)
}

/** Returns how to see that the registry has these Domains. No command removes one; a later one may name it anew. */
export function inRegistry(domains: readonly NewDomain[]): Written {
  return {
    what: `the registration of Domain ${domains.map(({ id }) => id).join(', ')}`,
    isThere: domains.map(hasDomain).join(' AND '),
    otherwise: 'the registry did not have it',
  }
}

function hasDomain({ id, registration: { name, mirrorUrl }, platformRow }: NewDomain): string {
  return `EXISTS (SELECT FROM audit_domain WHERE domain_id = '${id}'
    AND mirror_url IS NOT DISTINCT FROM ${literalOrNull(mirrorUrl)}
    AND (name = ${quotedLiteral(name)} OR ${recordedAfter(platformRow, SELF_AUDIT.domainName)}))`
}
