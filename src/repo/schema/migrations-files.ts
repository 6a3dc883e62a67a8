import { createHash } from 'node:crypto'
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { AuditError } from '../../base/errors.js'
import { packageFolder } from '../../base/package-folder.js'

/** One numbered file of migrations/. */
export interface Migration {
  readonly version: number
  /** The file name without `.sql`. */
  readonly name: string
  readonly sql: string
  /** The hash of the file's bytes, 64 lower-case hex digits. */
  readonly sha256: string
}

const UP_FILE = /^(\d{4})_[a-z0-9_]+\.sql$/

/**
 * Returns the migrations that this program knows, by version, from 1 without a gap. Throws `internal` when the package
 * lacks them. The folder is a parameter for tests only.
 */
export function knownMigrations(folder = migrationsFolder()): Migration[] {
  const migrations = readdirSync(folder).filter(isUpFile).sort().map(readMigration(folder))
  const dense = migrations.every(({ version }, i) => version === i + 1)
  if (dense && migrations.length > 0) return migrations
  throw new AuditError('internal', 'the files in migrations/ are not numbered 1, 2, 3 …')
}

/** Returns the SQL of a migration's down file. */
export function downSql({ name }: Migration, folder = migrationsFolder()): string {
  return readFileSync(join(folder, `${name}.down.sql`), 'utf8')
}

/** Returns the folder migrations/ of this package. */
export function migrationsFolder(): string {
  return join(packageFolder(), 'migrations')
}

function isUpFile(file: string): boolean {
  return UP_FILE.test(file)
}

function readMigration(folder: string): (file: string) => Migration {
  return (file) => {
    const bytes = readFileSync(join(folder, file))
    return {
      version: Number(file.slice(0, 4)),
      name: file.slice(0, -'.sql'.length),
      sql: bytes.toString('utf8'),
      sha256: createHash('sha256').update(bytes).digest('hex'),
    }
  }
}
