import {
  A,
  ALL,
  type Attack,
  B,
  broken,
  found,
  gap,
  head,
  malformed,
  mismatch,
  ON_B,
  unseen,
} from './attack.js'
import { a, b, computed, type PlainRow, rehashed } from './chains.js'
import { change, moveHead, NO_CHECKS, set } from './statements.js'

const F = 'f'.repeat(64)

interface Edit {
  readonly what: string
  readonly patch: Partial<PlainRow>
  /** The format cannot hold the value, so the row is malformed even if its hash is correct. */
  readonly impossible?: true
}

/** Each hashed column, except those that identify the row. */
const EDITS: readonly Edit[] = [
  { what: 'subject_pseudonym', patch: { subjectPseudonym: F } },
  { what: 'relation', patch: { relation: 'project.delete' } },
  { what: 'object', patch: { object: 'project:other' } },
  { what: 'reason', patch: { reason: 3 } },
  { what: 'reason 9', patch: { reason: 9 }, impossible: true },
  { what: 'reason 0', patch: { reason: 0 }, impossible: true },
  { what: 'relation_path, an item', patch: { relationPath: ['org:acme#admin', 'group:ops#member'] } },
  { what: 'relation_path, its order', patch: { relationPath: [...a(4).relationPath].reverse() } },
  { what: 'relation_path, emptied', patch: { relationPath: [] } },
  { what: 'caveat_context, a name', patch: { caveatContext: ['from_cidr.cidr', 'mfa'] } },
  {
    what: 'caveat_context, its order',
    patch: { caveatContext: [...a(4).caveatContext].reverse() },
    impossible: true,
  },
  { what: 'a caveat with a value', patch: { caveatContext: ['amount=4711', 'mfa'] }, impossible: true },
  { what: 'correlation_id', patch: { correlationId: 'req-9' } },
  { what: 'zedtoken', patch: { zedtoken: '' } },
  { what: 'recorded_at, one microsecond later', patch: { recordedAt: a(4).recordedAt + 1n } },
  { what: 'recorded_at, one microsecond earlier', patch: { recordedAt: a(4).recordedAt - 1n } },
  { what: 'text moved between two columns', patch: { correlationId: 'req-4GhU', zedtoken: 'KEzE2ODY4' } },
]

const asIs = ({ what, patch }: Edit): Attack =>
  found(`edited: ${what}`, NO_CHECKS + change(4, patch), [mismatch({ ...a(4), ...patch })])

/** The row has a correct hash again, and the next row no longer links to it. */
function withItsHash({ what, patch, impossible }: Edit): Attack {
  const { entryHash } = rehashed({ ...a(4), ...patch })
  return found(`edited and rehashed: ${what}`, NO_CHECKS + change(4, { ...patch, entryHash }), [
    ...(impossible ? [malformed(4, entryHash)] : []),
    broken(5, entryHash, a(5).prevHash),
  ])
}

const moved = { ...a(6), domainId: B }
const far = { ...a(4), seq: 4000 }

const PLACES: readonly Attack[] = [
  found(
    'edited: domain_id, a row moved to another Domain’s chain',
    change(6, { domainId: B }),
    [
      gap(6, 6, a(7).prevHash),
      mismatch(moved),
      broken(6, b(5).entryHash, a(6).prevHash, 6, B),
      head(6, 6, { expected: a(6).entryHash, observed: b(5).entryHash }, B),
    ],
    ALL,
  ),
  found(
    'edited and rehashed: domain_id',
    change(6, { domainId: B, entryHash: computed(moved) }),
    [
      gap(6, 6, a(7).prevHash),
      broken(6, b(5).entryHash, a(6).prevHash, 6, B),
      head(6, 6, { expected: computed(moved), observed: b(5).entryHash }, B),
    ],
    ALL,
  ),
  found('edited: seq', change(4, { seq: 4000 }), [
    gap(4, 4, a(5).prevHash),
    gap(9, 3999, a(4).prevHash),
    head(9, 4000, { expected: a(4).entryHash, observed: a(8).entryHash }),
    mismatch(far),
  ]),
  found('edited and rehashed: seq', change(4, { seq: 4000, entryHash: computed(far) }), [
    gap(4, 4, a(5).prevHash),
    gap(9, 3999, a(4).prevHash),
    head(9, 4000, { expected: computed(far), observed: a(8).entryHash }),
    // The row recomputes at its new place, and is before row 8.
    malformed(4000, computed(far)),
  ]),
  found('edited: seq of the last row', change(8, { seq: 9 }), [
    gap(8, 8, a(8).prevHash),
    mismatch({ ...a(8), seq: 9 }),
    head(9, 9, { expected: a(8).entryHash, observed: a(8).entryHash }),
  ]),
]

