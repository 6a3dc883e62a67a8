import { describe, expect, it } from 'vitest'
import type { EntryReader, ReadEntry } from '../../src/ports/query.js'
import { ChainFollower, followChains } from '../../src/query/follow.js'

const DOMAIN = 'a'
const signal = new AbortController().signal

/** A chain that grows in memory, where rows may appear in any order. */
class Growing {
  readonly rows = new Map<number, ReadEntry>()

  add(...seqs: readonly number[]): void {
    for (const seq of seqs) {
      this.rows.set(seq, { domainId: DOMAIN, seq, relation: seq % 2 === 0 ? 'even' : 'odd' })
    }
  }

  get reader(): EntryReader {
    const page: EntryReader['page'] = async (_domain, _filter, { after, limit }) =>
      [...this.rows.values()]
        .filter(({ seq }) => seq > after)
        .sort((a, b) => a.seq - b.seq)
        .slice(0, limit)
    return { page } as EntryReader
  }
}

async function freshSeqs(follower: ChainFollower): Promise<number[]> {
  const seqs: number[] = []
  for await (const rows of follower.fresh(signal)) seqs.push(...rows.map(({ seq }) => seq))
  return seqs
}

function following(chain: Growing, options: { after?: number; patience?: number; relation?: string } = {}) {
  const gaps: [number, number][] = []
  const { after = 0, patience = 1e9, relation } = options
  const onGap = (from: number, to: number) => void gaps.push([from, to])
  const follower = new ChainFollower(chain.reader, {
    domainId: DOMAIN,
    filter: { relation },
    after,
    patience,
    onGap,
  })
  return { follower, gaps }
}

describe('ChainFollower', () => {
  it('yields each new row once, over many pages', async () => {
    const chain = new Growing()
    const { follower } = following(chain, { after: 2 })
    chain.add(1, 2)
    expect(await freshSeqs(follower)).toEqual([])
    chain.add(...Array.from({ length: 1_200 }, (_, i) => i + 3))
    expect(await freshSeqs(follower)).toEqual(Array.from({ length: 1_200 }, (_, i) => i + 3))
    expect(await freshSeqs(follower)).toEqual([])
  })

  it('waits for a row that comes after the row behind it', async () => {
    const chain = new Growing()
    const { follower, gaps } = following(chain)
    chain.add(1, 3, 4)
    expect(await freshSeqs(follower)).toEqual([1])
    expect(await freshSeqs(follower)).toEqual([])
    chain.add(2)
    expect(await freshSeqs(follower)).toEqual([2, 3, 4])
    expect(gaps).toEqual([])
  })

  it('does not pass over a late row that the filter hides in between', async () => {
    const chain = new Growing()
    const { follower } = following(chain, { relation: 'even' })
    chain.add(1, 3)
    expect(await freshSeqs(follower)).toEqual([])
    chain.add(2)
    expect(await freshSeqs(follower)).toEqual([2])
  })

  it('reports a gap once, and goes on behind it, when no patience is left', async () => {
    const chain = new Growing()
    const { follower, gaps } = following(chain, { patience: 0 })
    chain.add(1, 4, 7)
    expect(await freshSeqs(follower)).toEqual([1, 4, 7])
    expect(await freshSeqs(follower)).toEqual([])
    expect(gaps).toEqual([
      [2, 3],
      [5, 6],
    ])
  })
})

describe('followChains', () => {
  it('yields the rows of every chain, and rejects with the reason of the signal', async () => {
    const [one, two] = [new Growing(), new Growing()]
    one.add(1)
    const controller = new AbortController()
    const followers = [following(one).follower, following(two).follower]
    const seqs: number[] = []
    const follow = async () => {
      for await (const rows of followChains(followers, 1, controller.signal)) {
        seqs.push(...rows.map(({ seq }) => seq))
        if (seqs.length === 1) two.add(1, 2)
        if (seqs.length === 3) controller.abort(new Error('stop'))
      }
    }
    await expect(follow()).rejects.toThrow('stop')
    expect(seqs).toEqual([1, 1, 2])
  })
})
