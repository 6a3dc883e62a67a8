import { expect, it } from 'vitest'
import type { Finding } from '../../src/chain/finding.js'
import { ZERO_HASH } from '../../src/chain/hash.js'
import type { EntrySource, Scan } from '../../src/ports/verify.js'
import { endProof, pinnedThrough } from '../../src/verify/end/end-proof.js'

const hash = (digit: string) => digit.repeat(64)
const LAST = { seq: 281, hash: hash('a') }
const POSTGRES = { name: 'postgres', keepsHead: true } as const
const MIRROR = { name: 'mirror', keepsHead: false } as const
const BUNDLE = { name: 'bundle', keepsHead: true } as const

interface Case {
  readonly source?: Pick<EntrySource, 'name' | 'keepsHead'>
  readonly pins?: readonly { seq: number; hash: string }[]
  readonly scan?: Partial<Scan>
  readonly findings?: readonly Finding[]
}

function judged({ source = POSTGRES, pins = [], scan = {}, findings = [] }: Case) {
  const whole: Scan = { known: true, head: LAST, fold: { rows: 281, last: LAST, findings: [] }, ...scan }
  const found = { findings, doubts: [] }
  return [endProof(source, { pins }, whole, found), pinnedThrough({ pins }, whole, found)]
}

const found = (code: Finding['code'], seqFrom: number, seqTo = seqFrom): Finding => ({
  code,
  seqFrom,
  seqTo,
  detail: '',
})
const EMPTY = { rows: 0, findings: [] }

it.each<[string, Case, ReturnType<typeof judged>]>([
  ['a database whose head row agrees', {}, ['head', undefined]],
  ['a mirror, which has no head', { source: MIRROR, scan: { head: undefined } }, ['unproven', undefined]],
  ['a bundle, whose head is a part of the file', { source: BUNDLE }, ['unproven', undefined]],
  [
    'a segment that ends before the head',
    { scan: { head: { seq: 282, hash: hash('b') } } },
    ['unproven', undefined],
  ],
  ['a head with another hash', { scan: { head: { ...LAST, hash: hash('b') } } }, ['unproven', undefined]],
  ['a chain without a head', { scan: { head: undefined } }, ['unproven', undefined]],
  [
    'a head that counts no rows',
    { scan: { head: { seq: 0, hash: ZERO_HASH }, fold: EMPTY } },
    ['head', undefined],
  ],
  ['no rows and no head', { scan: { head: undefined, fold: EMPTY } }, ['unproven', undefined]],
  ['a pin at the last row of a database', { pins: [LAST] }, ['pinned', 281]],
  ['a pin at the last row of a mirror', { source: MIRROR, pins: [LAST] }, ['pinned', 281]],
  ['a pin at the last row of a bundle', { source: BUNDLE, pins: [LAST] }, ['pinned', 281]],
  [
    'a pin at an earlier row of a mirror',
    { source: MIRROR, pins: [{ seq: 100, hash: hash('c') }] },
    ['unproven', 100],
  ],
  ['a pin at an earlier row of a database', { pins: [{ seq: 100, hash: hash('c') }] }, ['head', 100]],
  [
    'a pin at the last row with another hash',
    { source: MIRROR, pins: [{ ...LAST, hash: hash('c') }], findings: [found('unexpected_head', 281)] },
    ['unproven', undefined],
  ],
  [
    'a pin beyond the last row beside one that holds',
    {
      source: MIRROR,
      pins: [LAST, { seq: 300, hash: hash('c') }],
      findings: [found('unexpected_head', 300)],
    },
    ['unproven', 281],
  ],
  ['a finding in the middle', { findings: [found('entry_hash_mismatch', 7)] }, ['head', undefined]],
  ['a finding at the last row', { findings: [found('entry_hash_mismatch', 281)] }, ['unproven', undefined]],
  [
    'rows that only the mirror has, after the end',
    { findings: [found('row_missing', 282, 290)] },
    ['unproven', undefined],
  ],
  ['a head that does not match', { findings: [found('head_mismatch', 100, 281)] }, ['unproven', undefined]],
  ['a chain that nobody created', { findings: [found('chain_unknown', 1)] }, ['unproven', undefined]],
  ['a scan that broke off', { scan: { isCut: true }, pins: [LAST] }, ['unproven', undefined]],
])('judges the end of %s', (_name, given, expected) => {
  expect(judged(given)).toEqual(expected)
})

it('does not prove the end where something else could not be checked', () => {
  const scan: Scan = { known: true, head: LAST, fold: { rows: 281, last: LAST, findings: [] } }
  const doubts = [new Error('unread') as never]
  expect(endProof(POSTGRES, { pins: [LAST] }, scan, { findings: [found('seq_gap', 3)], doubts })).toBe(
    'unproven',
  )
})
