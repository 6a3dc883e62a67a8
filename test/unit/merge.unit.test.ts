import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import type { ReadTime } from '../../src/base/wire-time.js'
import type { ReadEntry } from '../../src/ports/query.js'
import { mergedRows } from '../../src/query/merge.js'

async function* streamOf(rows: readonly ReadEntry[], onEnd: () => void = () => undefined) {
  try {
    yield* rows
  } finally {
    onEnd()
  }
}

async function merged(chains: readonly (readonly ReadEntry[])[], order: 'ascending' | 'descending') {
  const rows: ReadEntry[] = []
  for await (const row of mergedRows(
    chains.map((chain) => streamOf(chain)),
    order,
  ))
    rows.push(row)
  return rows
}

const timeArbitrary = fc.bigInt({ min: 0n, max: 5n })

/** Chains `a`, `b`, …, each in order of seq and of time. */
const chainsArbitrary = fc.array(fc.array(timeArbitrary, { maxLength: 6 }), { maxLength: 4 }).map((chains) =>
  chains.map((times, chain) =>
    [...times]
      .sort((a, b) => Number(a - b))
      .map(
        (recordedAt, i): ReadEntry => ({
          domainId: String.fromCharCode(97 + chain),
          seq: i + 1,
          recordedAt,
        }),
      ),
  ),
)

const key = ({ recordedAt, domainId, seq }: ReadEntry) => `${String(recordedAt)} ${domainId} ${seq}`

describe('mergedRows', () => {
  it('yields every row by recorded_at, domain_id and seq, and backwards in descending order', async () => {
    await fc.assert(
      fc.asyncProperty(chainsArbitrary, async (chains) => {
        const sorted = chains.flat().map(key).sort()
        expect((await merged(chains, 'ascending')).map(key)).toEqual(sorted)
        const backwards = chains.map((chain) => [...chain].reverse())
        expect((await merged(backwards, 'descending')).map(key)).toEqual(sorted.reverse())
      }),
    )
  })

  it('keeps a chain in order of seq, whatever its times are', async () => {
    const times: (ReadTime | undefined)[] = ['infinity', 3n, undefined, '-infinity', 1n]
    const edited = times.map((recordedAt, i): ReadEntry => ({ domainId: 'a', seq: i + 1, recordedAt }))
    const rows = await merged([edited, [{ domainId: 'b', seq: 1, recordedAt: 2n }]], 'ascending')
    expect(rows.map(({ domainId, seq }) => `${domainId}${seq}`)).toEqual(['b1', 'a1', 'a2', 'a3', 'a4', 'a5'])
  })

  it('ends every stream when its reader stops early', async () => {
    let ended = 0
    const chain = [1, 2].map((seq): ReadEntry => ({ domainId: 'a', seq, recordedAt: BigInt(seq) }))
    const streams = [chain, chain].map((rows) =>
      streamOf(rows, () => {
        ended += 1
      }),
    )
    for await (const _ of mergedRows(streams)) break
    expect(ended).toBe(2)
  })
})
