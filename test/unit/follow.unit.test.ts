import { describe, expect, it } from 'vitest'
import type { EntryReader, ReadEntry } from '../../src/ports/query.js'
import { ChainFollower, followChains, followStart, type SeqGap } from '../../src/query/follow.js'

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
    const page: EntryReader['page'] = async (_domain, _filter, { after, upTo = Infinity, limit, order }) =>
      [...this.rows.values()]
        .filter(({ seq }) => seq > after && seq <= upTo)
        .sort((a, b) => (order === 'descending' ? b.seq - a.seq : a.seq - b.seq))
        .slice(0, limit)
    return { page } as EntryReader
  }
}

async function freshSeqs(follower: ChainFollower): Promise<number[]> {
  const seqs: number[] = []
  for await (const rows of follower.fresh(signal)) seqs.push(...rows.map(({ seq }) => seq))
  return seqs
}

interface Options {
  readonly after?: number
  readonly patience?: number
  readonly relation?: string
  readonly missing?: readonly SeqGap[]
}

function following(chain: Growing, options: Options = {}) {
  const gaps: [number, number][] = []
  const problems: string[] = []
  const { after = 0, patience = 1e9, relation, missing } = options
  const onGap = (from: number, to: number) => void gaps.push([from, to])
  const follower = new ChainFollower(chain.reader, {
    domainId: DOMAIN,
    filter: { relation },
    after,
    missing,
    patience,
    onGap,
    onProblem: ({ problem }) => void problems.push(problem),
  })
  return { follower, gaps, problems }
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

describe('a chain with gaps below its end', () => {
  it('yields a row that was missing before the last row at the start', async () => {
    const chain = new Growing()
    chain.add(1, 2, 5)
    const start = await followStart(chain.reader, DOMAIN)
    expect(start).toEqual({ last: 5, missing: [{ from: 3, to: 4 }] })
    const { follower, gaps } = following(chain, { after: start.last, missing: start.missing })
    expect(await freshSeqs(follower)).toEqual([])
    chain.add(4, 6)
    expect(await freshSeqs(follower)).toEqual([4, 6])
    chain.add(3)
    expect(await freshSeqs(follower)).toEqual([3])
    expect([await freshSeqs(follower), gaps]).toEqual([[], []])
  })

  it('looks for gaps among the newest rows alone', async () => {
    const chain = new Growing()
    chain.add(1, ...Array.from({ length: 300 }, (_, i) => i + 3))
    expect(await followStart(chain.reader, DOMAIN)).toEqual({ last: 302, missing: [] })
    expect(await followStart(new Growing().reader, DOMAIN)).toEqual({ last: 0, missing: [] })
  })

  it('reports a gap once, and still yields its rows when they come', async () => {
    const chain = new Growing()
    const missing = [{ from: 1, to: 3 }]
    const { follower, gaps } = following(chain, { after: 4, missing, patience: 0 })
    chain.add(8)
    expect(await freshSeqs(follower)).toEqual([8])
    expect(await freshSeqs(follower)).toEqual([])
    chain.add(2, 6)
    expect(await freshSeqs(follower)).toEqual([2, 6])
    chain.add(1, 3, 5, 7)
    const later = [...(await freshSeqs(follower)), ...(await freshSeqs(follower))]
    expect(later.sort()).toEqual([1, 3, 5, 7])
    expect(gaps).toEqual([
      [1, 3],
      [5, 7],
    ])
  })

  it('does not yield a row again that another reader returned', async () => {
    const chain = new Growing()
    const { follower } = following(chain, { after: 4, missing: [{ from: 1, to: 3 }] })
    chain.add(2, 3)
    follower.passed({ seq: 2 })
    expect(await freshSeqs(follower)).toEqual([3])
  })
})

describe('a row that cannot be decoded', () => {
  it('is reported where a filter hides it, and yielded without a filter', async () => {
    const chain = new Growing()
    chain.rows.set(1, { domainId: DOMAIN, seq: 1, problem: 'is junk' })
    const hiding = following(chain, { relation: 'odd' })
    expect([await freshSeqs(hiding.follower), hiding.problems]).toEqual([[], ['row 1 is junk']])
    const all = following(chain)
    expect([await freshSeqs(all.follower), all.problems]).toEqual([[1], []])
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
