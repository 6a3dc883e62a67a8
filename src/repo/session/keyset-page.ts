import type pg from 'pg'
import type { Client } from './database.js'

/** Turns a value into the SQL that represents it: a placeholder, or a literal. */
export type Bind = (value: unknown) => string

/** Returns the condition `expression = value`, or none for an absent value. */
export function equals(expression: string, value: unknown, bind: Bind): string[] {
  return value === undefined ? [] : [`${expression} = ${bind(value)}`]
}

export interface KeysetPage {
  /** `SELECT … FROM …`, without WHERE. */
  readonly select: string
  /** The conditions on a row, at least one. One of them excludes the keys of earlier pages. */
  readonly where: (bind: Bind) => readonly string[]
  /** The columns of the key, which is unique and never NULL. */
  readonly key: string
  readonly limit: number
}

/** Reads one page: the first `limit` rows that meet the conditions, in the order of their keys. */
export async function keysetPage<Row extends pg.QueryResultRow>(
  client: Client,
  { select, where, key, limit }: KeysetPage,
): Promise<Row[]> {
  const values: unknown[] = []
  const bind: Bind = (value) => `$${values.push(value)}`
  const conditions = where(bind).join(' AND ')
  const text = `${select} WHERE ${conditions} ORDER BY ${key} LIMIT ${bind(limit)}`
  return (await client.query<Row>(text, values)).rows
}
