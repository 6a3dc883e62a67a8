import { beforeEach, describe, expect, it } from 'vitest'
import { MAX_GROUP, Sink } from '../../src/append/sink.js'
import type { AppendItem, Placed } from '../../src/ports/append.js'
import { entryFor } from '../support/append-chains.js'

const DOMAIN = '0190a8b8-a0c0-7a0a-8a0a-a0a0a0a0a0a1'

/** What the sink did, in order. Each group asks once for the pepper of the chain, when it is prepared. */
let events: string[] = []
/** The group whose preparation fails, counted from 1. */
let failing = 0
/** The number of groups that must be prepared before a write ends, for the first writes. */
let awaited: number[] = []
let prepared = 0
let seq = 0
let wake: () => void = () => undefined

beforeEach(() => {
  events = []
  failing = 0
  awaited = []
  prepared = 0
  seq = 0
})

const pepper = {
  async pepperOf() {
    prepared += 1
    events.push(`prepare ${prepared}`)
    wake()
    if (prepared === failing) throw new Error('an unexpected failure')
    return new Uint8Array(32)
  },
}

/** Stores nothing. A write ends when as many groups are prepared as it waits for. */
const store = {
  async append(items: readonly AppendItem[]) {
    const wanted = awaited.shift() ?? 0
    events.push(`write ${items.length}`)
    while (prepared < wanted) {
      await new Promise<void>((resolve) => {
        wake = resolve
      })
    }
    events.push('written')
    return items.map(({ rows }) => rows.map(placed))
  },
}

function placed(): Placed {
  seq += 1
  return { domainId: DOMAIN, seq, entryHash: '', recordedAt: 0n }
}

/** Records entries at once. Returns the seq of each, or the message of its error. */
async function record(count: number): Promise<(number | string)[]> {
  const sink = new Sink({ store, pepper, resolver: { resolve: async () => [] } })
  const entry = entryFor(DOMAIN)
  const settled = await Promise.allSettled(Array.from({ length: count }, () => sink.record(entry)))
  await sink.flush()
  return settled.map((one) => (one.status === 'fulfilled' ? (one.value[0]?.seq ?? 0) : one.reason.message))
}

const numbers = (from: number, count: number) => Array.from({ length: count }, (_, i) => from + i)

describe('a sink with more callers than one group holds', () => {
  it('prepares a full group while the group before it is written, and keeps the order of the calls', async () => {
    awaited = [2]
    expect(await record(2 * MAX_GROUP + 1)).toEqual(numbers(1, 2 * MAX_GROUP + 1))
    expect(events).toEqual([
      ...['prepare 1', `write ${MAX_GROUP}`, 'prepare 2', 'written'],
      ...[`write ${MAX_GROUP}`, 'written'],
      ...['prepare 3', 'write 1', 'written'],
    ])
  })

  it('prepares a group ahead for each of many groups', async () => {
    awaited = [2, 3, 4]
    expect(await record(4 * MAX_GROUP)).toEqual(numbers(1, 4 * MAX_GROUP))
    expect(events.filter((event) => event === `write ${MAX_GROUP}`)).toHaveLength(4)
  })

  it('rejects only the calls of a group whose preparation fails', async () => {
    awaited = [2]
    failing = 2
    expect(await record(2 * MAX_GROUP + 1)).toEqual([
      ...numbers(1, MAX_GROUP),
      ...Array(MAX_GROUP).fill('an unexpected failure'),
      MAX_GROUP + 1,
    ])
  })
})
