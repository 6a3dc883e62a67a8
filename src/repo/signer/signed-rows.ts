import { LIMITS } from '../../chain/limits.js'
import { DOMAIN_OBJECT_PATTERN, DOMAIN_PREFIX, PLATFORM_OBJECT, SELF_AUDIT } from '../../chain/self-audit.js'
import { PLATFORM_ANCHOR } from '../../chain/uuid.js'
import type { StoredSignedRow } from '../../ports/signer.js'
import { flatArray } from '../query/entry-row.js'
import type { Client } from '../session/database.js'

/** More bytes than the items of the largest signed row take, which has 13,020 canonical bytes (tlog.md, section 4). */
const ITEM_BYTES = 16_384

/** True for a row that can be a signed row. Every role that may append can write any number of other rows with these relations. */
const CAN_BE_SIGNED = `object = '${PLATFORM_OBJECT}' AND cardinality(relation_path) <= ${LIMITS.pathItems}
    AND starts_with(relation_path[cardinality(relation_path)], 'sig:')
    AND octet_length(array_to_string(relation_path, '')) <= ${ITEM_BYTES}`

/**
 * Reads the index of the relations backwards from its end, and no more rows than it returns. The two bounds mean equality.
 * With an equality the order would be that of the primary key too, and PostgreSQL could look for a rare relation through a
 * million rows of others. Without a sort no other index has the order.
 */
export const SIGNED = `
  SELECT seq, relation, object, ${flatArray('relation_path')} AS relation_path FROM audit_log_entry
  WHERE domain_id = '${PLATFORM_ANCHOR}' AND relation >= $1 AND relation <= $1 AND ${CAN_BE_SIGNED}
  ORDER BY relation DESC, seq DESC LIMIT $2`

interface SignedRowRow {
  readonly seq: string
  readonly relation: string
  readonly object: string | null
  readonly relation_path: (string | null)[] | null
}

export const WITHOUT_SORT = 'SET LOCAL enable_sort = off'

/** Implements SignerStore.signedRows. A row that cannot be a signed row is left out. */
export async function signedRows(
  client: Client,
  relation: string,
  newest: number | undefined,
): Promise<StoredSignedRow[]> {
  await client.query(WITHOUT_SORT)
  const { rows } = await client.query<SignedRowRow>(SIGNED, [relation, newest ?? null])
  return rows.reverse().flatMap(({ seq, relation, object, relation_path: path }) => {
    const relationPath = path?.filter((item) => item !== null)
    if (object === null || relationPath === undefined || relationPath.length !== path?.length) return []
    return [{ seq: Number(seq), relation, object, relationPath }]
  })
}

/** A Domain may have several such rows: a restore appends another one. */
const CREATED = `
  SELECT substr(object, ${DOMAIN_PREFIX.length + 1}) AS id FROM audit_log_entry
  WHERE domain_id = '${PLATFORM_ANCHOR}' AND relation = '${SELF_AUDIT.chainCreate}' AND object ~ '${DOMAIN_OBJECT_PATTERN}'
  UNION SELECT '${PLATFORM_ANCHOR}' WHERE EXISTS (SELECT FROM audit_log_entry WHERE domain_id = '${PLATFORM_ANCHOR}')
  ORDER BY id`

/** Implements SignerStore.createdChains. */
export async function createdChains(client: Client): Promise<string[]> {
  return (await client.query<{ id: string }>(CREATED)).rows.map(({ id }) => id)
}
