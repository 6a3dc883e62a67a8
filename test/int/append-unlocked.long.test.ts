import pg from 'pg'
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest'
import { AuditError } from '../../src/base/errors.js'
import type { Appended } from '../../src/ports/append.js'
import { allFindings, entryFor, storedRows, Writer } from '../support/append-chains.js'
import { asSuperuser, type TestDatabase, testDatabase } from '../support/postgres.js'

const ROUNDS = 1_000

/** Ends the lock statement of an append. */
const LOCK = /\bFOR NO KEY UPDATE\b/
/** Ends the statement that advances a head. */
const COMPARE = ' AND h.next_seq = n.before'

let database: TestDatabase
let writers: readonly Writer[]
/** Resolves once both writers of a round have come to where the lock was, so that both read the same head. */
let meeting: { arrive(): Promise<void> } | undefined
/** The statements that were changed. */
const changed = { locks: 0, comparisons: 0 }

function meetingOf(count: number): { arrive(): Promise<void> } {
  let release = (): void => undefined
  let arrived = 0
  const all = new Promise<void>((resolve) => {
    release = resolve
  })
  return {
    arrive: () => {
      arrived += 1
      if (arrived >= count) release()
      return all
    },
  }
}

type Query = (this: unknown, text: unknown, ...rest: unknown[]) => unknown

/** Sends every statement without the lock and, with `comparisons`, without the comparison of the head. */
function disarm(comparisons: boolean): void {
  const query = pg.Client.prototype.query as Query
  vi.spyOn(pg.Client.prototype, 'query').mockImplementation(function (this: unknown, text, ...rest) {
    if (typeof text !== 'string' || !LOCK.test(text)) return query.call(this, text, ...rest)
    changed.locks += 1
    const met = meeting?.arrive() ?? Promise.resolve()
    return met.then(() => query.call(this, text.replace(LOCK, ''), ...rest))
  } as Query as never)
  if (comparisons) disarmHeads()
}

/** The heads are advanced in one message with the COPY of the rows, which only the connection sees as a text. */
function disarmHeads(): void {
  const wire = pg.Connection.prototype as unknown as { query: Query }
  const { query } = wire
  vi.spyOn(wire, 'query').mockImplementation(function (this: unknown, text, ...rest) {
    if (typeof text !== 'string' || !text.includes(COMPARE)) return query.call(this, text, ...rest)
    changed.comparisons += 1
    return query.call(this, text.replace(COMPARE, ''), ...rest)
  })
}

beforeAll(async () => {
  database = await testDatabase()
  writers = [new Writer(database.url), new Writer(database.url)]
})

afterAll(async () => {
  vi.restoreAllMocks()
  await Promise.all(writers.map((writer) => writer.close()))
  await database.drop()
})

/** Lets both writers append one group each. Returns the outcome of each entry; a group that fails is one outcome. */
async function round(
  domainId: string,
  sizes: readonly number[],
): Promise<readonly (Appended | AuditError)[]> {
  meeting = meetingOf(writers.length)
  const groups = writers.map(({ sink }, i) => {
    const group = Array.from({ length: sizes[i] ?? 1 }, () => entryFor(domainId))
    return sink.recordGroup(group, 'continue')
  })
  const settled = await Promise.allSettled(groups)
  meeting = undefined
  return settled.flatMap((one) => (one.status === 'fulfilled' ? one.value : [one.reason as AuditError]))
}

/** What is left to refuse the second writer when the lock is gone, with what else is gone and the codes of a loser. */
const GUARDS: readonly (readonly [string, boolean, string, readonly string[]])[] = [
  ['the comparison of the head', false, 'ENABLE', ['chain_conflict']],
  ['the trigger of the head', true, 'ENABLE', ['chain_conflict', 'database_failed']],
  ['the primary key', true, 'DISABLE', ['chain_conflict']],
]
const SIZES: readonly (readonly [string, (i: number) => readonly number[]])[] = [
  ['one row', () => [1, 1]],
  ['many rows', (i) => [1 + (i % 7), 1 + ((i * 3) % 5)]],
]

/** Fewer rounds where more than the lock is gone. */
const roundsWithout = (comparisons: boolean) => (comparisons ? ROUNDS / 5 : ROUNDS)

describe.each(GUARDS)(
  'two writers without the lock, where %s is left',
  (_guard, comparisons, trigger, codes) => {
    beforeAll(async () => {
      await asSuperuser(
        database.url,
        `ALTER TABLE audit_log_chain_head ${trigger} TRIGGER audit_log_chain_head_forward`,
      )
    })

    const rounds = roundsWithout(comparisons)
    it.each(SIZES)(`store ${rounds} times two groups of %s without a fork`, async (_size, sizes) => {
      const domainId = (await writers[0]?.create()) ?? ''
      const before = { ...changed }
      const placed: string[] = []
      const refused: string[] = []
      disarm(comparisons)
      try {
        for (let i = 0; i < rounds; i += 1) {
          for (const outcome of await round(domainId, sizes(i))) {
            if (outcome instanceof AuditError) refused.push(outcome.code)
            else placed.push(...outcome.map(({ seq, entryHash }) => `${seq} ${entryHash}`))
          }
        }
      } finally {
        vi.restoreAllMocks()
      }
      // The writers did meet: each transaction that is run again locks again, and the other losers are refused.
      expect(codes).toEqual(expect.arrayContaining(refused))
      expect(changed.locks - before.locks + refused.length).toBeGreaterThan(2 * rounds)
      expect(changed.comparisons > before.comparisons).toBe(comparisons)
      const [genesis, ...rows] = await storedRows(database.url, domainId)
      expect(genesis?.seq).toBe(1)
      expect(rows.map(({ seq }) => seq)).toEqual(rows.map((_row, i) => i + 2))
      expect(rows.map(({ seq, entry_hash }) => `${seq} ${entry_hash}`).sort()).toEqual(placed.sort())
      expect(await allFindings(writers[0] as Writer)).toEqual([])
    })
  },
)