const unlinked = rehashed({ ...a(4), prevHash: F })

const HASHES: readonly Attack[] = [
  found('edited: prev_hash', change(4, { prevHash: F }), [broken(4, a(3).entryHash, F)]),
  found('edited and rehashed: prev_hash', change(4, { prevHash: F, entryHash: unlinked.entryHash }), [
    broken(4, a(3).entryHash, F, 5),
  ]),
  found('edited: prev_hash of the genesis row', NO_CHECKS + change(1, { prevHash: F }), [
    broken(1, '0'.repeat(64), F),
  ]),
  found('edited: prev_hash and the content', change(4, { prevHash: F, relation: 'x' }), [
    mismatch({ ...a(4), prevHash: F, relation: 'x' }),
    broken(4, a(3).entryHash, F),
  ]),
  found('edited: entry_hash', change(4, { entryHash: F }), [
    mismatch({ ...a(4), entryHash: F }),
    broken(5, F, a(5).prevHash),
  ]),
  found('edited: entry_hash of the last row', change(8, { entryHash: F }), [
    mismatch({ ...a(8), entryHash: F }),
    head(8, 8, { expected: F, observed: a(8).entryHash }),
  ]),
  found(
    'edited: entry_hash, and the next prev_hash to match',
    change(4, { entryHash: F }) + change(5, { prevHash: F }),
    [mismatch({ ...a(4), entryHash: F }, 5)],
  ),
  found('edited: the content of the genesis row', change(1, { relation: 'x' }), [
    mismatch({ ...a(1), relation: 'x' }),
  ]),
  found('edited: the content of the last row', change(8, { relation: 'x' }), [
    mismatch({ ...a(8), relation: 'x' }),
  ]),
  found('edited and rehashed: the last row', put8(), [
    head(8, 8, { expected: computed({ ...a(8), relation: 'x' }), observed: a(8).entryHash }),
  ]),
  found('edited: the head’s hash', moveHead(8, F), [head(8, 8, { expected: a(8).entryHash, observed: F })]),
  {
    ...unseen('edited: a row of another Domain, which is not verified', change(3, { relation: 'x' }, B)),
    alsoDamaged: [B],
  },
]

function put8(): string {
  return change(8, { relation: 'x', entryHash: computed({ ...a(8), relation: 'x' }) })
}

const GENERATION_2 = NO_CHECKS + set(4, 'generation = 2')

/** A row of an unknown generation cannot be checked: it is neither tampered nor intact. */
const GENERATIONS: readonly Attack[] = [
  unchecked('edited: generation', GENERATION_2),
  unchecked('edited: generation and the content', GENERATION_2 + change(4, { relation: 'x' })),
  unchecked('edited: generation 0', NO_CHECKS + set(4, 'generation = 0')),
  unchecked('edited: generation, every chain', GENERATION_2, ALL),
  unseen('edited: generation, outside the segment', GENERATION_2, ['--domain', A, '--from-seq', '5']),
  found(
    'edited and rehashed: generation',
    GENERATION_2 + change(4, { entryHash: computed(a(4), 'PXA2') }),
    [broken(5, computed(a(4), 'PXA2'), a(5).prevHash)],
    undefined,
    'generation_unknown',
  ),
  found(
    'edited: generation, and damage elsewhere',
    GENERATION_2 + change(6, { relation: 'x' }),
    [mismatch({ ...a(6), relation: 'x' })],
    undefined,
    'generation_unknown',
  ),
  {
    ...unchecked('edited: generation of one chain, and damage in another', GENERATION_2, ALL),
    sql: GENERATION_2 + change(3, { relation: 'x' }, B),
    exit: 1,
    findings: [mismatch({ ...b(3), relation: 'x' })],
  },
]

function unchecked(name: string, sql: string, verify?: readonly string[]): Attack {
  const error = 'generation_unknown'
  return { name, sql, exit: 3, findings: [], error, ...(verify !== undefined && { verify }) }
}

export const EDITED: readonly Attack[] = [
  ...EDITS.map(asIs),
  ...EDITS.map(withItsHash),
  ...PLACES,
  ...HASHES,
  ...GENERATIONS,
  found(
    'edited: a row of the other chain, verified',
    change(3, { relation: 'x' }, B),
    [mismatch({ ...b(3), relation: 'x' })],
    ON_B,
  ),
]
