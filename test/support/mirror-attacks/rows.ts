import { unstampSql } from '../archive-stamps.js'
import {
  ALL,
  broken,
  duplicate,
  gap,
  HEADS,
  head,
  malformed,
  mismatch,
  missing,
  unexpected,
} from '../attacks/attack.js'
import { A, a, B, b, PLATFORM, platform, rehashed, rewritten } from '../attacks/chains.js'
import {
  change,
  dropRegistration,
  insert,
  moveHead,
  NO_CHECKS,
  NO_KEYS,
  put,
  remove,
  set,
  wipe,
} from '../attacks/statements.js'
import {
  at,
  differ,
  diverged,
  failed,
  intact,
  type MirrorAttack,
  objectMissing,
  orphan,
  rowMissing,
  withStrays,
} from './attack.js'
import type { MirrorCopy } from './mirror-copy.js'
import { keyOf } from './objects.js'

const POSTGRES_TOUCHED = /copies_differ .*PostgreSQL was changed; the mirror's chain is intact/
const edited = { ...a(4), relation: 'x' }
const forged = rehashed(edited)
const EDIT = change(4, { relation: 'x' })
const FORGE = change(4, { relation: 'x', entryHash: forged.entryHash })
const suffix = rewritten(4, { relation: 'x' })
const suffixHead = suffix.at(-1)?.entryHash ?? ''
const REWRITE = suffix.map(put).join('') + moveHead(8, suffixHead)
const B_WIPED = wipe(B) + dropRegistration(B)
const WITHOUT_B = B_WIPED + remove('seq = 3', PLATFORM) + moveHead(2, platform(2).entryHash, PLATFORM)
const CUT = remove('seq > 5')

const GONE: readonly MirrorAttack[] = [
  {
    name: 'Postgres: a row deleted in the middle',
    sql: remove('seq = 4'),
    mirror: intact,
    both: diverged([rowMissing(a(4))]),
  },
  {
    name: 'Postgres: rows deleted apart',
    sql: remove('seq IN (1, 4, 5)'),
    mirror: intact,
    both: diverged([rowMissing(a(1)), rowMissing(a(4), 5)]),
  },
  {
    name: 'Postgres: the tail cut',
    sql: CUT,
    mirror: intact,
    both: diverged([rowMissing(a(6), 8), head(6, 8, { expected: a(5).entryHash, observed: a(8).entryHash })]),
  },
  {
    name: 'Postgres: the tail cut and the head rewound',
    sql: CUT + moveHead(5, a(5).entryHash),
    mirror: intact,
    both: diverged([rowMissing(a(6), 8)]),
  },
  {
    name: 'Postgres: the tail cut and the head rewound, a segment beyond it',
    sql: CUT + moveHead(5, a(5).entryHash),
    verify: ['--domain', A, '--from-seq', '7', '--to-seq', '8'],
    mirror: intact,
    both: diverged([rowMissing(a(7), 8)]),
  },
  {
    name: 'Postgres: a deleted Domain',
    sql: B_WIPED,
    verify: ['--domain', B],
    mirror: intact,
    both: diverged([rowMissing(b(1), 5), missing(B)]),
  },
  {
    name: 'Postgres: a deleted Domain, every chain',
    sql: B_WIPED,
    verify: ALL,
    mirror: intact,
    both: diverged([rowMissing(b(1), 5), missing(B)]),
  },
  {
    name: 'Postgres: a Domain deleted with every trace, every chain',
    sql: WITHOUT_B,
    verify: ALL,
    mirror: intact,
    both: diverged([rowMissing(b(1), 5), rowMissing(platform(3))]),
  },
]

