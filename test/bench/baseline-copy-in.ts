import pg from 'pg'
import { MAX_GROUP } from '../../src/append/sink.js'
import { DURABLE } from '../../src/repo/session/database.js'
import { copyIn } from '../../src/repo/wire/copy-in.js'
import { copyGroups, ROW_COLUMNS } from './copy-groups.js'

/**
 * Copies the rows of a chain into a table with the CHECKs, the primary key and the indexes of audit_log_entry, in
 * transactions of the size of append's. Prints the seconds from the first BEGIN to the last COMMIT.
 */
const [url = '', domainId = ''] = process.argv.slice(2)

const client = new pg.Client({ connectionString: url })
await client.connect()
await client.query('DROP TABLE IF EXISTS bench_copy_in')
await client.query('CREATE TABLE bench_copy_in (LIKE audit_log_entry INCLUDING ALL)')
const groups = await copyGroups(client, domainId, MAX_GROUP)
const begun = performance.now()
for (const group of groups) {
  await client.query(`BEGIN; ${DURABLE}`)
  await copyIn(client, `COPY bench_copy_in (${ROW_COLUMNS}) FROM STDIN (FORMAT binary)`, group)
  await client.query('COMMIT')
}
const seconds = (performance.now() - begun) / 1000
await client.query('DROP TABLE bench_copy_in')
await client.end()
console.log(seconds)
