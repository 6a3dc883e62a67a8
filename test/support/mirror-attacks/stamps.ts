import { unstampSql } from '../archive-stamps.js'
import { A, a } from '../attacks/chains.js'
import { DROP_WATERMARK, forceWatermark, forgeStamp } from '../attacks/stamps.js'
import { moveHead, remove } from '../attacks/statements.js'
import { at, diverged, intact, type MirrorAttack, objectMissing, rowMissing } from './attack.js'

const unstamped = (...seqs: readonly number[]) =>
  unstampSql(`domain_id = '${A}' AND seq IN (${seqs.join(', ')})`)
const REWOUND = remove('seq > 7') + moveHead(7, a(7).entryHash)

/** Every row has a stamp and an object before the attack. */
export const STAMPS_ATTACKED: readonly MirrorAttack[] = [
  { name: 'stamps: one deleted', sql: unstamped(4), mirror: intact, both: intact },
  { name: 'stamps: all deleted', sql: unstampSql(), mirror: intact, both: intact },
  {
    name: 'stamps: all deleted, and an object',
    sql: unstampSql(),
    objects: (mirror) => mirror.remove(at(8)),
    mirror: intact,
    both: { ...intact, unarchived: 1 },
  },
  {
    name: 'stamps: one forged for a row that was not uploaded',
    objects: (mirror) => mirror.remove(at(8)),
    mirror: intact,
    both: diverged([objectMissing(a(8))]),
  },
  {
    name: 'stamps: one forged at an infinite time for a row that was not uploaded',
    sql: unstamped(8) + forgeStamp(8, "'infinity'"),
    objects: (mirror) => mirror.remove(at(8)),
    mirror: intact,
    both: diverged([objectMissing(a(8))]),
  },
  {
    name: 'stamps: one that is older than its row',
    sql: unstamped(8) + forgeStamp(8, "'2001-01-01'"),
    mirror: intact,
    both: intact,
  },
  {
    name: 'stamps: one that is older than its row, which was not uploaded',
    sql: unstamped(8) + forgeStamp(8, "'2001-01-01'"),
    objects: (mirror) => mirror.remove(at(8)),
    mirror: intact,
    both: { ...intact, unarchived: 1 },
  },
  {
    name: 'stamps: one without a row and without an object',
    sql: forgeStamp(9),
    mirror: intact,
    both: intact,
  },
  {
    name: 'stamps: one whose row was deleted, with its object',
    sql: REWOUND,
    mirror: intact,
    both: diverged([rowMissing(a(8))]),
  },
  {
    name: 'stamps: one whose row and object were deleted',
    sql: REWOUND,
    objects: (mirror) => mirror.remove(at(8)),
    mirror: intact,
    both: intact,
  },
  {
    name: 'stamps: the watermark forced beyond everything, and an object deleted',
    sql: forceWatermark('9007199254740991'),
    objects: (mirror) => mirror.remove(at(8)),
    mirror: intact,
    both: diverged([objectMissing(a(8))]),
  },
  {
    name: 'stamps: the watermark forced beyond everything, a stamp and an object deleted',
    sql: forceWatermark('9007199254740991') + unstamped(8),
    objects: (mirror) => mirror.remove(at(8)),
    mirror: intact,
    both: { ...intact, unarchived: 1 },
  },
  {
    name: 'stamps: the watermark deleted',
    sql: forceWatermark(8) + DROP_WATERMARK,
    mirror: intact,
    both: intact,
  },
]
