import { describe, expect, it } from 'vitest'
import { checkCommands } from '../../src/cli/report/copy-words.js'
import { filterWords } from '../../src/cli/report/flags.js'
import type { Verdict } from '../../src/verify/verdict.js'
import { chainOf, DOMAIN } from '../support/chain-builder.js'
import { verdictOn } from '../support/report-pages.js'

const hashOf = (digit: string) => digit.repeat(64)
const pin = (seq: number, digit = 'a') => ({ seq, hash: hashOf(digit) })

describe('the commands of a report', () => {
  const verify = `audit verify --domain ${DOMAIN} --source mirror`
  const broken = (seq: number): Partial<Verdict> => ({
    findings: [{ code: 'unexpected_head', seqFrom: seq, seqTo: seq, detail: 'd' }],
  })

  it.each([
    ['without a pin', [], {}, ''],
    ['with one pin', [pin(3)], {}, ` --expect-head 3:${hashOf('a')}`],
    ['with the newest of several pins', [pin(3), pin(9), pin(5)], {}, ` --expect-head 9:${hashOf('a')}`],
    [
      'with a pin that the chain contradicts before a newer one',
      [pin(3), pin(9), pin(5, 'b')],
      broken(5),
      ` --expect-head 5:${hashOf('b')}`,
    ],
  ])('repeat the check %s', (_name, pins, patch, words) => {
    const chain = { domainId: DOMAIN, pins, verdict: verdictOn(chainOf(12), patch) }
    expect(checkCommands({ source: 'mirror' }, [chain])).toEqual([`${verify}${words}`])
  })

  it('repeat the segment that was checked', () => {
    const chain = { domainId: DOMAIN, pins: [], verdict: verdictOn(chainOf(12)) }
    const copy = { source: 'mirror', fromSeq: 2, toSeq: 5 } as const
    expect(checkCommands(copy, [chain])).toEqual([`${verify} --from-seq 2 --to-seq 5`])
  })
})

describe('the filter of a report', () => {
  const at = 1_689_000_000_000_000n
  const TIME = '2023-07-10T14:40:00.000000Z'

  it.each([
    ['nothing', {}, {}, []],
    ['flags as they were given', { relation: 'x', denied: true }, {}, ['--relation=x', '--denied=']],
    [
      'the instants of days',
      { from: '2023-07-10', to: '2023-07-11' },
      { from: at, to: at },
      [`--from=${TIME}`, `--to=${TIME}`],
    ],
    ['the instant of a duration', { since: '7d' }, { from: at }, [`--from=${TIME} (--since 7d)`]],
    ['several reasons', { reason: ['granted', 'unknown'] }, {}, ['--reason=granted, unknown']],
  ])('names %s', (_name, flags, understood, words) => {
    expect(filterWords(flags, understood).map(([name, value]) => `${name}=${value}`)).toEqual(words)
  })
})
