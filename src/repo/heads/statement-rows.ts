import { LIMITS } from '../../chain/limits.js'
import type { LogRow } from '../../chain/log/log-rows.js'
import { SIGNED_RELATION } from '../../chain/log/signed-row.js'
import { PLATFORM_ANCHOR } from '../../chain/uuid.js'
import type { OtherRow, StatementRows } from '../../ports/log/heads.js'
import type { Client } from '../session/database.js'
import { WITHOUT_SORT } from '../signer/signed-rows.js'

const { checkpoint, logKey, signedOver } = SIGNED_RELATION
const ON_PLATFORM = `domain_id = '${PLATFORM_ANCHOR}'`
/** More bytes than the items of any signed row take. A row that was forced in may have more. */
const PATH_BYTES = 65_536

/** Most signed rows that are read of one relation. */
export const MOST_ROWS = 1_000

/** Selects the first or the last rows of one relation, by its index alone (repo/signer/signed-rows.ts). */
const rowsOf = (relation: string, order: 'ASC' | 'DESC', most: number) => `
  (SELECT seq, relation, object, relation_path FROM audit_log_entry
   WHERE ${ON_PLATFORM} AND relation >= '${relation}' AND relation <= '${relation}'
   ORDER BY relation ${order}, seq ${order} LIMIT ${most})`

const BY_SEQ = `
  (SELECT seq, relation, object, relation_path FROM audit_log_entry
   WHERE ${ON_PLATFORM} AND seq = ANY($2) AND relation = '${checkpoint}')`

/** Selects rows of all three relations, and the rows with the seqs $2. Only rows with an item that begins as $1 says have their items. */
const SELECTED = `
  SELECT e.seq, e.relation, e.object, CASE WHEN own.is THEN e.relation_path END AS path,
    left(e.relation_path[cardinality(e.relation_path)], 100) AS last
  FROM (
    ${rowsOf(logKey, 'ASC', MOST_ROWS / 2)} UNION ALL ${rowsOf(logKey, 'DESC', MOST_ROWS / 2)}
    UNION ALL ${rowsOf(checkpoint, 'DESC', MOST_ROWS)} UNION ALL ${rowsOf(signedOver, 'DESC', MOST_ROWS)}
    UNION ALL ${BY_SEQ}
  ) AS e
  CROSS JOIN LATERAL (
    SELECT coalesce(cardinality(e.relation_path) <= ${LIMITS.pathItems} AND pg_column_size(e.relation_path) <= ${PATH_BYTES}
      AND EXISTS (SELECT FROM unnest(e.relation_path) AS i, unnest($1::text[]) AS p WHERE starts_with(i, p)), false) AS is
  ) AS own`

interface SelectedRow {
  readonly seq: string
  readonly relation: string
  readonly object: string
  readonly path: readonly (string | null)[] | null
  readonly last: string | null
}

/** Reads signed rows with an item that begins as one of `prefixes`, and counts the others. `seqs` are more rows to look at. */
export async function statementRows(
  client: Client,
  prefixes: readonly string[],
  seqs: readonly number[],
): Promise<StatementRows> {
  await client.query(WITHOUT_SORT)
  const { rows } = await client.query<SelectedRow>(SELECTED, [prefixes, seqs])
  // A row may be among the first and the last ones of its relation, and among the named ones.
  const distinct = [...new Map(rows.map((row) => [`${row.seq} ${row.relation}`, row])).values()]
  const own = distinct.flatMap((row) => (row.path === null ? [] : [logRow(row, row.path)]))
  return { rows: own, others: counted(distinct.filter(({ path }) => path === null)) }
}

const WITH_HEAD = `
  SELECT seq, relation, object, relation_path AS path FROM audit_log_entry e
  WHERE ${ON_PLATFORM} AND relation >= '${checkpoint}' AND relation <= '${checkpoint}' AND seq BETWEEN $2 AND $3
    AND cardinality(relation_path) <= ${LIMITS.pathItems} AND pg_column_size(relation_path) <= ${PATH_BYTES}
    AND EXISTS (SELECT FROM unnest(relation_path) AS i WHERE starts_with(i, $1))
  ORDER BY relation, seq LIMIT 10000`

/** Reads the rows with an item that begins as `prefix`, from one seq to another. */
export async function rowsWithHead(
  client: Client,
  prefix: string,
  { from, to }: { readonly from: number; readonly to: number },
): Promise<LogRow[]> {
  await client.query(WITHOUT_SORT)
  const { rows } = await client.query<SelectedRow>(WITH_HEAD, [prefix, from, to])
  return rows.map((row) => logRow(row, row.path ?? []))
}

/** An owner of the table can store NULL in a list. Such a row is an ordinary row. */
function logRow({ seq, relation, object }: SelectedRow, path: readonly (string | null)[]): LogRow {
  const relationPath = path.every((item) => item !== null) ? path : []
  return { seq: Number(seq), relation, object, relationPath }
}

function counted(rows: readonly SelectedRow[]): OtherRow[] {
  const counts = new Map<string, OtherRow>()
  for (const { relation, last } of rows) {
    const lastItem = last ?? ''
    const key = `${relation} ${lastItem.slice(0, 'sig:00000000:'.length)}`
    counts.set(key, { relation, lastItem, rows: (counts.get(key)?.rows ?? 0) + 1 })
  }
  return [...counts.values()]
}
