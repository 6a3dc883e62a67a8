import { setTimeout as sleep } from 'node:timers/promises'
import fc from 'fast-check'
import pg from 'pg'
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'
import type { AuditSink } from '../../src/compose/create-sink.js'
import { allFindings, chainLength } from '../support/append-chains.js'
import { HAS_POOLER, Pooler } from '../support/pooler.js'
import { rowsOf } from '../support/postgres.js'
import { entryOf, Service } from '../support/record-in.js'

let service: Service

beforeAll(async () => {
  service = await Service.start()
})

afterEach(() => service.endClients())

afterAll(async () => {
  expect(await allFindings(service.writer)).toEqual([])
  await service.stop()
})

/** Expects that there is one audit row on a chain of `domainIds` for each order with this prefix, and none for any other. */
async function expectTogether(prefix: string, domainIds: readonly string[]): Promise<number> {
  const orders = (await service.orders()).filter((id) => String(id).startsWith(prefix))
  const audited = await rowsOf(
    service.database.url,
    `SELECT DISTINCT object FROM audit_log_entry WHERE domain_id = ANY ($1::uuid[]) AND seq > 1`,
    [domainIds],
  )
  expect(audited.map(({ object }) => String(object).slice('order:'.length)).toSorted()).toEqual(
    orders.toSorted(),
  )
  return orders.length
}

/** What one transaction does after it has placed an order: the chains of each call, and how it ends. */
interface Plan {
  readonly calls: readonly (readonly number[])[]
  readonly end: 'COMMIT' | 'ROLLBACK' | 'kill' | 'savepoint'
}

const PLAN: fc.Arbitrary<Plan> = fc.record({
  calls: fc.array(fc.array(fc.nat(3), { minLength: 1, maxLength: 3 }), { minLength: 1, maxLength: 3 }),
  end: fc.constantFrom<Plan['end'][]>('COMMIT', 'COMMIT', 'COMMIT', 'ROLLBACK', 'kill', 'savepoint'),
})

/** Runs a plan in a transaction of `client`. `audit` appends to chains for the order. */
async function runPlan(
  client: pg.Client,
  { calls, end }: Plan,
  order: string,
  audit: (indexes: readonly number[]) => Promise<unknown>,
): Promise<void> {
  await client.query('BEGIN')
  await client.query('INSERT INTO shop.orders (id) VALUES ($1)', [order])
  for (const indexes of calls) await audit(indexes)
  if (end === 'savepoint') {
    await client.query('SAVEPOINT mine')
    await client.query('INSERT INTO shop.orders (id) VALUES ($1)', [`${order}-undone`])
    await audit([0, 3])
    await client.query('ROLLBACK TO SAVEPOINT mine')
  }
  if (end === 'kill') await kill(await pidOf(client))
  await client.query(end === 'ROLLBACK' ? 'ROLLBACK' : 'COMMIT')
}

async function pidOf(client: pg.Client): Promise<unknown> {
  return (await client.query('SELECT pg_backend_pid() AS pid')).rows[0]?.pid
}

async function kill(pid: unknown): Promise<void> {
  await rowsOf(service.database.url, 'SELECT pg_terminate_backend($1)', [pid])
}

/** The errors with which a transaction may lawfully end beside others. */
const LOST = ['lock_order', 'retry_transaction', 'database_unavailable']

describe('many services that append in their transactions', () => {
  it('commit orders and audit rows together or not at all, with kills between', async () => {
    const chains = await service.domains(4)
    const codes = new Set<string>()
    let number = 0

    const run = async (sink: AuditSink, plan: Plan): Promise<void> => {
      const client = await service.client()
      const order = `many-${number++}`
      const entriesOn = (indexes: readonly number[]) =>
        indexes.map((index) => entryOf(chains[index] ?? '', { object: `order:${order}` }))
      try {
        await runPlan(client, plan, order, (indexes) => sink.recordIn(client, entriesOn(indexes)))
      } catch (error) {
        codes.add(String((error as { code?: string }).code))
        await client.query('ROLLBACK').catch(() => undefined)
      } finally {
        await client.end().catch(() => undefined)
      }
    }

    const plans = fc.sample(PLAN, 400)
    const work = async (worker: number, sink: AuditSink) => {
      for (const plan of plans.filter((_, i) => i % 8 === worker)) await run(sink, plan)
    }
    const [one, two] = [service.sink(), service.sink()]
    const record = (i: number) => one.record(entryOf(chains[i % 4] ?? '', { object: 'order:many-record' }))
    const recorded = Array.from({ length: 40 }, (_, i) => record(i))
    await rowsOf(service.database.url, `INSERT INTO shop.orders VALUES ('many-record')`)
    await Promise.all([...Array.from({ length: 8 }, (_, i) => work(i, i % 2 === 0 ? one : two)), ...recorded])

    expect(await expectTogether('many-', chains)).toBeGreaterThan(100)
    // A client whose backend was killed reports the connection or the server's message.
    expect(
      [...codes].filter((code) => ![...LOST, '57P01', 'undefined', 'ECONNRESET'].includes(code)),
    ).toEqual([])
    for (const chain of chains) expect(await chainLength(service.writer, chain)).toBeGreaterThan(10)
  })

  it('lose nothing but the transaction that was under way when the backend is killed inside of recordIn', async () => {
    const [chain = ''] = await service.domains(1)
    const sink = service.sink()
    for (let i = 0; i < 60; i += 1) {
      const client = await service.client()
      const pid = await pidOf(client)
      await client.query('BEGIN')
      await client.query('INSERT INTO shop.orders (id) VALUES ($1)', [`inside-${i}`])
      const recorded = sink.recordIn(client, [entryOf(chain, { object: `order:inside-${i}` })])
      const ended = recorded.then(
        () => client.query('COMMIT').catch(() => undefined),
        () => undefined,
      )
      await sleep(i % 6)
      await kill(pid)
      await ended
    }
    await expectTogether('inside-', [chain])
    expect(await sink.record(entryOf(chain, { object: 'order:inside-0' }))).toHaveLength(1)
  })
})

describe('record of a sink with the default lockTimeout', () => {
  it('ends with chain_busy after 10 seconds', async () => {
    const [chain = ''] = await service.domains(1)
    const client = await service.client()
    const sink = service.sink()
    await client.query('BEGIN')
    await sink.recordIn(client, [entryOf(chain)])
    await expect(sink.record(entryOf(chain))).rejects.toMatchObject({
      code: 'chain_busy',
      message: expect.stringContaining('waited 10 s'),
    })
    await client.query('ROLLBACK')
  })
})

describe.runIf(HAS_POOLER)('a pooler in transaction mode', () => {
  it('keeps the connection of a transaction, and leaves nothing on it', async () => {
    const chains = await service.domains(2)
    const pooler = await Pooler.start(service.database.url, 2)
    const sink = service.sink()
    const work = async (worker: number) => {
      const client = new pg.Client({ connectionString: pooler.url })
      await client.connect()
      for (let i = 0; i < 20; i += 1) {
        const order = `pooled-${worker}-${i}`
        await client.query('BEGIN')
        await client.query('INSERT INTO shop.orders (id) VALUES ($1)', [order])
        await sink.recordIn(
          client,
          chains.map((chain) => entryOf(chain, { object: `order:${order}` })),
        )
        await client.query(i % 3 === 0 ? 'ROLLBACK' : 'COMMIT')
      }
      await client.end()
    }
    await Promise.all([work(0), work(1), work(2), work(3)])
    await expectTogether('pooled-', chains)
    await pooler.stop()
  })
})
