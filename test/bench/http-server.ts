import { buildApp } from '../../src/http/app.js'
import { listen } from '../../src/http/connection/server.js'
import { postgresEntryReader } from '../../src/repo/query/entry-reader.js'
import { Database } from '../../src/repo/session/database.js'
import { PostgresSource } from '../../src/repo/verify/postgres-source.js'

/** Serves the HTTP surface for callers who may do everything, so that the cost of an authorizer is not measured. */
const [url = ''] = process.argv.slice(2)
const database = new Database(url, 10, { queryTimeout: 15_000 })
const nothing = () => undefined
const app = await buildApp({
  authenticator: {
    authenticate: async () => ({
      subject: 'user:bench',
      subjectId: 'bench',
      readOnly: false,
      hasOwnerKey: false,
    }),
  },
  authorizer: { check: async () => ({ allowed: true }) },
  erasePolicy: { isEraseOwnerOnly: async () => false },
  entries: postgresEntryReader(database),
  source: new PostgresSource(database, { share: 0.5 }),
  cursorKey: { cursorKey: async () => new Uint8Array(32) },
  integrity: { state: () => 'ready', report: nothing },
  denials: { add: nothing },
  log: { info: nothing, warn: nothing, error: (fields) => console.error(fields) },
  maxVerifies: 1,
})
const { url: address } = await listen(app, '127.0.0.1', 0)
console.log(address)