const CHANGED: readonly MirrorAttack[] = [
  {
    name: 'Postgres: a row edited',
    sql: EDIT,
    mirror: intact,
    both: diverged([mismatch(edited), differ(a(4), a(4))], POSTGRES_TOUCHED),
  },
  {
    name: 'Postgres: a row edited and rehashed',
    sql: FORGE,
    mirror: intact,
    both: diverged([differ(forged, a(4)), broken(5, forged.entryHash, a(5).prevHash)], POSTGRES_TOUCHED),
  },
  {
    name: 'Postgres: the suffix rewritten, with the head',
    sql: REWRITE,
    mirror: intact,
    both: diverged([differ(suffix[0] ?? a(4), a(4), 8)], /both chain, so one was rewritten/),
  },
  {
    name: 'Postgres: the suffix rewritten, with the head, every chain pinned by a file',
    sql: REWRITE,
    verify: ['--all', '--expect-heads', HEADS],
    mirror: intact,
    both: diverged([
      differ(suffix[0] ?? a(4), a(4), 8),
      unexpected(8, { expected: a(8).entryHash, observed: suffixHead }),
    ]),
  },
  {
    name: 'Postgres: a malformed row',
    sql: NO_CHECKS + set(4, 'reason = 257'),
    mirror: intact,
    both: diverged([malformed(4, a(4).entryHash), differ(a(4), a(4))], POSTGRES_TOUCHED),
  },
  {
    name: 'Postgres: a duplicated row, once forged',
    sql: NO_KEYS + insert(forged),
    mirror: intact,
    both: diverged([duplicate(a(4), forged)]),
  },
  {
    name: 'Postgres: the generation changed',
    sql: NO_CHECKS + set(4, 'generation = 2'),
    mirror: intact,
    both: diverged([differ(a(4), a(4))], undefined, 'generation_unknown'),
  },
]

const generation2 = (mirror: MirrorCopy) => mirror.write(a(4), { format: 'PXA2' })
const inBoth = async (mirror: MirrorCopy, row = edited) => mirror.write(row)

const BOTH: readonly MirrorAttack[] = [
  {
    name: 'both copies: a row edited alike',
    sql: EDIT,
    objects: (mirror) => inBoth(mirror),
    mirror: diverged([mismatch(edited)]),
    both: diverged([mismatch(edited)], /both copies: /),
  },
  {
    name: 'both copies: a row edited and rehashed alike',
    sql: FORGE,
    objects: (mirror) => inBoth(mirror, forged),
    mirror: diverged([broken(5, forged.entryHash, a(5).prevHash)]),
    both: diverged([broken(5, forged.entryHash, a(5).prevHash)], /both copies: /),
  },
  {
    name: 'both copies: a row edited differently',
    sql: EDIT,
    objects: (mirror) => inBoth(mirror, { ...a(4), relation: 'y' }),
    mirror: diverged([mismatch({ ...a(4), relation: 'y' })]),
    both: diverged(
      [mismatch(edited), mismatch({ ...a(4), relation: 'y' }), differ(a(4), a(4))],
      /neither copy is intact/,
    ),
  },
  {
    name: 'both copies: the suffix rewritten alike, with the head',
    sql: REWRITE,
    objects: async (mirror) => {
      for (const row of suffix) await mirror.write(row)
    },
    mirror: intact,
    both: intact,
  },
  {
    name: 'both copies: the suffix rewritten alike, with the head, pinned',
    sql: REWRITE,
    objects: async (mirror) => {
      for (const row of suffix) await mirror.write(row)
    },
    verify: ['--domain', A, '--expect-head', `8:${a(8).entryHash}`],
    mirror: diverged([unexpected(8, { expected: a(8).entryHash, observed: suffixHead })]),
    both: diverged([unexpected(8, { expected: a(8).entryHash, observed: suffixHead })]),
  },
  {
    name: 'both copies: a row deleted',
    sql: remove('seq = 4'),
    objects: (mirror) => mirror.remove(at(4)),
    mirror: diverged([gap(4, 4, a(5).prevHash)]),
    both: diverged([gap(4, 4, a(5).prevHash)], /in both copies/),
  },
  {
    name: 'both copies: the tail cut and the head rewound',
    sql: CUT + moveHead(5, a(5).entryHash),
    objects: async (mirror) => {
      for (const seq of [6, 7, 8]) await mirror.remove(at(seq))
    },
    mirror: intact,
    both: intact,
  },
  {
    name: 'each copy: another row edited',
    sql: change(6, { relation: 'x' }),
    objects: (mirror) => inBoth(mirror, forged),
    mirror: diverged([broken(5, forged.entryHash, a(5).prevHash)]),
    both: diverged([
      differ(a(4), forged),
      broken(5, forged.entryHash, a(5).prevHash),
      mismatch({ ...a(6), relation: 'x' }),
      differ(a(6), a(6)),
    ]),
  },
  {
    name: 'each copy: another row deleted',
    sql: remove('seq = 4'),
    objects: (mirror) => mirror.remove(at(6)),
    mirror: diverged([gap(6, 6, a(7).prevHash)]),
    both: diverged([rowMissing(a(4)), objectMissing(a(6))]),
  },
  {
    name: 'an unknown generation: in the mirror',
    objects: generation2,
    mirror: failed(3, 'generation_unknown'),
    both: diverged([differ(a(4), a(4))], undefined, 'generation_unknown'),
  },
  {
    name: 'an unknown generation: in both copies',
    sql: NO_CHECKS + set(4, 'generation = 2'),
    objects: generation2,
    mirror: failed(3, 'generation_unknown'),
    both: failed(3, 'generation_unknown'),
  },
  {
    name: 'an unknown generation, and damage elsewhere',
    sql: NO_CHECKS + set(4, 'generation = 2'),
    objects: async (mirror) => {
      await generation2(mirror)
      await mirror.put(keyOf(A, 0), Buffer.of(1))
    },
    mirror: diverged([orphan(0)], undefined, 'generation_unknown'),
    both: diverged([orphan(0)], undefined, 'generation_unknown'),
  },
  {
    name: 'no finding: rows that are not archived yet',
    sql: unstampSql(`domain_id = '${A}' AND seq IN (7, 8)`),
    objects: async (mirror) => {
      for (const seq of [7, 8]) await mirror.remove(at(seq))
    },
    mirror: intact,
    both: { ...intact, unarchived: 2 },
  },
  {
    name: 'no finding: a row that is archived and not stamped yet',
    sql: unstampSql(`domain_id = '${A}' AND seq = 8`),
    mirror: intact,
    both: intact,
  },
]

