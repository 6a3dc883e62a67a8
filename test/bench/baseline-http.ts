import Fastify from 'fastify'
import pg from 'pg'
import { getEntries } from '../../src/repo/query/get-entry.js'
import { listEntries } from '../../src/repo/query/list-entries.js'
import type { Client } from '../../src/repo/session/database.js'

/** Serves bare routes that run the statements of list and get and send the raw rows. */
const [url = '', domainId = ''] = process.argv.slice(2)
const pool = new pg.Pool({ connectionString: url, max: 10 })

/** The product's own statement, not a copy. */
async function statement(
  run: (client: Client) => Promise<unknown>,
): Promise<{ text: string; values: unknown[] }> {
  const seen: { text: string; values: unknown[] }[] = []
  const spy = {
    query: async (text: string, values: unknown[]) => {
      seen.push({ text, values })
      return { rows: [] }
    },
  }
  await run(spy as unknown as Client)
  const [first] = seen
  if (first === undefined) throw new Error('no statement was run')
  return first
}

const list = await statement((client) => listEntries(client, domainId, {}, { after: 0, limit: 51 }))
const get = await statement((client) => getEntries(client, domainId, 1))
const app = Fastify()
app.get('/entries', async (request) => {
  const { after = 0 } = request.query as { after?: string }
  const [domain, , ...rest] = list.values
  return (await pool.query(list.text, [domain, Number(after), ...rest])).rows
})
app.get('/entries/:seq', async (request) => {
  const { seq } = request.params as { seq: string }
  return (await pool.query(get.text, [domainId, Number(seq)])).rows
})
console.log(await app.listen({ host: '127.0.0.1', port: 0 }))
