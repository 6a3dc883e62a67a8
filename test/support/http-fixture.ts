import { randomUUID } from 'node:crypto'
import type { InputEntry } from '../../src/append/input/input-line.js'
import type { Finding } from '../../src/chain/finding.js'
import { PLATFORM_ANCHOR } from '../../src/chain/uuid.js'
import { type AppOptions, buildApp } from '../../src/http/app.js'
import type { App } from '../../src/http/app-type.js'
import { type Listening, listen } from '../../src/http/connection/server.js'
import { Denials } from '../../src/http/denials/denials.js'
import type { HttpDeps } from '../../src/http/deps.js'
import type { IntegrityState } from '../../src/ports/integrity.js'
import { postgresQuarantine } from '../../src/repo/quarantine/quarantine.js'
import { postgresEntryReader } from '../../src/repo/query/entry-reader.js'
import { Database } from '../../src/repo/session/database.js'
import { PostgresSource } from '../../src/repo/verify/postgres-source.js'
import { Writer } from './append-chains.js'
import { type TestDatabase, testDatabase } from './postgres.js'
import { TestAccess } from './test-access.js'

export interface LogLine {
  readonly level: 'info' | 'warn' | 'error'
  readonly message: string
  readonly fields: Readonly<Record<string, unknown>>
}

type Injected = Awaited<ReturnType<App['inject']>>

export interface HttpFixtureOptions {
  /** Replacements for the fixture's ports. A function gets the URL of its database. */
  readonly deps?: Partial<HttpDeps> | ((url: string) => Promise<Partial<HttpDeps>>)
  readonly app?: AppOptions
  /** Rows of the Domain besides its genesis. */
  readonly rows?: number
  /** Maps the URL of the test's database to the URL that the server uses. */
  readonly through?: (url: string) => Promise<string>
  /** Denials are written when this resolves. Default: at once. */
  readonly denialsAfter?: Promise<void>
}

/** A server on a database of the test's own, with one Domain, and callers of every kind. */
export class HttpFixture {
  readonly access = new TestAccess()
  readonly lines: LogLine[] = []
  readonly reported: [domainId: string, findings: readonly Finding[]][] = []
  state: IntegrityState = 'ready'
  #listening: Listening | undefined

  private constructor(
    readonly database: TestDatabase,
    readonly writer: Writer,
    readonly served: Database,
    readonly domainId: string,
  ) {}

  app!: App
  denials!: Denials

  static async make(options: HttpFixtureOptions = {}): Promise<HttpFixture> {
    const database = await testDatabase()
    const writer = new Writer(database.url)
    const served = new Database((await options.through?.(database.url)) ?? database.url)
    const fixture = new HttpFixture(database, writer, served, await writer.create(randomUUID()))
    for (let row = 0; row < (options.rows ?? 0); row++) await writer.record(fixture.domainId)
    fixture.#addCallers()
    await fixture.#build(options)
    return fixture
  }

  /** Returns the URL of the server on a port of its own, for tests that need sockets. */
  async url(): Promise<string> {
    this.#listening ??= await listen(this.app, '127.0.0.1', 0)
    return this.#listening.url
  }

  drain(patience: number): Promise<void> {
    if (this.#listening === undefined) throw new Error('the server does not listen')
    return this.#listening.drain(patience)
  }

  /** Returns a path of the chain, or of the platform chain if `chain` is its anchor. */
  path(operation: string, chain = this.domainId): string {
    const base = chain === PLATFORM_ANCHOR ? '/v1/platform' : `/v1/domains/${chain}`
    return `${base}/audit/${operation}`
  }

  async ask(
    method: 'GET' | 'POST',
    url: string,
    options: { as?: string | undefined; body?: string; headers?: Record<string, string> } = {},
  ): Promise<Injected> {
    const { as = 'auditor', body, headers } = options
    return this.app.inject({
      method,
      url,
      headers: { ...(as !== '' && { authorization: `Bearer ${as}` }), ...headers },
      ...(body !== undefined && { payload: body }),
    })
  }

  async close(): Promise<void> {
    await (this.#listening?.drain(1_000) ?? this.app.close())
    await this.denials.close()
    await this.served.close()
    await this.writer.close()
    await this.database.drop()
  }

  #addCallers(): void {
    const { access, domainId } = this
    const domain = `domain:${domainId}` as const
    for (const name of ['auditor', 'admin', 'owner', 'member']) access.caller(name)
    access.grant('auditor', 'auditor', domain, 'platform:platform')
    access.grant('admin', 'manage', domain, 'platform:platform')
    access.grant('owner', 'manage', domain, 'platform:platform')
    access.caller('all', { subject: 'user:all' })
    access.grant('all', 'auditor', domain, 'platform:platform')
    access.grant('all', 'manage', domain, 'platform:platform')
    access.caller('read-only', { subject: 'user:all', readOnly: true })
    access.caller('owner-only', { subject: 'user:all', hasOwnerKey: true })
    access.caller('elsewhere', { subject: 'user:all', boundChain: `domain:${randomUUID()}` })
  }

  async #build({ deps, app, denialsAfter }: HttpFixtureOptions): Promise<void> {
    const line = (level: LogLine['level']) => (fields: LogLine['fields'], message: string) =>
      void this.lines.push({ level, message, fields })
    const log = { info: line('info'), warn: line('warn'), error: line('error') }
    const record = async (entry: InputEntry) => {
      await denialsAfter
      return this.writer.sink.record(entry)
    }
    this.denials = new Denials({ record, log })
    const all: HttpDeps = {
      authenticator: this.access,
      authorizer: this.access,
      erasePolicy: { isEraseOwnerOnly: async () => false },
      entries: postgresEntryReader(this.served),
      cursorKey: { cursorKey: async () => new Uint8Array(32).fill(7) },
      source: new PostgresSource(this.served),
      quarantine: postgresQuarantine(this.served),
      eraser: {
        erase: async () => ({ subjectPseudonym: 'ab'.repeat(32), erasedAt: 1_700_000_000_000_000n }),
      },
      integrity: {
        state: () => this.state,
        report: (domainId, findings) => void this.reported.push([domainId, findings]),
      },
      denials: this.denials,
      log,
      maxVerifies: 2,
      ...(typeof deps === 'function' ? await deps(this.database.url) : deps),
    }
    this.app = await buildApp(all, app)
  }
}
