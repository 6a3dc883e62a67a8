import pg from 'pg'
import { type AuditSink, type CreateSinkOptions, createSink } from '../../src/compose/create-sink.js'
import { testPepper, Writer } from './append-chains.js'
import { rowsOf, type TestDatabase, testDatabase } from './postgres.js'

/** The columns of a business table of a service, in a schema of its own. */
const BUSINESS = `CREATE SCHEMA shop; CREATE TABLE shop.orders (id text PRIMARY KEY, note text NOT NULL DEFAULT '')`

/** A service that keeps its own rows and the audit log in one database. */
export class Service {
  readonly #clients: pg.Client[] = []
  readonly #sinks: AuditSink[] = []

  private constructor(
    readonly database: TestDatabase,
    readonly writer: Writer,
  ) {}

  static async start(): Promise<Service> {
    const database = await testDatabase()
    await rowsOf(database.url, BUSINESS)
    return new Service(database, new Writer(database.url))
  }

  sink(options: Partial<CreateSinkOptions> = {}): AuditSink {
    const sink = createSink({ databaseUrl: this.database.url, pepper: testPepper(), ...options })
    this.#sinks.push(sink)
    return sink
  }

  /** Returns a connected client. `settings` are SQL that the session runs first. */
  async client(settings = ''): Promise<pg.Client> {
    const client = new pg.Client({ connectionString: this.database.url })
    client.on('error', () => undefined)
    await client.connect()
    this.#clients.push(client)
    if (settings !== '') await client.query(settings)
    return client
  }

  /** Returns `count` new Domains, in the order of their ids. */
  async domains(count: number): Promise<string[]> {
    const ids: string[] = []
    for (let i = 0; i < count; i += 1) ids.push(await this.writer.create())
    return ids.toSorted()
  }

  async orders(): Promise<unknown[]> {
    return (await rowsOf(this.database.url, 'SELECT id FROM shop.orders ORDER BY id')).map(({ id }) => id)
  }

  /** Ends the clients that the last test opened. */
  async endClients(): Promise<void> {
    for (const client of this.#clients.splice(0)) await client.end()
  }

  async stop(): Promise<void> {
    await this.endClients()
    for (const sink of this.#sinks) await sink.close()
    await this.writer.close()
    await this.database.drop()
  }
}

/** Returns an entry for chains. */
export function entryOf(domainIds: string | readonly string[], patch: Record<string, unknown> = {}) {
  return {
    subjectId: 'alice',
    relation: 'order.create',
    object: 'order:7',
    domainIds: [domainIds].flat(),
    ...patch,
  }
}