const segment = (from?: number, to?: number) => [
  ...['--domain', A],
  ...(from === undefined ? [] : ['--from-seq', String(from)]),
  ...(to === undefined ? [] : ['--to-seq', String(to)]),
]
const FORGED_OBJECT = (mirror: MirrorCopy) => mirror.write(forged)
const link = broken(5, forged.entryHash, a(5).prevHash)
const deleted = (mirror: MirrorCopy) => mirror.remove(at(4))

const SEGMENTS: readonly MirrorAttack[] = [
  {
    name: 'segment: after the forged object',
    objects: FORGED_OBJECT,
    verify: segment(5),
    mirror: diverged([link]),
    both: diverged([link], /mirror: /),
  },
  {
    name: 'segment: well after the forged object',
    objects: FORGED_OBJECT,
    verify: segment(6),
    mirror: intact,
    both: intact,
  },
  {
    name: 'segment: ending with the forged object',
    objects: FORGED_OBJECT,
    verify: segment(undefined, 4),
    mirror: intact,
    both: diverged([differ(a(4), forged)]),
  },
  {
    name: 'segment: around a deleted object',
    objects: deleted,
    verify: segment(3, 5),
    mirror: diverged([gap(4, 4, a(5).prevHash)]),
    both: diverged([objectMissing(a(4))]),
  },
  {
    name: 'segment: ending with a deleted object',
    objects: deleted,
    verify: segment(undefined, 4),
    mirror: diverged([gap(4, 4)]),
    both: diverged([objectMissing(a(4))]),
  },
  {
    name: 'segment: ending with a row deleted from both copies',
    sql: remove('seq = 4'),
    objects: deleted,
    verify: segment(undefined, 4),
    mirror: diverged([gap(4, 4)]),
    both: diverged([gap(4, 4)]),
  },
  {
    name: 'segment: beginning after a deleted object',
    objects: deleted,
    verify: segment(5),
    mirror: intact,
    both: intact,
  },
  {
    name: 'segment: ending beyond the end',
    verify: segment(undefined, 9),
    mirror: failed(4, 'nothing_to_verify'),
    both: failed(4, 'nothing_to_verify'),
  },
  {
    name: 'segment: a stray outside it is reported too',
    objects: (mirror) => mirror.put(`audit/${A}/7.json`, Buffer.of(1)),
    verify: segment(1, 3),
    mirror: withStrays(intact, '7.json'),
    both: withStrays(intact, '7.json'),
  },
]

export const ROWS_ATTACKED: readonly MirrorAttack[] = [...GONE, ...CHANGED, ...BOTH, ...SEGMENTS]
