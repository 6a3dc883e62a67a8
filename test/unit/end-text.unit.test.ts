import { expect, it } from 'vitest'
import { ZERO_HASH } from '../../src/chain/hash.js'
import { endLines } from '../../src/cli/verify/end-text.js'
import { verdictText } from '../../src/cli/verify/text.js'
import type { Verdict } from '../../src/verify/verdict.js'
import { chainOf } from '../support/chain-builder.js'
import { verdictOn } from '../support/report-pages.js'

const NOT_SHOWN = 'that no newer rows were removed is not shown'

it.each<[string, Partial<Verdict>, string]>([
  ['a whole mirror', { source: 'mirror' }, NOT_SHOWN],
  ['a whole evidence file', { source: 'bundle' }, NOT_SHOWN],
  ['a part of a mirror', { source: 'mirror', toSeq: 12 }, 'the rows after it were not verified'],
  ['a part of a database', { source: 'postgres', toSeq: 12 }, 'the rows after it were not verified'],
  ['a part in an evidence file', { source: 'bundle', toSeq: 12 }, 'the rows after it are not in this file'],
  [
    'a part of a mirror with a pin at its end',
    { source: 'mirror', toSeq: 12, end: 'pinned' },
    'the rows after it were not verified',
  ],
  ['a whole mirror with a pin at its end', { end: 'pinned' }, 'removed again would not show'],
  ['a database whose head row agrees', { source: 'postgres', end: 'head' }, 'own head row agrees'],
])('says of the end of %s what was looked at', (_name, patch, words) => {
  const text = endLines(verdictOn(chainOf(12), patch)).join('\n')
  expect(text).toContain('intact up to row 12')
  expect(text).toContain(words)
})

it('names no command where the log is about to be removed', () => {
  const findings = [{ code: 'entry_hash_mismatch', seqFrom: 4, seqTo: 4, detail: 'd' }] as const
  const verdict = verdictOn(chainOf(12), { findings })
  expect(verdictText(verdict)).toContain('audit verify')
  expect(verdictText(verdict, { isRemoved: true })).not.toContain('audit ')
})

it.each([
  ['no row', 0, 'no head: no row could be read'],
  ['a last row without a hash', 3, 'no head: no last row could be read'],
])('prints no head where there is %s', (_name, rows, says) => {
  const findings = [{ code: 'object_malformed', seqFrom: 4, seqTo: 4, detail: 'd' }] as const
  const verdict = verdictOn(chainOf(3), { findings, rows, head: { seq: 0, hash: ZERO_HASH } })
  const text = verdictText(verdict)
  expect(text).toContain(`\n          ${says}\n`)
  expect(text).not.toContain('head 0:')
})
