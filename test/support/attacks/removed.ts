import {
  A,
  ALL,
  type Attack,
  B,
  broken,
  found,
  gap,
  HEADS,
  head,
  mismatch,
  missing,
  ON_B,
  ON_PLATFORM,
  PLATFORM,
  unexpected,
  unseen,
} from './attack.js'
import { a, b, computed, type PlainRow, platform } from './chains.js'
import { change, dropHead, dropRegistration, insert, moveHead, put, remove, wipe } from './statements.js'

const PINNED = ['--domain', A, '--expect-head', `8:${a(8).entryHash}`]
const PINNED_BY_FILE = ['--domain', A, '--expect-heads', HEADS]
const ALL_PINNED = ['--all', '--expect-heads', HEADS]

const SECOND_HEAD = (seq: number, hash: string) =>
  `ALTER TABLE audit_log_chain_head DROP CONSTRAINT audit_log_chain_head_pkey;
   INSERT INTO audit_log_chain_head VALUES ('${A}', ${seq + 1}, '\\x${hash}');`

const DELETED: readonly Attack[] = [
  found('added: a second head, of the last row by another hash', SECOND_HEAD(8, 'ab'.repeat(32)), [
    head(8, 8, { expected: a(8).entryHash, observed: 'ab'.repeat(32) }),
  ]),
  found('added: a second head, of an earlier row', SECOND_HEAD(3, a(3).entryHash), [
    head(4, 8, { expected: a(8).entryHash, observed: a(3).entryHash }),
  ]),
  found('deleted: a row in the middle', remove('seq = 4'), [gap(4, 4, a(5).prevHash)]),
  found('deleted: neighbours', remove('seq IN (4, 5)'), [gap(4, 5, a(6).prevHash)]),
  found('deleted: rows apart', remove('seq IN (3, 6)'), [gap(3, 3, a(4).prevHash), gap(6, 6, a(7).prevHash)]),
  found('deleted: every other row', remove('seq IN (2, 4, 6)'), [
    gap(2, 2, a(3).prevHash),
    gap(4, 4, a(5).prevHash),
    gap(6, 6, a(7).prevHash),
  ]),
  found('deleted: the genesis row', remove('seq = 1'), [gap(1, 1, a(2).prevHash)]),
  found('deleted: the start', remove('seq <= 3'), [gap(1, 3, a(4).prevHash)]),
  found('deleted: the last row', remove('seq = 8'), [
    head(8, 8, { expected: a(7).entryHash, observed: a(8).entryHash }),
  ]),
  found('deleted: all but the last row', remove('seq < 8'), [gap(1, 7, a(8).prevHash)]),
  found('deleted in the middle, the gap closed', remove('seq = 4') + closeGap(), [
    mismatch({ ...a(5), seq: 4 }, 7),
    broken(4, a(3).entryHash, a(5).prevHash),
    head(8, 8, { expected: a(8).entryHash, observed: a(8).entryHash }),
  ]),
]

/** Renumbers rows 5 to 8 as 4 to 7, one by one, because the key is checked row by row. */
function closeGap(): string {
  return [5, 6, 7, 8].map((seq) => change(seq, { seq: seq - 1 })).join('')
}

const CUT = remove('seq > 5')
const CUT_AND_REWOUND = CUT + moveHead(5, a(5).entryHash)
const lost = unexpected(8, { expected: a(8).entryHash })

const TAIL: readonly Attack[] = [
  found('tail cut', CUT, [head(6, 8, { expected: a(5).entryHash, observed: a(8).entryHash })]),
  found(
    'tail cut, pinned',
    CUT,
    [head(6, 8, { expected: a(5).entryHash, observed: a(8).entryHash }), lost],
    PINNED,
  ),
  unseen('tail cut and head rewound', CUT_AND_REWOUND),
  unseen('tail cut and head rewound, every chain', CUT_AND_REWOUND, ALL),
  found('tail cut and head rewound, pinned', CUT_AND_REWOUND, [lost], PINNED),
  found('tail cut and head rewound, pinned by a file', CUT_AND_REWOUND, [lost], PINNED_BY_FILE),
  found('tail cut and head rewound, every chain pinned by a file', CUT_AND_REWOUND, [lost], ALL_PINNED),
  unseen('tail cut and head rewound, pinned before the cut', CUT_AND_REWOUND, [
    '--domain',
    A,
    '--expect-head',
    `5:${a(5).entryHash}`,
  ]),
  found('tail cut and head rewound too far', CUT + moveHead(4, a(4).entryHash), [
    head(5, 5, { expected: a(5).entryHash, observed: a(4).entryHash }),
  ]),
]

const swapped = (chain: string, x: number, y: number) =>
  change(x, { seq: 1000 }, chain) + change(y, { seq: x }, chain) + change(1000, { seq: y }, chain)
const content = ({ subjectPseudonym, relation, object, correlationId, zedtoken, recordedAt }: PlainRow) => ({
  subjectPseudonym,
  relation,
  object,
  correlationId,
  zedtoken,
  recordedAt,
})

const SWAPPED: readonly Attack[] = [
  found('swapped: the seq of two neighbours', swapped(A, 3, 4), [
    mismatch({ ...a(4), seq: 3 }, 4),
    broken(3, a(2).entryHash, a(3).entryHash, 5),
  ]),
  found('swapped: the seq of two rows apart', swapped(A, 3, 6), [
    mismatch({ ...a(6), seq: 3 }),
    broken(3, a(2).entryHash, a(5).entryHash, 4),
    mismatch({ ...a(3), seq: 6 }),
    broken(6, a(5).entryHash, a(2).entryHash, 7),
  ]),
  found('swapped: the contents of two rows', change(3, content(a(4))) + change(4, content(a(3))), [
    mismatch({ ...a(3), ...content(a(4)) }, 4),
  ]),
]

