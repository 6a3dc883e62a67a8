import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { FINDING_CODES, type Finding } from '../../src/chain/finding.js'
import { assess, type ReadinessInputs } from '../../src/reconcile/assess.js'
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
const WELL: ReadinessInputs = {
  open: 0,
  acknowledged: 0,
  isFirstPassDone: true,
  quarantineReadAt: NOW,
  glanceAt: NOW,
  chains: [verified],
}
const unchecked = (
  code: 'generation_unknown' | 'database_unavailable' | 'internal',
  since: number,
): Progress => failed(verified, 'tail', code, since)

describe('assess', () => {
  it.each<[string, string, Partial<ReadinessInputs>]>([
    ['ready', 'if nothing is wrong', {}],
    ['ready', 'if there is no chain', { chains: [] }],
    ['degraded', 'if every finding is acknowledged', { acknowledged: 3 }],
    ['pending', 'until every chain is verified', { isFirstPassDone: false, acknowledged: 3 }],
    ['diverged', 'if a finding is not acknowledged', { open: 1, acknowledged: 3 }],
    [
      'diverged',
      'before any other state',
      { open: 1, isFirstPassDone: false, quarantineReadAt: 0, glanceAt: 0 },
    ],
    ['stalled', 'if the quarantine was not read for too long', { quarantineReadAt: NOW - 10_001 }],
    ['stalled', 'if the list of chains was not read for too long', { glanceAt: NOW - 100_001 }],
    ['ready', 'after a short outage', { quarantineReadAt: NOW - 9_999, glanceAt: NOW - 99_999 }],
    [
      'stalled',
      'if one chain cannot be checked',
      { chains: [verified, unchecked('generation_unknown', NOW)] },
    ],
    ['stalled', 'if a check fails with an internal error', { chains: [unchecked('internal', NOW)] }],
    ['stalled', 'before pending', { isFirstPassDone: false, chains: [unchecked('internal', NOW)] }],
    [
      'ready',
      'while a lost connection may return',
      { chains: [unchecked('database_unavailable', NOW - 9_999)] },
    ],
    [
      'stalled',
      'if a lost connection does not return in time',
      { chains: [unchecked('database_unavailable', NOW - 10_001)] },
    ],
    ['stalled', 'if full passes do not end', { chains: [{ ...verified, fullAt: NOW - 2 * DAY - 60_001 }] }],
  ])('returns %s %s', (state, _, patch) => {
    expect(assess({ ...WELL, ...patch }, SETTINGS, NOW)).toBe(state)
  })
})

const finding = (code: Finding['code'], seqFrom: number, seqTo: number): Finding => ({
  code,
  seqFrom,
  seqTo,
  detail: '',
})

describe('widened', () => {
  it.each<[string, Finding[], ReturnType<typeof widened>]>([
    ['keeps a segment without findings', [], undefined],
    ['keeps a segment whose findings do not reach its edges', [finding('broken_link', 102, 198)], undefined],
    ['widens the segment at its start', [finding('broken_link', 101, 102)], { from: 51, to: 200 }],
    ['widens the segment at its end', [finding('seq_gap', 150, 200)], { from: 101, to: 250 }],
    ['widens the segment at both ends', [finding('malformed_row', 101, 200)], { from: 51, to: 250 }],
    ['ignores an unexpected head', [finding('unexpected_head', 100, 100)], undefined],
    ['ignores a head mismatch', [finding('head_mismatch', 300, 400)], undefined],
  ])('%s', (_, findings, expected) => {
    expect(widened(findings, 101, 200, 50)).toEqual(expected)
  })

  it('never widens the whole chain', () => {
    fc.assert(
      fc.property(fc.constantFrom(...FINDING_CODES), fc.nat(), fc.nat(), (code, from, length) => {
        expect(widened([finding(code, from, from + length)], 1, undefined, 1)).toBeUndefined()
      }),
    )
  })
})
