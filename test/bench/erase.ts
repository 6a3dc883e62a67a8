import { open } from 'node:fs/promises'
import { join } from 'node:path'
import { Database } from '../../src/repo/session/database.js'
import { benchEntry } from './input.js'
import { audit, type Bench, createDomain, report } from './subject.js'

/** Erases a subject with `rows` rows, each with a context; the baseline deletes the same contexts from a plain copy. */
export async function benchErase(bench: Bench, rows: number): Promise<void> {
  const domainId = await createDomain(bench.home)
  const input = join(bench.home, 'erase.ndjson')
  await writeRows(input, rows)
  await audit(bench.home, ['append', '--domain', domainId, '--stdin', '--json'], {
    input,
    keepOutput: false,
  })
  const base = await plainDelete(bench, domainId)
  const words = ['erase-identity', '--domain', domainId, '--subject', 'erased', '--confirm', '--json']
  const ours = await audit(bench.home, words)
  const deleted: number = JSON.parse(ours.stdout).contexts_deleted
  report(
    `erase a subject with ${deleted} rows`,
    `${ours.seconds.toFixed(2)} s`,
    `plain DELETE ${base.toFixed(2)} s`,
    ours.seconds / base,
    'under 2 s at 100000 rows',
  )
}

/** One row in ten belongs to another subject. */
async function writeRows(path: string, rows: number): Promise<void> {
  const file = await open(path, 'w')
  for (let at = 0; at < rows; at += 5_000) {
    const lines = Array.from({ length: Math.min(5_000, rows - at) }, (_, i) => {
      const entry = benchEntry(at + i)
      const context = { ip: '192.0.2.1', user_agent: 'agent/1', metadata: { event_id: `event-${at + i}` } }
      const own = { ...entry, subject_id: 'erased', subject: { plaintext: 'Somebody' }, context }
      return [own, ...(i % 10 === 0 ? [{ ...entry, context }] : [])].map((one) => JSON.stringify(one))
    })
    await file.write(`${lines.flat().join('\n')}\n`)
  }
  await file.close()
}

async function plainDelete(bench: Bench, domainId: string): Promise<number> {
  const database = new Database(bench.url)
  try {
    return await database.write(async (client) => {
      await client.query(
        'CREATE TABLE bench_context (LIKE audit_entry_context INCLUDING ALL EXCLUDING GENERATED)',
      )
      await client.query(
        `INSERT INTO bench_context SELECT c.* FROM audit_entry_context c JOIN audit_subject_pii p ON p.domain_id = c.domain_id
         JOIN audit_log_entry e ON e.domain_id = c.domain_id AND e.seq = c.seq AND e.subject_pseudonym = p.subject_pseudonym
         WHERE c.domain_id = $1`,
        [domainId],
      )
      const begun = performance.now()
      await client.query('DELETE FROM bench_context WHERE domain_id = $1', [domainId])
      const seconds = (performance.now() - begun) / 1000
      await client.query('DROP TABLE bench_context')
      return seconds
    })
  } finally {
    await database.close()
  }
}
