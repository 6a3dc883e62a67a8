import { randomUUID } from 'node:crypto'
import type { Divergence } from '../../src/ports/alerts.js'
import type { EntrySource, ScanRequest } from '../../src/ports/verify.js'
import { Probe, type ProbeDeps } from '../../src/reconcile/probe.js'
import { postgresQuarantine } from '../../src/repo/quarantine/quarantine.js'
import { postgresQuarantineOverview } from '../../src/repo/quarantine/quarantine-overview.js'
import { postgresReconcile } from '../../src/repo/reconcile/reconcile.js'
import { Database } from '../../src/repo/session/database.js'
import { PostgresSource } from '../../src/repo/verify/postgres-source.js'
import { Writer } from './append-chains.js'
import { asSuperuser, rowsOf, type TestDatabase, testDatabase } from './postgres.js'

export interface ProbeLine {
  readonly level: 'info' | 'error'
  readonly message: string
  readonly fields: Readonly<Record<string, unknown>>
}

/** One running probe, and a record of its work. */
export interface Running {
  readonly probe: Probe
  readonly scans: ScanRequest[]
  readonly lines: ProbeLine[]
  /** The alerts that the probe raised. */
  readonly alerts: Divergence[]
  /** The number of reads of the quarantine that started when a record already had an acknowledgement stamp. */
  readsWithStamp: number
  close(): Promise<void>
}

const SETTINGS = { every: 100, fullEvery: 3_600_000, concurrency: 2, patience: 10_000 }

/** Runs probes on one database, one after another or at once, as several processes would. */
export class ProbeFixture {
  readonly #running: Running[] = []

  private constructor(
    readonly database: TestDatabase,
    readonly writer: Writer,
  ) {}

  static async make(): Promise<ProbeFixture> {
    const database = await testDatabase()
    return new ProbeFixture(database, new Writer(database.url))
  }

  /** Creates a Domain with a genesis row and `rows` more rows. */
  async chain(rows: number, domainId: string = randomUUID()): Promise<string> {
    await this.writer.create(domainId)
    await this.append(domainId, rows)
    return domainId
  }

  async append(domainId: string, rows: number): Promise<void> {
    await Promise.all(Array.from({ length: rows }, () => this.writer.record(domainId)))
  }

  start(settings: Partial<ProbeDeps['settings']> = {}, url = this.database.url): Running {
    const database = new Database(url, 2)
    const line = (level: ProbeLine['level']) => (fields: ProbeLine['fields'], message: string) =>
      void running.lines.push({ level, message, fields })
    const source = (share: number) =>
      watched(new PostgresSource(database, { share }), (request) => running.scans.push(request))
    const overview = postgresQuarantineOverview(database)
    let closed: Promise<void> | undefined
    const running: Running = {
      scans: [],
      lines: [],
      alerts: [],
      readsWithStamp: 0,
      probe: new Probe({
        store: postgresReconcile(database),
        source: source(1),
        throttledSource: source(0.5),
        quarantine: postgresQuarantine(database),
        overview: {
          ...overview,
          read: async (limit) => {
            const hadStamp = await hasStamp(database)
            const contents = await overview.read(limit)
            if (hadStamp) running.readsWithStamp += 1
            return contents
          },
        },
        log: { info: line('info'), error: line('error') },
        alerts: { raise: (one) => void running.alerts.push(one), settled: async () => undefined },
        settings: { ...SETTINGS, ...settings },
      }),
      close: () => {
        closed ??= running.probe.close().then(() => database.close())
        return closed
      },
    }
    this.#running.push(running)
    running.probe.start()
    return running
  }

  attack(sql: string): Promise<void> {
    return asSuperuser(this.database.url, sql) as Promise<void>
  }

  rows(sql: string, values: unknown[] = []) {
    return rowsOf(this.database.url, sql, values)
  }

  async close(): Promise<void> {
    await Promise.all(this.#running.map((one) => one.close()))
    await this.writer.close()
    await this.database.drop()
  }
}

function watched(source: EntrySource, onScan: (request: ScanRequest) => void): EntrySource {
  return {
    name: source.name,
    keepsHead: source.keepsHead,
    scan: (request, progress, signal) => {
      onScan(request)
      return source.scan(request, progress, signal)
    },
  }
}

async function hasStamp(database: Database): Promise<boolean> {
  const { rowCount } = await database.write((client) =>
    client.query('SELECT FROM audit_tamper_quarantine WHERE acknowledged_at IS NOT NULL LIMIT 1'),
  )
  return rowCount === 1
}
