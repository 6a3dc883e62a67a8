import { describe, expect, it } from 'vitest'
import type { NotSigned } from '../../src/ports/alerts.js'
import { NotSignedAlerts } from '../../src/signer/not-signed-alerts.js'

/** The reasons of each pass by chain, and the alerts that each pass raises: chain, reason, and the pass that began it. */
type Pass = Readonly<Record<string, string | undefined>>
type Raised = readonly (readonly [chain: string, reason: string, since: number])[]

const CASES: readonly (readonly [name: string, passes: readonly (readonly [Pass, Raised])[]])[] = [
  ['nothing for chains that are signed', [[{ a: undefined, b: undefined }, []]]],
  [
    'a reason once while it lasts',
    [
      [{ a: 'rows_held' }, [['a', 'rows_held', 0]]],
      [{ a: 'rows_held' }, []],
      [{ a: 'rows_held' }, []],
    ],
  ],
  [
    'a reason that changes',
    [
      [{ a: 'mirror_unreadable' }, [['a', 'mirror_unreadable', 0]]],
      [{ a: 'findings' }, [['a', 'findings', 1]]],
    ],
  ],
  [
    'a reason that comes back after the chain was signed',
    [
      [{ a: 'rows_held' }, [['a', 'rows_held', 0]]],
      [{ a: undefined }, []],
      [{ a: 'rows_held' }, [['a', 'rows_held', 2]]],
    ],
  ],
  [
    'a reason that comes back after the chain had nothing to sign',
    [
      [{ a: 'rows_held' }, [['a', 'rows_held', 0]]],
      [{}, []],
      [{ a: 'rows_held' }, [['a', 'rows_held', 2]]],
    ],
  ],
  [
    'each chain by itself',
    [
      [{ a: 'rows_held', b: undefined }, [['a', 'rows_held', 0]]],
      [{ a: 'rows_held', b: 'conflict' }, [['b', 'conflict', 1]]],
    ],
  ],
]

describe('NotSignedAlerts', () => {
  it.each(CASES)('raises %s', (_name, passes) => {
    let now = 0
    const raised: NotSigned[] = []
    const alerts = new NotSignedAlerts({ notSigned: (one) => void raised.push(one) }, () => now)
    for (const [at, [pass, expected]] of passes.entries()) {
      now = at
      raised.length = 0
      alerts.report(Object.entries(pass).map(([domainId, reason]) => ({ domainId, reason })))
      expect(raised.map(({ domainId, reason, since }) => [domainId, reason, since])).toEqual(expected)
    }
  })
})
