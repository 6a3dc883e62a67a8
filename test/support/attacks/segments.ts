import {
  A,
  type Attack,
  broken,
  found,
  gap,
  HEADS,
  head,
  malformed,
  mismatch,
  unexpected,
  unseen,
} from './attack.js'
import { a, rehashed, rewritten } from './chains.js'
import { change, insert, moveHead, NO_CHECKS, NO_KEYS, put, remove, set } from './statements.js'

const segment = (from?: number, to?: number) => [
  '--domain',
  A,
  ...(from === undefined ? [] : ['--from-seq', String(from)]),
  ...(to === undefined ? [] : ['--to-seq', String(to)]),
]

const EDIT = change(4, { relation: 'x' })
const edit = mismatch({ ...a(4), relation: 'x' })
const forged = rehashed({ ...a(4), relation: 'x' })
const FORGE = change(4, { relation: 'x', entryHash: forged.entryHash })
const link = broken(5, forged.entryHash, a(5).prevHash)
const CUT = remove('seq > 5')
const cut = head(6, 8, { expected: a(5).entryHash, observed: a(8).entryHash })
const stray = rehashed({ ...a(8), seq: 9, prevHash: a(8).entryHash })
const beyond = head(9, 9, { expected: stray.entryHash, observed: a(8).entryHash })

const SEGMENTS: readonly Attack[] = [
  found('segment: the edited row alone', EDIT, [edit], segment(4, 4)),
  found('segment: around the edited row', EDIT, [edit], segment(2, 6)),
  found('segment: beginning with the edited row', EDIT, [edit], segment(4)),
  found('segment: ending with the edited row', EDIT, [edit], segment(undefined, 4)),
  unseen('segment: before the edited row', EDIT, segment(undefined, 3)),
  unseen('segment: after the edited row', EDIT, segment(5)),
  found('segment: after the rehashed row', FORGE, [link], segment(5)),
  found('segment: the row after the rehashed one alone', FORGE, [link], segment(5, 5)),
  unseen('segment: ending with the rehashed row', FORGE, segment(undefined, 4)),
  unseen('segment: beginning behind the row that no longer links', FORGE, segment(6)),
  found(
    'segment: after an edited entry_hash',
    change(4, { entryHash: 'f'.repeat(64) }),
    [broken(5, 'f'.repeat(64), a(5).prevHash)],
    segment(5),
  ),
  unseen(
    'segment: after an entry_hash of 31 bytes',
    NO_CHECKS + set(4, 'entry_hash = substr(entry_hash, 1, 31)'),
    segment(5),
  ),
  unseen('segment: after a malformed row', NO_CHECKS + set(4, 'reason = 257'), segment(5)),
  found(
    'segment: beginning with a row whose prev_hash was edited',
    change(4, { prevHash: 'f'.repeat(64) }),
    [broken(4, a(3).entryHash, 'f'.repeat(64))],
    segment(4),
  ),
  unseen('segment: after a deleted row', remove('seq = 4'), segment(5)),
  unseen('segment: before a deleted row', remove('seq = 4'), segment(undefined, 3)),
  found('segment: around a deleted row', remove('seq = 4'), [gap(4, 4, a(5).prevHash)], segment(3, 5)),
  found('segment: beginning with a deleted row', remove('seq = 4'), [gap(4, 4, a(5).prevHash)], segment(4)),
  found('segment: ending with a deleted row', remove('seq = 4'), [gap(4, 4)], segment(undefined, 4)),
  found('segment: a deleted row alone', remove('seq = 4'), [gap(4, 4)], segment(4, 4)),
  found(
    'segment: beginning within a gap',
    remove('seq IN (3, 4, 5)'),
    [gap(4, 5, a(6).prevHash)],
    segment(4),
  ),
  found('segment: ending within a gap', remove('seq IN (3, 4, 5)'), [gap(3, 4)], segment(undefined, 4)),
  found('segment: the genesis row, deleted', remove('seq = 1'), [gap(1, 1)], segment(1, 1)),
  found(
    'segment: beginning after a duplicated row',
    NO_KEYS + insert(forged) + change(5, { relation: 'y' }),
    [mismatch({ ...a(5), relation: 'y' })],
    segment(5),
  ),
  unseen('segment: beginning after a row duplicated by a forged one', NO_KEYS + insert(forged), segment(5)),
  unseen('segment: before a cut tail', CUT, segment(undefined, 4)),
  unseen('segment: all rows before a cut tail', CUT, segment(undefined, 5)),
  found('segment: ending within a cut tail', CUT, [cut], segment(undefined, 6)),
  found('segment: ending with a cut tail', CUT, [cut], segment(undefined, 8)),
  found('segment: beginning within a cut tail', CUT, [cut], segment(7)),
  found(
    'segment: to the last row, with an edited head',
    moveHead(8, 'f'.repeat(64)),
    [head(8, 8, { expected: a(8).entryHash, observed: 'f'.repeat(64) })],
    segment(7, 8),
  ),
  unseen(
    'segment: before the last row, with an edited head',
    moveHead(8, 'f'.repeat(64)),
    segment(undefined, 7),
  ),
  unseen('segment: to the head, with a row beyond it', insert(stray), segment(undefined, 8)),
  found('segment: to a row beyond the head', insert(stray), [beyond], segment(undefined, 9)),
  beyondTheEnd('segment: ending beyond the end', '', segment(undefined, 9)),
  beyondTheEnd('segment: beginning beyond the end', '', segment(9)),
  beyondTheEnd('segment: ending beyond the end of a damaged chain', EDIT, segment(undefined, 9)),
  beyondTheEnd(
    'segment: ending beyond a rewound head',
    CUT + moveHead(5, a(5).entryHash),
    segment(undefined, 6),
  ),
]

