import { createHash } from 'node:crypto'
import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { packageFolder } from '../../src/base/package-folder.js'
import { downSql, knownMigrations, migrationsFolder } from '../../src/repo/schema/migrations-files.js'

const folder = migrationsFolder()
const files = readdirSync(folder).filter((file) => file.endsWith('.sql'))
const sums = readFileSync(join(folder, 'SHA256SUMS'), 'utf8')

/** Databases remember the hash of the file that made them: an edited one would lock its users out (schema_changed). */
describe('landed migrations are locked', () => {
  it('SHA256SUMS lists exactly the files, as sha256sum writes it', () => {
    const line = (file: string) => {
      const hash = createHash('sha256').update(readFileSync(join(folder, file)))
      return `${hash.digest('hex')}  ${file}\n`
    }
    expect(sums).toBe(files.sort().map(line).join(''))
  })

  it('every migration has its way down, and no other file is there', () => {
    const names = knownMigrations().flatMap(({ name }) => [`${name}.down.sql`, `${name}.sql`])
    expect(files.sort()).toEqual(names.sort())
    for (const migration of knownMigrations()) expect(downSql(migration)).toContain('feature_not_supported')
  })

  it('the files are ASCII, so that a server of any encoding can read the refusal of its encoding', () => {
    for (const file of files) expect(readFileSync(join(folder, file), 'utf8')).toMatch(/^[\n -~]*$/)
  })

  it('the folder is found from any depth of the package', () => {
    expect(packageFolder(join(folder, '..', 'dist', 'src', 'repo'))).toBe(join(folder, '..'))
    expect(existsSync(folder)).toBe(true)
  })
})
