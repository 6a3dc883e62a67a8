import { createHash } from 'node:crypto'
import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { packageFolder } from '../../src/base/package-folder.js'
import { downSql, knownMigrations, migrationsFolder } from '../../src/repo/schema/migrations-files.js'

const folder = migrationsFolder()
const files = readdirSync(folder).filter((file) => file.endsWith('.sql'))
const sums = readFileSync(join(folder, 'SHA256SUMS'), 'utf8')

/** A database keeps the hash of each file that it applied. An edited file would lock users out (schema_changed). */
describe('released migrations', () => {
  it('are listed in SHA256SUMS in the format of sha256sum, and nothing else is', () => {
    const line = (file: string) => {
      const hash = createHash('sha256').update(readFileSync(join(folder, file)))
      return `${hash.digest('hex')}  ${file}\n`
    }
    expect(sums).toBe(files.sort().map(line).join(''))
  })

  it('each have a down file, and share the folder with no other file', () => {
    const names = knownMigrations().flatMap(({ name }) => [`${name}.down.sql`, `${name}.sql`])
    expect(files.sort()).toEqual(names.sort())
    for (const migration of knownMigrations()) expect(downSql(migration)).toContain('feature_not_supported')
  })

  it('are ASCII, so that a server of any encoding can read the error about its encoding', () => {
    for (const file of files) expect(readFileSync(join(folder, file), 'utf8')).toMatch(/^[\n -~]*$/)
  })

  it('are found from any depth of the package', () => {
    expect(packageFolder(join(folder, '..', 'dist', 'src', 'repo'))).toBe(join(folder, '..'))
    expect(existsSync(folder)).toBe(true)
  })
})
