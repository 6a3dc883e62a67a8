import { AuditError } from '../../base/errors.js'
import { SELF_AUDIT } from '../../chain/self-audit.js'
import { PLATFORM_ANCHOR } from '../../chain/uuid.js'
import type { AppendItem, Placed } from '../../ports/append.js'
import type { DomainNames } from '../../ports/domains.js'
import type { Client, Database } from '../session/database.js'
import { quotedLiteral } from '../session/quoted-literal.js'
import { recordedAfter, type Written, withheld, written } from '../session/written.js'
import { appendUnderLocks } from './append.js'
import { underLocks } from './under-locks.js'

const RENAME = 'UPDATE audit_domain SET name = $2 WHERE domain_id = $1'

const IS_REGISTERED = 'SELECT EXISTS (SELECT FROM audit_domain WHERE domain_id = $1) AS registered'

/** Names Domains in PostgreSQL. Implements DomainNames. */
export function postgresDomainNames(database: Database): DomainNames {
  return { rename: (domainId, name, selfAudit) => rename(database, domainId, name, selfAudit) }
}

/** A crash before COMMIT leaves the old name and no row. The lock of the platform chain orders two names of one Domain. */
function rename(database: Database, domainId: string, name: string, selfAudit: AppendItem): Promise<Placed> {
  const use = async (client: Client) => {
    const { rows } = await client.query<{ registered: boolean }>(IS_REGISTERED, [domainId])
    if (rows[0]?.registered !== true) throw noDomain(domainId)
    const { rowCount } = await client.query(RENAME, [domainId, name])
    if (rowCount !== 1) throw withheld(`the name of Domain ${domainId}`)
    const [row] = await appendUnderLocks(client, selfAudit)
    if (row === undefined) throw new AuditError('internal', 'a self-audit row was not placed')
    return row
  }
  return underLocks(
    database,
    [PLATFORM_ANCHOR],
    use,
    written((row) => named(domainId, name, row)),
  )
}

/** Another program may have named the Domain between COMMIT and the look. */
function named(domainId: string, name: string, row: Placed): Written {
  return {
    what: `the name of Domain ${domainId}`,
    isThere: `${recordedAfter(row, SELF_AUDIT.domainName)} OR EXISTS (
      SELECT FROM audit_domain WHERE domain_id = '${domainId}' AND name = ${quotedLiteral(name)})`,
    otherwise: 'the Domain had another one',
  }
}

function noDomain(domainId: string): AuditError {
  return new AuditError('domain_not_found', `there is no Domain ${domainId}`, {
    advice: { code: 'list_domains' },
  })
}
