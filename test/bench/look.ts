import { randomUUID } from 'node:crypto'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { createDomain } from '../../src/append/create-domain.js'
import { parseInputLine } from '../../src/append/input/input-line.js'
import { Sink } from '../../src/append/sink.js'
import { sinkOptions } from '../../src/compose/sink-options.js'
import { openPepperSource } from '../../src/pepper/open-pepper.js'
import { PostgresEntryStore } from '../../src/repo/append/append.js'
import { Database } from '../../src/repo/session/database.js'
import { type Bench, median, report } from './subject.js'

/** Appends without the look after COMMIT. */
class Blind extends Database {
  override withTransaction<T>(begin: string, use: Parameters<Database['withTransaction']>[1]): Promise<T> {
    return super.withTransaction(begin, use) as Promise<T>
  }
}

/** Measures the look after COMMIT: the same appends with and without it, alternately, each run to a new chain. */
export async function benchLook(bench: Bench, transactions: number): Promise<void> {
  await measure(bench, 'one row', transactions, 1, 'at least 0.5')
  await measure(bench, '2000 rows', Math.ceil(transactions / 100), 2_000, 'at least 0.9')
}

async function measure(bench: Bench, what: string, transactions: number, rows: number, bound: string) {
  const seconds = { ours: [] as number[], blind: [] as number[] }
  for (let turn = 0; turn < 5; turn += 1) {
    seconds.ours.push(await secondsOf(bench, new Database(bench.url, 1), transactions, rows))
    seconds.blind.push(await secondsOf(bench, new Blind(bench.url, 1), transactions, rows))
  }
  const [ours, blind] = [median(seconds.ours) / transactions, median(seconds.blind) / transactions]
  report(
    `append ${what} a transaction, and look after COMMIT`,
    `${(ours * 1000).toFixed(2)} ms`,
    `without the look ${(blind * 1000).toFixed(2)} ms`,
    blind / ours,
    bound,
  )
}

/** Returns the seconds of so many transactions, one after the other, each of so many rows. */
async function secondsOf(
  { home }: Bench,
  database: Database,
  transactions: number,
  rows: number,
): Promise<number> {
  const pepper = openPepperSource(pathToFileURL(join(home, 'pepper.key')).href)
  const domainId = randomUUID()
  await createDomain({ domainId, name: '', actor: 'bench' }, new PostgresEntryStore(database), pepper)
  const sink = new Sink(sinkOptions(database, pepper))
  const line = { subject_id: 'alice', relation: 'project.read', object: 'project:p1', domain_id: domainId }
  const entry = parseInputLine(Buffer.from(JSON.stringify({ ...line, context: { ip: '192.0.2.1' } })))
  const group = Array.from({ length: rows }, () => entry)
  const begin = performance.now()
  for (let i = 0; i < transactions; i += 1) await sink.recordGroup(group, 'stop')
  const end = performance.now()
  await database.close()
  return (end - begin) / 1000
}