function beyondTheEnd(name: string, sql: string, verify: readonly string[]): Attack {
  return { name, sql, verify, exit: 4, findings: [], error: 'nothing_to_verify' }
}

const suffix = rewritten(4, { relation: 'project.read' })
const last = suffix.at(-1)?.entryHash ?? ''
const REWRITE = suffix.map(put).join('') + moveHead(8, last)
const pinned = (seq: number) => ['--domain', A, '--expect-head', `${seq}:${a(seq).entryHash}`]
const convicted = unexpected(8, { expected: a(8).entryHash, observed: last })

const REWRITTEN: readonly Attack[] = [
  unseen('rewritten: the whole suffix', REWRITE),
  unseen('rewritten: the whole suffix, every chain', REWRITE, ['--all']),
  unseen('rewritten: the whole suffix, pinned before it', REWRITE, pinned(3)),
  found('rewritten: the whole suffix, pinned', REWRITE, [convicted], pinned(8)),
  found(
    'rewritten: the whole suffix, pinned within it',
    REWRITE,
    [unexpected(4, { expected: a(4).entryHash, observed: suffix[0]?.entryHash ?? '' })],
    pinned(4),
  ),
  found(
    'rewritten: the whole suffix, pinned by a file',
    REWRITE,
    [convicted],
    ['--domain', A, '--expect-heads', HEADS],
  ),
  found(
    'rewritten: the whole suffix, every chain pinned by a file',
    REWRITE,
    [convicted],
    ['--all', '--expect-heads', HEADS],
  ),
  found('rewritten: the whole suffix, the head left', suffix.map(put).join(''), [
    head(8, 8, { expected: last, observed: a(8).entryHash }),
  ]),
  found(
    'rewritten: all of the chain, pinned',
    rewritten(1, { relation: 'x' }).map(put).join('') +
      moveHead(8, rewritten(1, { relation: 'x' }).at(-1)?.entryHash ?? ''),
    [
      unexpected(8, {
        expected: a(8).entryHash,
        observed: rewritten(1, { relation: 'x' }).at(-1)?.entryHash ?? '',
      }),
    ],
    pinned(8),
  ),
]

const sixth = rehashed({ ...a(6), object: 'project:x' })

const SEVERAL: readonly Attack[] = [
  found(
    'several: an edit, a range of edits, a gap and a forged row',
    change(1, { relation: 'x' }) +
      change(3, { relation: 'x' }) +
      change(4, { object: 'project:x' }) +
      remove('seq = 5') +
      change(6, { object: 'project:x', entryHash: sixth.entryHash }),
    [
      mismatch({ ...a(1), relation: 'x' }),
      mismatch({ ...a(3), relation: 'x' }, 4),
      gap(5, 5, a(6).prevHash),
      broken(7, sixth.entryHash, a(7).prevHash),
    ],
  ),
  found('several: every row edited', `UPDATE audit_log_entry SET relation = 'x' WHERE domain_id = '${A}';`, [
    mismatch({ ...a(1), relation: 'x' }, 8),
  ]),
  found(
    'several: malformed rows apart, an edit between them, the tail cut',
    NO_CHECKS +
      set(2, 'reason = 257') +
      change(3, { zedtoken: 'x' }) +
      set(4, `recorded_at = 'infinity'`) +
      remove('seq = 8'),
    [
      malformed(2, a(2).entryHash),
      mismatch({ ...a(3), zedtoken: 'x' }),
      malformed(4, a(4).entryHash),
      head(8, 8, { expected: a(7).entryHash, observed: a(8).entryHash }),
    ],
  ),
]

export const SEGMENTED: readonly Attack[] = [...SEGMENTS, ...REWRITTEN, ...SEVERAL]
