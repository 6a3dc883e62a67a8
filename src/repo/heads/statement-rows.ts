import { LIMITS } from '../../chain/limits.js'
import type { LogRow } from '../../chain/log/log-rows.js'
import { SIGNED_RELATION } from '../../chain/log/signed-row.js'
import { TextRow } from '../../chain/log/text-row.js'
import { PLATFORM_ANCHOR } from '../../chain/uuid.js'
import type { NamedHead, OtherRow, StatementRows } from '../../ports/log/heads.js'
import type { Client } from '../session/database.js'
import { WITHOUT_SORT } from '../signer/signed-rows.js'

const { checkpoint, logKey, signedOver } = SIGNED_RELATION
const ON_PLATFORM = `domain_id = '${PLATFORM_ANCHOR}'`
/** More bytes than the items of any signed row take. A row that was forced in may have more. */
const PATH_BYTES = 65_536

/** Most rows of one relation that are looked at before a filter: they are counted. */
export const MOST_ROWS = 1_000
/** Most rows of keys, and most rows about holes, that are read of those that name a chain of the run. */
const [MOST_KEYS, MOST_HOLES] = [50_000, 10_000]

/** Selects the first or the last rows of one relation, by its index alone (repo/signer/signed-rows.ts). */
const rowsOf = (relation: string, order: 'ASC' | 'DESC', most: number) => `
  (SELECT seq, relation, object, relation_path FROM audit_log_entry
   WHERE ${ON_PLATFORM} AND relation >= '${relation}' AND relation <= '${relation}'
   ORDER BY relation ${order}, seq ${order} LIMIT ${most})`

/** Selects the first rows of one relation with an item that begins with a text of $1. Other rows that somebody appended do not count. */
const ownRowsOf = (relation: string, most: number) => `
  (SELECT seq, relation, object, relation_path FROM audit_log_entry
   WHERE ${ON_PLATFORM} AND relation >= '${relation}' AND relation <= '${relation}' AND EXISTS (
     SELECT FROM unnest(relation_path) AS item JOIN unnest($1::text[]) AS p ON starts_with(item, p))
   ORDER BY relation, seq LIMIT ${most})`

/** Rows of one page. A row has at most 13 KB. */
const PAGE_ROWS = 500

const BY_SEQ = `
  (SELECT seq, relation, object, relation_path FROM audit_log_entry
   WHERE ${ON_PLATFORM} AND seq = ANY($2) AND relation = '${checkpoint}')`

/** The items of a row as lines, where they are a list with no more bytes than a signed row has; NULL otherwise. */
const LINES = `
  SELECT CASE WHEN array_ndims(e.relation_path) = 1 AND cardinality(e.relation_path) <= ${LIMITS.pathItems} AND pg_column_size(e.relation_path) <= ${PATH_BYTES}
    THEN array_to_string(e.relation_path, E'\\n') END AS text OFFSET 0`

/** Selects rows of all three relations, and the rows with the seqs $2. Only rows that contain a text of $1 have their items. */
const SELECTED = `
  SELECT e.seq, e.relation, e.object, cardinality(e.relation_path) AS count,
    CASE WHEN EXISTS (SELECT FROM unnest($1::text[]) AS p WHERE strpos(lines.text, p) > 0) THEN lines.text END AS text,
    left(e.relation_path[cardinality(e.relation_path)], 100) AS last
  FROM (
    ${rowsOf(logKey, 'ASC', MOST_ROWS / 2)} UNION ALL ${rowsOf(logKey, 'DESC', MOST_ROWS / 2)}
    UNION ALL ${rowsOf(checkpoint, 'DESC', MOST_ROWS)} UNION ALL ${rowsOf(signedOver, 'DESC', MOST_ROWS)}
    UNION ALL ${ownRowsOf(logKey, MOST_KEYS)} UNION ALL ${ownRowsOf(signedOver, MOST_HOLES)}
    UNION ALL ${BY_SEQ}
  ) AS e
  CROSS JOIN LATERAL (${LINES}) AS lines`

