import type pg from 'pg'
import { claimOfPath, type DomainClaims, NO_CLAIMS } from '../../base/domain-claims.js'
import type { StoredRow } from '../../chain/fold.js'
import { DOMAIN_PREFIX, SELF_AUDIT } from '../../chain/self-audit.js'
import { PLATFORM_ANCHOR } from '../../chain/uuid.js'
import type { Client } from '../session/database.js'
import { COPY_COLUMNS } from '../wire/copy-rows.js'
import { collectRows } from '../wire/row-stream.js'

/** The columns that {@link claimsColumns} selects. */
export interface ClaimsRow {
  readonly names: readonly (string | null)[]
  readonly urls: readonly (string | null)[]
  readonly genesis: readonly (string | null)[] | null
  readonly creation: readonly (string | null)[] | null
  readonly naming: readonly (string | null)[] | null
}

/** Returns the condition for rows of the platform chain about one Domain. `id` is an expression of type uuid. */
function aboutDomain(relation: string, id: string): string {
  return `domain_id = '${PLATFORM_ANCHOR}' AND relation = '${relation}' AND object = '${DOMAIN_PREFIX}' || ${id}::text`
}

/** Returns columns with everything that the records of a Domain claim. `id` is an expression of type uuid. */
export function claimsColumns(id: string): string {
  const registry = `FROM audit_domain c WHERE c.domain_id = ${id} ORDER BY c.name, c.mirror_url`
  return `
    ARRAY(SELECT c.name ${registry}) AS names,
    ARRAY(SELECT c.mirror_url ${registry}) AS urls,
    (SELECT relation_path FROM audit_log_entry WHERE domain_id = ${id} AND seq = 1 LIMIT 1) AS genesis,
    (SELECT relation_path FROM audit_log_entry WHERE ${aboutDomain(SELF_AUDIT.chainCreate, id)} ORDER BY seq LIMIT 1)
      AS creation,
    (SELECT relation_path FROM audit_log_entry WHERE ${aboutDomain(SELF_AUDIT.domainName, id)} ORDER BY seq DESC LIMIT 1)
      AS naming`
}

/** Returns the claims that {@link claimsColumns} selected. */
export function readClaims({ names, urls, genesis, creation, naming }: ClaimsRow): DomainClaims {
  return {
    registry: names.map((name, i) => ({ name: name ?? '', mirrorUrl: urls[i] ?? undefined })),
    genesis: genesis === null ? undefined : claimOfPath(genesis),
    creation: creation === null ? undefined : claimOfPath(creation),
    renamed: naming === null ? undefined : claimOfPath(naming).name,
  }
}

/** Returns what the records of a Domain claim, from one snapshot. */
export async function domainClaims(client: Client, domainId: string): Promise<DomainClaims> {
  const { rows } = await client.query<ClaimsRow>(`SELECT ${claimsColumns('$1::uuid')}`, [domainId])
  const [row] = rows
  return row === undefined ? NO_CLAIMS : readClaims(row)
}

/** Returns the rows that create a Domain, on its own chain and on the platform chain, for a caller that recomputes them. */
export async function creationRows(client: Client, domainId: string): Promise<readonly StoredRow[]> {
  const created = `${aboutDomain(SELF_AUDIT.chainCreate, `'${domainId}'::uuid`)} ORDER BY seq LIMIT 1`
  const own = await rowsWhere(client, domainId, `domain_id = '${domainId}' AND seq = 1 LIMIT 1`)
  return [...own, ...(await rowsWhere(client, PLATFORM_ANCHOR, created))]
}

/** Returns the first rows of the platform chain that create or name the given Domains, or any, for a caller that recomputes them. */
export async function namingRows(
  client: Client,
  domainIds: readonly string[] | undefined,
  limit: number,
): Promise<readonly StoredRow[]> {
  if (domainIds?.length === 0) return []
  const objects = domainIds?.map((id) => `'${DOMAIN_PREFIX}${id}'`).join(', ')
  const about = objects === undefined ? '' : ` AND object IN (${objects})`
  const relations = `'${SELF_AUDIT.chainCreate}', '${SELF_AUDIT.domainName}'`
  const condition = `domain_id = '${PLATFORM_ANCHOR}' AND relation IN (${relations})${about} ORDER BY seq LIMIT ${limit}`
  return rowsWhere(client, PLATFORM_ANCHOR, condition)
}

/** COPY takes no parameters, so the condition may only hold checked UUIDs. */
function rowsWhere(client: Client, chain: string, condition: string): Promise<StoredRow[]> {
  const copy = `COPY (SELECT ${COPY_COLUMNS} FROM audit_log_entry WHERE ${condition}) TO STDOUT (FORMAT binary)`
  return collectRows(client as pg.Client, copy, chain)
}
