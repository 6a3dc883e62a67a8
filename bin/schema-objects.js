// Writes migrations/objects.json: every object that the migrations create, read from a database that they were applied to.
// `audit db status` compares a database with it. Does nothing while the migrations are those of the file. Not shipped.
import { createHash } from 'node:crypto'
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { ensureEmbedded, stopEmbedded } from '../dist/src/repo/embedded/embedded.js'
import { locateSchema } from '../dist/src/repo/schema/locate-schema.js'
import { migrate } from '../dist/src/repo/schema/migrate.js'
import { knownMigrations, migrationsFolder } from '../dist/src/repo/schema/migrations-files.js'
import { OBJECTS_FILE, schemaObjects } from '../dist/src/repo/schema/schema-objects.js'
import { Database } from '../dist/src/repo/session/database.js'

const path = join(migrationsFolder(), OBJECTS_FILE)
const hashes = knownMigrations().map(({ name, sha256 }) => `${sha256}  ${name}\n`)
const migrations = createHash('sha256').update(hashes.join('')).digest('hex')
if (!existsSync(path) || !readFileSync(path, 'utf8').includes(migrations)) await write()

async function write() {
  const home = mkdtempSync(join(tmpdir(), 'audit-objects-'))
  try {
    const { url } = await ensureEmbedded(home, { signal: new AbortController().signal })
    await migrate(url)
    const database = new Database(url, 1)
    const read = await database.withTransaction('BEGIN', async (client) => {
      await locateSchema(client)
      return schemaObjects(client)
    })
    await database.close()
    const objects = read.map(({ name, definition }) => [name, definition])
    writeFileSync(path, `${JSON.stringify({ migrations, objects: Object.fromEntries(objects) }, null, 2)}\n`)
  } finally {
    await stopEmbedded(home)
    rmSync(home, { recursive: true, force: true })
  }
}
