import pg from 'pg'
import { copyOut } from '../../src/repo/wire/copy-out.js'
import { COPY_COLUMNS } from '../../src/repo/wire/copy-rows.js'

/** `COPY … TO STDOUT (FORMAT binary)` of the columns that verify reads, and drops every chunk. */
const [url = '', domainId = ''] = process.argv.slice(2)
const READY = Buffer.from([0x5a, 0, 0, 0, 5])

const client = new pg.Client({ connectionString: url })
await client.connect()
await client.query('SET enable_sort = off')
let ready: (rest: Buffer) => void = () => undefined
const done = new Promise<Buffer>((resolve) => {
  ready = resolve
})
await copyOut(
  client,
  `COPY (SELECT ${COPY_COLUMNS} FROM audit_log_entry WHERE domain_id = '${domainId}' ORDER BY seq) TO STDOUT (FORMAT binary)`,
  {
    done,
    push(chunk) {
      const end = chunk.subarray(-6)
      if (end.subarray(0, 5).equals(READY)) ready(end)
    },
  },
)
await client.end()
