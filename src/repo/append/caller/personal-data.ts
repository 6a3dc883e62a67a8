import { formatTimestamp } from '../../../chain/timestamp.js'
import type { PlacedRow, Placement } from '../append-placement.js'
import { arrayLiteral } from '../entry-columns.js'
import { insertContexts, notBlocked, upsertSubjects } from '../off-chain-sql.js'
import { EQ, type TableNames } from '../qualified-names.js'
import { mergedSubjects } from '../write-off-chain.js'
import { failing } from './failing.js'

/**
 * The personal data of a call, as JSON, from the parameter to the end of the write. PostgreSQL logs the text of a statement
 * that fails, but not its parameters, so no personal data is in a text. A setting carries it from the only statement that
 * has a parameter to the statements that must be one query: outside of the transaction, it has no effect.
 */
const NAME = 'audit.personal_data'

export interface PersonalData {
  /** The statement with one parameter, to be sent before the write. */
  readonly give: { readonly sql: string; readonly values: readonly [json: string] }
  /** The statements of the write. */
  readonly writes: readonly string[]
}

const GIVE = `SELECT pg_catalog.length(pg_catalog.set_config('${NAME}', $1, true))::pg_catalog.text`

/** Ends the setting, which otherwise lasts until the transaction ends. */
export const FORGET = `SELECT pg_catalog.to_json(pg_catalog.set_config('${NAME}', '', true))::pg_catalog.text`

/** Returns how the personal data of a placement is stored; undefined where it has none. */
export function personalData({ rows }: Placement, table: TableNames): PersonalData | undefined {
  const subjects = mergedSubjects(rows).map(subjectOf)
  const contexts = rows.filter(({ row }) => row.context !== undefined).map(contextOf)
  if (subjects.length + contexts.length === 0) return undefined
  const store = [
    ...storeAllowed('subjects', subjects.length, SUBJECT, upsertSubjects, table),
    ...storeAllowed('contexts', contexts.length, CONTEXT, insertContexts, table),
  ]
  return {
    give: { sql: GIVE, values: [asciiJson({ subjects, contexts })] },
    writes: [...store, FORGET],
  }
}

interface Columns {
  readonly table: string
  readonly definitions: string
}

const SUBJECT: Columns = {
  table: 'audit_subject_pii',
  definitions: `domain_id pg_catalog.uuid, subject pg_catalog.text, identity_id pg_catalog.uuid, plaintext pg_catalog.text,
    email pg_catalog.text, ip pg_catalog.text, claims pg_catalog.text, seen pg_catalog.text`,
}

function subjectOf({ entry, row: { subject } }: PlacedRow) {
  return {
    domain_id: entry.domainId,
    subject: entry.subjectPseudonym,
    identity_id: subject?.identityId,
    plaintext: subject?.plaintext,
    email: subject?.emailClaim,
    ip: subject?.sourceIp,
    claims: arrayLiteral(subject?.idpClaimNames ?? []),
    seen: formatTimestamp(entry.recordedAt),
  }
}

const CONTEXT: Columns = {
  table: 'audit_entry_context',
  definitions: `domain_id pg_catalog.uuid, seq bigint, ip pg_catalog.text, user_agent pg_catalog.text,
    metadata pg_catalog.text, subject pg_catalog.text`,
}

function contextOf({ entry, row: { context } }: PlacedRow) {
  return {
    domain_id: entry.domainId,
    seq: entry.seq,
    ip: context?.ip,
    user_agent: context?.userAgent,
    metadata: context?.metadata === undefined ? undefined : JSON.stringify(context.metadata),
    subject: entry.subjectPseudonym,
  }
}

/** Returns a statement that stores those rows of the setting whose subject is not blocked. It fails where rows are missing. */
function storeAllowed(
  field: string,
  rows: number,
  { table: name, definitions }: Columns,
  store: (given: string, table: TableNames) => string,
  table: TableNames,
): string[] {
  if (rows === 0) return []
  const count = (from: string) => `(SELECT pg_catalog.count(*) FROM ${from})`
  const isWhole = `${count('given')} ${EQ} ${rows} AND ${count('stored')} ${EQ} ${count('allowed')}`
  return [
    `WITH given AS MATERIALIZED (SELECT * FROM pg_catalog.json_to_recordset(pg_catalog.json_object_field(
        pg_catalog.current_setting('${NAME}')::pg_catalog.json, '${field}')) AS g(${definitions})),
      allowed AS MATERIALIZED (SELECT * FROM given AS r WHERE ${notBlocked(table)}),
      stored AS (${store('allowed', table)})
    SELECT ${failing(isWhole, name, count('stored'), count('allowed'))}`,
  ]
}

/** The driver sends UTF-8, which the client_encoding of the caller may not be. */
function asciiJson(value: unknown): string {
  return JSON.stringify(value).replaceAll(
    /[^ -~]/g,
    (unit) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, '0')}`,
  )
}
