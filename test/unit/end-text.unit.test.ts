import { expect, it } from 'vitest'
import { endLines } from '../../src/cli/verify/end-text.js'
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
