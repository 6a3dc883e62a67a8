import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { decompress } from '@mongodb-js/zstd'
import { rowsOf } from './postgres.js'

/** Returns every table of the schema `public`, ours or not. */
async function tablesOf(url: string): Promise<string[]> {
  const rows = await rowsOf(
    url,
    `SELECT c.oid::regclass::text AS name FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
     WHERE c.relkind IN ('r', 'm', 'p') AND n.nspname = 'public' ORDER BY 1`,
  )
  return rows.map(({ name }) => String(name))
}

/**
 * Returns which tables hold which of the texts, as `table: text`. Searches every column, ignores case, and searches the
 * bytes of binary columns. Reads each row as Postgres prints it, like a dump.
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

/** Returns the files below a directory, by name, as text. Decompresses the objects of a mirror. */
export async function filesBelow(dir: string): Promise<Map<string, string>> {
  const files = new Map<string, string>()
  for (const entry of readdirSync(dir, { recursive: true, withFileTypes: true })) {
    if (!entry.isFile()) continue
    const path = join(entry.parentPath, entry.name)
    const bytes = readFileSync(path)
    const content = path.endsWith('.zst') ? await decompress(bytes) : bytes
    // Decode canonical_bytes too, which are base64 in the object.
    files.set(path, `${content.toString('latin1')}\n${decoded(content.toString('latin1'))}`)
  }
  return files
}

function decoded(json: string): string {
  const base64 = /"canonical_bytes":"([^"]*)"/.exec(json)?.[1] ?? ''
  return Buffer.from(base64, 'base64').toString('latin1')
}

/** Returns which of several named texts hold which of the given ones, ignoring case. */
export function tracesIn(named: ReadonlyMap<string, string>, texts: readonly string[]): string[] {
  const found: string[] = []
  for (const [name, content] of named) {
    const folded = content.toLowerCase()
    for (const text of texts) if (folded.includes(text.toLowerCase())) found.push(`${name}: ${text}`)
  }
  return found
}
