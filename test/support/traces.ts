import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { decompress } from '@mongodb-js/zstd'
import { rowsOf } from './postgres.js'

/** Every table of the schema, ours or not. */
async function tablesOf(url: string): Promise<string[]> {
  const rows = await rowsOf(
    url,
    `SELECT c.oid::regclass::text AS name FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
     WHERE c.relkind IN ('r', 'm', 'p') AND n.nspname = 'public' ORDER BY 1`,
  )
  return rows.map(({ name }) => String(name))
}

/**
 * Which tables hold which of the texts, as `table: text`: in any column, whatever the case, and in the bytes of a binary
 * one. Each row is read as Postgres writes it out, as a dump would.
 */
export async function tracesInTables(
  url: string,
  texts: readonly string[],
  except: readonly string[] = [],
): Promise<string[]> {
  const found: string[] = []
  for (const table of (await tablesOf(url)).filter((name) => !except.includes(name))) {
    const rows = await rowsOf(
      url,
      `WITH dumped AS MATERIALIZED (SELECT lower(t::text) AS line FROM ${table} t)
       SELECT sought FROM unnest($1::text[]) AS sought
       WHERE EXISTS (SELECT FROM dumped WHERE strpos(line, lower(sought)) > 0
         OR strpos(line, encode(convert_to(sought, 'UTF8'), 'hex')) > 0)`,
      [texts],
    )
    found.push(...rows.map(({ sought }) => `${table}: ${sought}`))
  }
  return found
}

/** The files below a directory, those of a mirror decompressed, as `name` to text. */
export async function filesBelow(dir: string): Promise<Map<string, string>> {
  const files = new Map<string, string>()
  for (const entry of readdirSync(dir, { recursive: true, withFileTypes: true })) {
    if (!entry.isFile()) continue
    const path = join(entry.parentPath, entry.name)
    const bytes = readFileSync(path)
    const content = path.endsWith('.zst') ? await decompress(bytes) : bytes
    // canonical_bytes stand in the object as base64: what they hold must not hide there.
    files.set(path, `${content.toString('latin1')}\n${decoded(content.toString('latin1'))}`)
  }
  return files
}

function decoded(json: string): string {
  const base64 = /"canonical_bytes":"([^"]*)"/.exec(json)?.[1] ?? ''
  return Buffer.from(base64, 'base64').toString('latin1')
}

/** Which of several named texts hold which of the given ones, whatever the case. */
export function tracesIn(named: ReadonlyMap<string, string>, texts: readonly string[]): string[] {
  const found: string[] = []
  for (const [name, content] of named) {
    const folded = content.toLowerCase()
    for (const text of texts) if (folded.includes(text.toLowerCase())) found.push(`${name}: ${text}`)
  }
  return found
}