interface SelectedRow {
  readonly seq: string
  readonly relation: string
  readonly object: string
  readonly count: number | null
  readonly text: string | null
  readonly last: string | null
}

/** Reads signed rows that contain one of `texts`, and counts the others. `more`: seqs of more rows, or heads that the index names. */
export async function statementRows(
  client: Client,
  texts: readonly string[],
  more: { readonly seqs?: readonly number[]; readonly named?: readonly NamedHead[] },
): Promise<StatementRows> {
  const { named = [] } = more
  const seqs = [...new Set([...(more.seqs ?? []), ...named.map(({ seq }) => seq)])]
  await client.query(WITHOUT_SORT)
  const { rows } = await client.query<SelectedRow>(SELECTED, [texts, seqs])
  // A row may be among the first and the last ones of its relation, and among the named ones.
  const distinct = [...new Map(rows.map((row) => [`${row.seq} ${row.relation}`, row])).values()]
  const own = distinct.flatMap((row) => (row.text === null ? [] : [textRow(row, row.text)]))
  const holes = own.filter(({ relation }) => relation === signedOver).length
  const others = counted(distinct.filter(({ text }) => text === null))
  return { rows: own, others, named, headsFrom: headsFrom(distinct), areHolesKnown: holes < MOST_HOLES }
}

/** Returns the seq from which on all rows with heads were looked at. */
function headsFrom(rows: readonly SelectedRow[]): number {
  const seqs = rows.filter(({ relation }) => relation === checkpoint).map(({ seq }) => Number(seq))
  return seqs.sort((one, other) => other - one)[MOST_ROWS - 1] ?? 1
}

const WITH_HEAD = `
  SELECT e.seq, e.relation, e.object, cardinality(e.relation_path) AS count, lines.text
  FROM audit_log_entry AS e CROSS JOIN LATERAL (${LINES}) AS lines
  WHERE ${ON_PLATFORM} AND relation >= '${checkpoint}' AND relation <= '${checkpoint}' AND seq BETWEEN $2 AND $3
    AND strpos(lines.text, $1) > 0
  ORDER BY relation, seq LIMIT 10000`

/** Reads the rows that contain `text`, from one seq to another. */
export async function rowsWithHead(
  client: Client,
  text: string,
  { from, to }: { readonly from: number; readonly to: number },
): Promise<LogRow[]> {
  await client.query(WITHOUT_SORT)
  const { rows } = await client.query<SelectedRow>(WITH_HEAD, [text, from, to])
  return rows.map((row) => textRow(row, row.text ?? ''))
}

/** The two bounds are compared as pairs, so that the index of the relations begins and ends at them. */
const PAGE = `
  SELECT e.seq, e.relation, e.object, cardinality(e.relation_path) AS count, lines.text
  FROM audit_log_entry AS e CROSS JOIN LATERAL (${LINES}) AS lines
  WHERE ${ON_PLATFORM} AND (relation, seq) > ('${checkpoint}', $2) AND (relation, seq) < ('${checkpoint}', $3)
    AND strpos(lines.text, $1) > 0
  ORDER BY relation DESC, seq DESC LIMIT ${PAGE_ROWS}`

/** Passes the rows that contain `text` between two seqs to `take`, newest first, some at a time. */
export async function pagesOfHeads(
  client: Client,
  text: string,
  { above, below }: { readonly above: number; readonly below: number },
  take: (rows: readonly LogRow[]) => void,
): Promise<void> {
  await client.query(WITHOUT_SORT)
  for (let before = below; before > above + 1; ) {
    const { rows } = await client.query<SelectedRow>(PAGE, [text, above, before])
    take(rows.map((row) => textRow(row, row.text ?? '')))
    if (rows.length < PAGE_ROWS) return
    before = Number(rows.at(-1)?.seq)
  }
}

/** A list with a NULL has fewer lines than items, so that the row is an ordinary row. */
function textRow({ seq, relation, object, count }: SelectedRow, text: string): LogRow {
  return new TextRow(Number(seq), relation, object, text, count ?? 0)
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
