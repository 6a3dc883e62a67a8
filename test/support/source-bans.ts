import { readSource } from './imports.js'

/** A form of code that only some areas may have, with sources that it must find and sources that only resemble them. */
export interface Ban {
  readonly name: string
  readonly pattern: RegExp
  /** The areas, or the files, that may have it. */
  readonly except: readonly string[]
  readonly bad: readonly string[]
  readonly good: readonly string[]
}

interface Manifest {
  readonly commands: Readonly<Record<string, { readonly flags: Readonly<Record<string, unknown>> }>>
}
const { commands } = JSON.parse(readSource('oclif.manifest.json')) as Manifest
const FLAGS = [...new Set(Object.values(commands).flatMap(({ flags }) => Object.keys(flags)))].join('|')
const COMMANDS = Object.keys(commands)
  .map((id) => id.replaceAll(':', '\\s+'))
  .join('|')

const SQL_STATEMENTS = [
  'SELECT\\s+(?:\\*|\\d|\\w+\\(|\\w+(?:,|\\s+AS\\s)|[^;]{0,500}?\\bFROM\\s)',
  'WITH\\s+(?:RECURSIVE\\s+)?\\w+\\s*(?:\\([^)]*\\)\\s*)?AS\\s+(?:(?:NOT\\s+)?MATERIALIZED\\s+)?\\(',
  'INSERT\\s+INTO\\s',
  'UPDATE\\s+\\w+\\s+SET\\s',
  'DELETE\\s+FROM\\s',
  'TRUNCATE\\s+\\w',
  '(?:CREATE|ALTER|DROP|LOCK)\\s+TABLE\\s',
  'COPY\\s+\\w+\\s*(?:\\([^)]*\\)\\s*)?(?:FROM|TO)\\s+STD(?:IN|OUT)\\b',
  'SET\\s+(?:LOCAL|SESSION)\\s',
  'BEGIN\\s+ISOLATION\\s',
]

/** What is before a statement. A word, as in `EXPLAIN SELECT`, ends with white space. */
const BEFORE_SQL = '[\'"`(;\\s]'

export const BANS: readonly Ban[] = [
  {
    name: 'SQL',
    pattern: new RegExp(`${BEFORE_SQL}(?:${SQL_STATEMENTS.join('|')})`, 'i'),
    except: ['repo'],
    bad: [
      "query('SELECT 1')",
      "query('select * from audit_log_entry')",
      'query(`\n  select\n    seq, entry_hash\n  from audit_log_entry`)',
      'query(`WITH rows AS (SELECT 1) SELECT * FROM rows`)',
      'query(`with recursive a(b) as materialized (select 1)`)',
      'query(`DELETE\nFROM audit_log_entry`)',
      "query('SELECT seq, ' + columns)",
      "query('EXPLAIN SELECT seq, ' +\n  'entry_hash FROM audit_log_entry')",
      "query('insert into a values (1)')",
      'query(`update a\nset b = 1`)',
      "query('begin isolation level serializable')",
      "query('copy audit_log_entry (seq) from stdin')",
    ],
    good: [
      "summary: 'select rows with this subject'",
      "throw damaged('with the last row as it was')",
      "message: 'set the pepper; delete the file'",
      'selectFrom(rows, update)',
    ],
  },
  {
    name: 'words of the command line',
    pattern: new RegExp(`(?<![\\w-])--(?:${FLAGS})(?![\\w-])|\\baudit\\s+(?:${COMMANDS})\\b`),
    except: ['commands', 'cli', 'library'],
    bad: [
      "'give --pepper'",
      "'run: audit verify'",
      "'run: audit  verify'",
      '`run: audit\n  verify`',
      '`audit db  status`',
      "['--home', dir]",
    ],
    good: ["['--no-sync', dir]", "'AUDIT_HOME'", "'the audit log'", '/* --home */', '// audit verify'],
  },
  {
    name: 'a re-export',
    pattern: /\bexport\s+(?:type\s+)?[*{]/,
    except: ['library'],
    bad: [
      "export * from './a.js'",
      "export * as a from './a.js'",
      "export type { A } from './a.js'",
      "export {\n  a,\n} from './a.js'",
      "import { a } from './a.js'\nexport { a }",
      "import type { A } from './a.js'\nexport type { A }",
    ],
    good: ["export const a = { from: 'b' }", 'export type A = { from: string }', 'export interface B {}'],
  },
  {
    name: 'a module that is loaded by require',
    pattern: /\bcreateRequire\b|(?<![.\w])require\s*\(/,
    except: ['src/repo/embedded/binaries.ts'],
    bad: [
      "createRequire(import.meta.url)('../repo/session/database.js')",
      "import { createRequire as load } from 'node:module'",
      "require('pg')",
    ],
    good: ['z.required()', 'this.require(id)', 'requireOwner(id)'],
  },
]

/** The features return times as bigint microseconds, and the edges write them as text. */
export const FORMATTED_TIME: Ban = {
  name: 'a time that is formatted as text',
  pattern: /\.to(?:ISO|UTC|Date|Time|Locale(?:Date|Time)?)String\b/,
  except: [],
  bad: ['{ detectedAt: new Date().toISOString() }', 'date.toISOString?.()', 'at.toUTCString()'],
  good: ['hash.toString()', 'formatTimestamp(recordedAt)', '// toISOString is slow'],
}
