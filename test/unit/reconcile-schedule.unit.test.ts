import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import type { ChainGlance } from '../../src/ports/reconcile.js'
import {
  advanced,
  afterGlance,
  beginChain,
  failed,
  type Progress,
  toKeep,
} from '../../src/reconcile/progress.js'
import {
  LARGE_SEGMENT,
  nextWork,
  type ProbeSettings,
  periodOf,
  type Segment,
  stepOf,
} from '../../src/reconcile/schedule.js'

const HOUR = 3_600_000
const SETTINGS: ProbeSettings = { every: 30_000, fullEvery: 24 * HOUR, concurrency: 2, patience: 10_000 }
const hashOf = (seq: number) => seq.toString(16).padStart(64, 'a')

const glanceOf = (domainId: string, end: number): ChainGlance => ({
  domainId,
  head: { seq: end, hash: hashOf(end) },
  last: { seq: end, hash: hashOf(end) },
})

interface Step {
  readonly at: number
  readonly segment: Segment
  readonly to: number
}

/** Simulates a server with a fake clock: a segment takes a millisecond, and more for each thousand rows. */
class Simulation {
  readonly steps: Step[] = []
  readonly chains = new Map<string, Progress>()
  readonly #ends: Map<string, number>
  readonly #running = new Map<
    string,
    { readonly until: number; readonly segment: Segment; readonly to: number }
  >()
  #now = 0
  #glanceAt = 0

  constructor(
    readonly lengths: readonly number[],
    readonly settings: ProbeSettings,
    /** Rows that every chain grows by in an hour. */
    readonly growth = 0,
  ) {
    this.#ends = new Map(lengths.map((length, i) => [`chain-${i}`, length]))
  }

