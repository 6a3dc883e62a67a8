import { stampSql } from '../archive-stamps.js'
import { ALL, unknownChain } from '../attacks/attack.js'
import { PLATFORM } from '../attacks/chains.js'
import { REGISTERED, STRANGER, strangerRows, strangerSql } from '../attacks/unknown-chains.js'
import { T0 } from '../chain-rows.js'
import { diverged, intact, type MirrorAttack, rowMissing } from './attack.js'
import type { MirrorCopy } from './mirror-copy.js'
import { keyOf } from './objects.js'

const before = strangerRows(1, 2)
const after = strangerRows(4, 5)
const [first] = before
if (first === undefined) throw new Error('the stranger has no row')
const STAMPED = stampSql(`domain_id = '${STRANGER}'`)
const writing = (rows: typeof before) => async (mirror: MirrorCopy) => {
  for (const row of rows) await mirror.write(row)
}

export const UNKNOWN_CHAINS: readonly MirrorAttack[] = [
  {
    name: 'unknown: a chain in the mirror alone',
    objects: writing(before),
    verify: ALL,
    mirror: diverged([unknownChain(STRANGER, 2)]),
    both: diverged([rowMissing(first, 2)]),
  },
  {
    name: 'unknown: a chain in both copies',
    sql: strangerSql(before) + REGISTERED + STAMPED,
    objects: writing(before),
    verify: ALL,
    mirror: diverged([unknownChain(STRANGER, 2)]),
    both: diverged([unknownChain(STRANGER, 2)]),
  },
  {
    name: 'unknown: a chain that is newer than the last archived row of the platform chain',
    sql: strangerSql(after) + REGISTERED + STAMPED,
    objects: writing(after),
    verify: ALL,
    mirror: intact,
    both: { exit: 3, findings: [], error: 'chain_not_recorded' },
  },
  {
    name: 'unknown: a chain, where the clock of the platform chain was ahead when its last row was stored',
    objects: async (mirror) => {
      await writing(before)(mirror)
      // The row of second 3 was stored at second -97.
      await mirror.date(keyOf(PLATFORM, 3), Number(T0 / 1_000_000n) - 97)
    },
    verify: ALL,
    mirror: { exit: 3, findings: [], error: 'chain_not_recorded' },
    both: diverged([rowMissing(first, 2)]),
  },
  {
    name: 'unknown: a chain, and rows of the platform chain that are still to come',
    sql: strangerSql(before) + REGISTERED + STAMPED,
    objects: async (mirror) => {
      await writing(before)(mirror)
      for (const seq of [1, 2, 3]) await mirror.remove(keyOf(PLATFORM, seq))
    },
    verify: ['--domain', STRANGER],
    mirror: intact,
    both: intact,
  },
]
