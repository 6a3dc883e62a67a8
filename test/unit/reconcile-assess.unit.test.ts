import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { FINDING_CODES, type Finding } from '../../src/chain/finding.js'
import { assess, type Signs } from '../../src/reconcile/assess.js'
import { beginChain, failed, type Progress } from '../../src/reconcile/progress.js'
import { widened } from '../../src/verify/widen-segment.js'

const DAY = 86_400_000
const SETTINGS = { every: 30_000, fullEvery: DAY, concurrency: 2, patience: 10_000 }
const NOW = 10 * DAY
const verified: Progress = {
  ...beginChain('a', undefined, 0, DAY),
  boot: undefined,
  rolling: { reached: { seq: 0 }, startedAt: NOW },
  fullAt: NOW - DAY,
}
const WELL: Signs = {
  open: 0,
  acknowledged: 0,
  isFirstPassDone: true,
  quarantineReadAt: NOW,
  glanceAt: NOW,
  chains: [verified],
}
const blind = (code: 'generation_unknown' | 'database_unavailable' | 'internal', since: number): Progress =>
  failed(verified, 'tail', code, since)

describe('readiness', () => {
  it.each<[string, string, Partial<Signs>]>([
    ['ready', 'where nothing is wrong', {}],
    ['ready', 'where there is no chain', { chains: [] }],
    ['degraded', 'where every finding is acknowledged', { acknowledged: 3 }],
    ['pending', 'until every chain is verified', { isFirstPassDone: false, acknowledged: 3 }],
    ['diverged', 'where a finding stands', { open: 1, acknowledged: 3 }],
    [
      'diverged',
      'before anything else',
      { open: 1, isFirstPassDone: false, quarantineReadAt: 0, glanceAt: 0 },
    ],
    ['stalled', 'where the quarantine is not told of', { quarantineReadAt: NOW - 10_001 }],
    ['stalled', 'where the chains are not told of', { glanceAt: NOW - 100_001 }],
    ['ready', 'after a hiccup', { quarantineReadAt: NOW - 9_999, glanceAt: NOW - 99_999 }],
    [
      'stalled',
      'where one chain cannot be checked',
      { chains: [verified, blind('generation_unknown', NOW)] },
    ],
    ['stalled', 'where a bug is in the way', { chains: [blind('internal', NOW)] }],
    [
      'stalled',
      'and says so rather than pending',
      { isFirstPassDone: false, chains: [blind('internal', NOW)] },
    ],
    ['ready', 'while a connection may come back', { chains: [blind('database_unavailable', NOW - 9_999)] }],
    ['stalled', 'when it does not', { chains: [blind('database_unavailable', NOW - 10_001)] }],
    ['stalled', 'where passes do not end', { chains: [{ ...verified, fullAt: NOW - 2 * DAY - 60_001 }] }],
  ])('is %s %s', (state, _, patch) => {
    expect(assess({ ...WELL, ...patch }, SETTINGS, NOW)).toBe(state)
  })
})

const finding = (code: Finding['code'], seqFrom: number, seqTo: number): Finding => ({
  code,
  seqFrom,
  seqTo,
  detail: '',
})

describe('a segment with findings', () => {
  it.each<[string, Finding[], ReturnType<typeof widened>]>([
    ['stays as it is without any', [], undefined],
    ['stays as it is where they lie within', [finding('broken_link', 102, 198)], undefined],
    ['is looked at from further up', [finding('broken_link', 101, 102)], { from: 51, to: 200 }],
    ['is looked at further down', [finding('seq_gap', 150, 200)], { from: 101, to: 250 }],
    ['is looked at both ways', [finding('malformed_row', 101, 200)], { from: 51, to: 250 }],
    ['is not for a pin', [finding('unexpected_head', 100, 100)], undefined],
    ['is not for a head', [finding('head_mismatch', 300, 400)], undefined],
  ])('%s', (_, findings, expected) => {
    expect(widened(findings, 101, 200, 50)).toEqual(expected)
  })

  it('ends in the end: from 1 to the end of the chain nothing is widened', () => {
    fc.assert(
      fc.property(fc.constantFrom(...FINDING_CODES), fc.nat(), fc.nat(), (code, from, length) => {
        expect(widened([finding(code, from, from + length)], 1, undefined, 1)).toBeUndefined()
      }),
    )
  })
})