  run(until: number): this {
    while (this.#now < until) {
      if (this.#now >= this.#glanceAt) this.#glance()
      const idle = [...this.chains.values()].filter((chain) => !this.#running.has(chain.domainId))
      const slots = this.settings.concurrency - this.#running.size
      const { segments, wakeAt } = nextWork(idle, this.#now, this.settings, slots)
      expect(segments.length).toBeLessThanOrEqual(slots)
      for (const segment of segments) this.#begin(segment)
      this.#now = Math.min(wakeAt, this.#glanceAt, ...[...this.#running.values()].map(({ until: at }) => at))
      for (const one of [...this.#running.values()]) if (one.until <= this.#now) this.#end(one)
    }
    return this
  }

  #endOf(domainId: string): number {
    return Math.floor((this.#ends.get(domainId) ?? 0) + (this.growth * this.#now) / HOUR)
  }

  #glance(): void {
    this.#glanceAt = this.#now + this.settings.every
    for (const domainId of this.#ends.keys()) {
      if (this.#running.has(domainId)) continue
      const chain =
        this.chains.get(domainId) ?? beginChain(domainId, undefined, this.#now, this.settings.fullEvery)
      this.chains.set(domainId, afterGlance(chain, glanceOf(domainId, this.#endOf(domainId)), this.#now))
    }
  }

  #begin(segment: Segment): void {
    const to = segment.to ?? this.#endOf(segment.domainId)
    this.steps.push({ at: this.#now, segment, to })
    this.#running.set(segment.domainId, { until: this.#now + 1 + (to - segment.from) / 1_000, segment, to })
  }

  #end({ segment, to }: { readonly segment: Segment; readonly to: number }): void {
    const { domainId, kind } = segment
    this.#running.delete(domainId)
    const chain = this.chains.get(domainId)
    if (chain === undefined) throw new Error('a chain that was never looked at')
    const outcome = { kind, position: { seq: to, hash: hashOf(to) }, atEnd: segment.to === undefined }
    this.chains.set(domainId, advanced(chain, outcome, this.#now, periodOf(this.settings)))
  }
}

const lengths = fc.array(fc.integer({ min: 1, max: 4_000 }), { minLength: 1, maxLength: 6 })

describe('nextWork', () => {
  it('re-verifies every row within fullEvery, for any chains and any growth', () => {
    fc.assert(
      fc.property(lengths, fc.integer({ min: 0, max: 60 }), (rows, growth) => {
        const { steps } = new Simulation(rows, { ...SETTINGS, every: HOUR / 4 }, growth).run(
          3 * SETTINGS.fullEvery,
        )
        for (const [i, length] of rows.entries()) {
          const own = steps.filter(({ segment }) => segment.domainId === `chain-${i}`)
          // The first, a middle and the last of the rows that existed at the start.
          for (const seq of [1, Math.ceil(length / 2), length]) {
            const times = own
              .filter(({ segment, to }) => segment.from <= seq && seq <= to)
              .map(({ at }) => at)
            const gaps = [...times.slice(1), 3 * SETTINGS.fullEvery].map((at, k) => at - (times[k] ?? 0))
            expect(times[0]).toBeLessThan(60_000)
            expect(Math.max(...gaps)).toBeLessThanOrEqual(SETTINGS.fullEvery)
          }
        }
      }),
      { numRuns: 25 },
    )
  })

  it('verifies new rows within an interval, and reads no old rows for that', () => {
    fc.assert(
      fc.property(lengths, fc.integer({ min: 200, max: 2_000 }), (rows, growth) => {
        const simulation = new Simulation(rows, SETTINGS, growth).run(HOUR)
        for (const { verified, freshAt } of simulation.chains.values()) {
          expect(HOUR - (freshAt ?? 0)).toBeLessThanOrEqual(2 * SETTINGS.every)
          expect(verified?.seq).toBeGreaterThan(0)
        }
        for (const { segment, to } of simulation.steps) {
          if (segment.kind === 'tail') expect(to - segment.from).toBeLessThanOrEqual(growth)
        }
      }),
      { numRuns: 25 },
    )
  })

  it('spreads a pass over a long chain evenly over the period', () => {
    const length = 1_000_000
    const { steps } = new Simulation([length], SETTINGS).run(2 * SETTINGS.fullEvery)
    const rolling = steps.filter(({ segment }) => segment.kind === 'rolling')
    const tenth = periodOf(SETTINGS) / 10
    for (let from = HOUR; from < SETTINGS.fullEvery; from += tenth) {
      const inTenth = rolling.filter(({ at }) => at >= from && at < from + tenth)
      const rows = inTenth.reduce((sum, { segment, to }) => sum + to - segment.from + 1, 0)
      expect(rows).toBeLessThanOrEqual(length / 10 + stepOf(length))
      expect(rows).toBeGreaterThanOrEqual(length / 10 - stepOf(length))
    }
  })

  it('never reads more rows than the limit in one segment', () => {
    const { steps } = new Simulation([LARGE_SEGMENT * 3 + 5], SETTINGS).run(HOUR)
    const sizes = steps.map(({ segment, to }) => to - segment.from + 1)
    expect(sizes.slice(0, 4)).toEqual([LARGE_SEGMENT, LARGE_SEGMENT, LARGE_SEGMENT, 5])
    expect(Math.max(...sizes)).toBeLessThanOrEqual(LARGE_SEGMENT)
  })

  it('verifies a segment of every chain before a second segment of a long chain', () => {
    const { steps } = new Simulation([10_000_000, 10_000_000, 10, 10, 10], SETTINGS).run(2_000)
    const served = new Set(steps.slice(0, 5).map(({ segment }) => segment.domainId))
    expect(served.size).toBe(5)
  })

  it('verifies new rows first, also when every pass is late', () => {
    const late = { ...beginChain('late', undefined, 0, 1), boot: undefined, end: 5_000 }
    const rolling: Progress = {
      ...late,
      rolling: { reached: { seq: 0 }, startedAt: -1e12 },
      verified: { seq: 5_000 },
    }
    const fresh: Progress = { ...rolling, domainId: 'fresh', changedAt: 99 }
    const { segments } = nextWork([rolling, fresh], 100, SETTINGS, 1)
    expect(segments).toMatchObject([{ domainId: 'fresh', kind: 'tail' }])
  })
})

describe('a segment', () => {
  const chain = (patch: Partial<Progress>): Progress => ({
    ...beginChain('chain', undefined, 0, SETTINGS.fullEvery),
    end: 50,
    ...patch,
  })
  const segment = (patch: Partial<Progress>, now = 1e12) =>
    nextWork([chain(patch)], now, SETTINGS, 1).segments[0]
  const at = (seq: number) => ({ seq, hash: hashOf(seq) })

  it.each<[string, Partial<Progress>, Partial<Segment>]>([
    ['covers all of a new chain', {}, { kind: 'boot', from: 1, to: undefined, pins: [] }],
    [
      'resumes where another process stopped, pinned to that row and to the verified head',
      { boot: { reached: at(20), startedAt: 0 }, verified: at(40) },
      { kind: 'boot', from: 21, to: undefined, pins: [at(20), at(40)] },
    ],
    [
      'begins with the verified head if rows are new',
      { boot: undefined, verified: at(40), changedAt: 0 },
      { kind: 'tail', from: 40, to: undefined, pins: [at(40)] },
    ],
    [
      'begins at the end of a chain that has become shorter, and expects the verified head',
      { boot: undefined, verified: at(60), changedAt: 0 },
      { kind: 'tail', from: 50, to: undefined, pins: [at(60)] },
    ],
    [
      'expects the verified head in a chain without rows',
      { boot: undefined, verified: at(60), changedAt: 0, end: 0 },
      { kind: 'tail', from: 1, to: undefined, pins: [at(60)] },
    ],
    [
      'begins at the end of the chain if the first pass had come further',
      { boot: { reached: at(60), startedAt: 0 }, verified: at(60) },
      { kind: 'boot', from: 50, to: undefined, pins: [at(60)] },
    ],
    [
      'has no pin of a row after it',
      { end: 5_000, boot: undefined, rolling: { reached: at(1_000), startedAt: 0 }, verified: at(5_000) },
      { kind: 'rolling', from: 1_001, to: 2_000, pins: [at(1_000)] },
    ],
  ])('%s', (_, patch, expected) => {
    expect(segment(patch)).toEqual({ domainId: 'chain', ...expected })
  })
})

describe('saved progress', () => {
  const begun = (ageSeconds: number) =>
    beginChain(
      'chain',
      { domainId: 'chain', boot: { reached: { seq: 7 }, ageSeconds } },
      1e9,
      SETTINGS.fullEvery,
    )

  it('is trusted for fullEvery and no longer', () => {
    expect(begun(SETTINGS.fullEvery / 1000 - 1).boot?.reached.seq).toBe(7)
    expect(begun(SETTINGS.fullEvery / 1000).boot?.reached.seq).toBe(0)
  })

  it('keeps the start time of its first pass over restarts and after the end of that pass', () => {
    let chain = beginChain('chain', undefined, 0, SETTINGS.fullEvery)
    for (let hour = 1; hour <= 24; hour++) {
      const now = hour * HOUR
      chain = advanced(
        chain,
        { kind: 'boot', position: { seq: hour }, atEnd: hour > 10 },
        now,
        periodOf(SETTINGS),
      )
      const kept = toKeep(chain, true, now)
      expect(kept.boot?.ageSeconds).toBe((hour * HOUR) / 1000)
      chain = beginChain('chain', kept, now, SETTINGS.fullEvery)
      expect(chain.boot?.reached.seq).toBe(hour === 24 ? 0 : hour)
    }
  })

  it('has no first pass once every chain has completed one', () => {
    expect(toKeep(begun(1), false, 1e9)).toEqual({ domainId: 'chain' })
  })
})

it('retries a chain that could not be checked with growing waits, and verifies other chains meanwhile', () => {
  const chain = beginChain('chain', undefined, 0, SETTINGS.fullEvery)
  let now = 0
  let one = chain
  const waits = Array.from({ length: 8 }, () => {
    one = failed(one, 'boot', 'generation_unknown', now)
    const { segments, wakeAt } = nextWork([one, { ...chain, domainId: 'other' }], now, SETTINGS, 2)
    expect(segments.map(({ domainId }) => domainId)).toEqual(['other'])
    const wait = wakeAt - now
    now = wakeAt
    expect(nextWork([one], now, SETTINGS, 2).segments).toHaveLength(1)
    return wait
  })
  expect(waits).toEqual([1_000, 2_000, 4_000, 8_000, 16_000, 30_000, 30_000, 30_000])
})

it('keeps the failures of a tail and of a rolling pass apart', () => {
  const begun = { ...beginChain('chain', undefined, 0, SETTINGS.fullEvery), end: 50 }
  const outcome = (kind: 'boot' | 'tail' | 'rolling') => ({
    kind,
    position: { seq: 50, hash: hashOf(50) },
    atEnd: true,
  })
  const through = advanced(begun, outcome('boot'), 0, periodOf(SETTINGS))
  const rolling = failed(through, 'rolling', 'generation_unknown', 0)
  const both = failed({ ...rolling, changedAt: 0 }, 'tail', 'restore_unfinished', 0)
  const ended = afterGlance(both, glanceOf('chain', 50), 1)
  expect(nextWork([ended], 5_000, SETTINGS, 1).segments).toMatchObject([{ kind: 'tail' }])
  const after = advanced(ended, outcome('tail'), 5_000, periodOf(SETTINGS))
  expect([after.failures.tail, after.failures.rolling?.code]).toEqual([undefined, 'generation_unknown'])
})