const stray = { ...a(6), domainId: B }
const overwriting = { ...a(3), domainId: B }

const COPIED: readonly Attack[] = [
  found(
    'copied: a row to the end of another Domain’s chain',
    insert(stray),
    [
      mismatch(stray),
      broken(6, b(5).entryHash, a(6).prevHash, 6, B),
      head(6, 6, { expected: a(6).entryHash, observed: b(5).entryHash }, B),
    ],
    ON_B,
  ),
  found(
    'copied: a row over one of another Domain’s',
    put(overwriting),
    [mismatch(overwriting), broken(3, b(2).entryHash, a(3).prevHash, 4, B)],
    ON_B,
  ),
  found(
    'copied: a row to the end of another Domain’s chain, every chain',
    insert(stray),
    [
      mismatch(stray),
      broken(6, b(5).entryHash, a(6).prevHash, 6, B),
      head(6, 6, { expected: a(6).entryHash, observed: b(5).entryHash }, B),
    ],
    ALL,
  ),
]

const ROWS = remove('true')
const zero = '0'.repeat(64)
const nothing = head(1, 8, { expected: zero, observed: a(8).entryHash })
const EVERYTHING = wipe(A) + dropRegistration(A)
const PLATFORM_WIPED = wipe(PLATFORM)
const UNREGISTERED = PLATFORM_WIPED + dropRegistration(A) + dropRegistration(B)
const elsewhere = 'domain:0190a8b8-a0c0-7a0a-8a0a-a0a0a0a0a0a9'
const renamed = { ...platform(2), relation: 'audit.chain-made' }

const GONE: readonly Attack[] = [
  found('gone: all rows', ROWS, [nothing]),
  found('gone: all rows, every chain', ROWS, [nothing, missing(A, 8)], ALL),
  found('gone: all rows, pinned', ROWS, [nothing, lost], PINNED),
  found('gone: the head', dropHead(A), [head(8, 8, { expected: a(8).entryHash })]),
  found('gone: rows and head', wipe(A), [missing(A)]),
  found('gone: rows and head, every chain', wipe(A), [missing(A)], ALL),
  found('gone: rows, head and registry row', EVERYTHING, [missing(A)], ALL),
  found('gone: rows, head and registry row, verified alone', EVERYTHING, [missing(A)]),
  found('gone: rows, head and registry row, pinned', EVERYTHING, [missing(A), lost], ALL_PINNED),
  found('gone: the registry row', dropRegistration(A), [missing(A, 8)], ALL),
  unseen('gone: the registry row, verified alone', dropRegistration(A)),
  found(
    'gone: a Domain and its row on the platform chain',
    EVERYTHING + remove('seq = 2', PLATFORM),
    [gap(2, 2, platform(3).prevHash, PLATFORM)],
    ALL,
  ),
  {
    name: 'gone: a Domain and its row on the platform chain, verified alone',
    sql: EVERYTHING + remove('seq = 2', PLATFORM),
    verify: ['--domain', A],
    exit: 4,
    findings: [],
    error: 'domain_not_found',
    alsoDamaged: [PLATFORM],
  },
  found('gone: the platform chain', PLATFORM_WIPED, [missing(PLATFORM)], ALL, 'chain_not_recorded'),
  found('gone: the platform chain, verified alone', PLATFORM_WIPED, [missing(PLATFORM)], ON_PLATFORM),
  found(
    'gone: the platform chain and the registry',
    UNREGISTERED,
    [missing(PLATFORM)],
    ALL,
    'chain_not_recorded',
  ),
  found(
    'gone: the platform chain and the registry, verified alone',
    UNREGISTERED,
    [missing(PLATFORM)],
    ON_PLATFORM,
  ),
  found(
    'gone: the rows of the platform chain',
    remove('true', PLATFORM),
    [head(1, 3, { expected: zero, observed: platform(3).entryHash }, PLATFORM), missing(PLATFORM, 3)],
    ALL,
    'chain_not_recorded',
  ),
  found(
    'gone: a Domain, its row on the platform chain edited',
    EVERYTHING + change(2, { relation: renamed.relation }, PLATFORM),
    [mismatch(renamed)],
    ALL,
  ),
  found(
    'edited: a Domain’s row on the platform chain',
    change(2, { relation: renamed.relation }, PLATFORM),
    [mismatch(renamed)],
    ON_PLATFORM,
  ),
  found(
    'edited: a Domain’s row on the platform chain, every chain',
    change(2, { relation: renamed.relation }, PLATFORM),
    [mismatch(renamed)],
    ALL,
    'chain_not_recorded',
  ),
  found(
    'edited: a Domain’s row on the platform chain names another',
    change(2, { object: elsewhere }, PLATFORM),
    [missing(elsewhere.slice(7)), mismatch({ ...platform(2), object: elsewhere })],
    ALL,
    'chain_not_recorded',
  ),
  found(
    'edited and rehashed: the last row of the platform chain',
    change(3, { relation: 'x', entryHash: computed({ ...platform(3), relation: 'x' }) }, PLATFORM),
    [
      head(
        3,
        3,
        { expected: computed({ ...platform(3), relation: 'x' }), observed: platform(3).entryHash },
        PLATFORM,
      ),
    ],
    ALL,
    'chain_not_recorded',
  ),
]

export const REMOVED: readonly Attack[] = [...DELETED, ...TAIL, ...SWAPPED, ...COPIED, ...GONE]
