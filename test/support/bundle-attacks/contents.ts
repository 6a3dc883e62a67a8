import { createHash } from 'node:crypto'
import type { ChainedEntry } from '../../../src/chain/entry.js'
import { reasonOrdinal } from '../../../src/chain/reason.js'
import { MAX_MICROS } from '../../../src/chain/timestamp.js'
import { computed } from '../attacks/chains.js'
import {
  at,
  type BundleAttack,
  changed,
  filtered,
  foundIn,
  OTHER,
  ROWS,
  range,
  rewritten,
  rewrittenFrom,
  row,
  whole,
} from './attack.js'
import {
  built,
  canonicalBytes,
  FOLDER,
  gzip,
  lineOf,
  partsOf,
  segmentContent,
  segmentMember,
  sha256,
  summed,
} from './bundle.js'

const F = 'f'.repeat(64)
const backdated = [...ROWS.slice(0, 3), ...rewrittenFrom(4, { recordedAt: row(1).recordedAt - 1n })]
const ahead = [...ROWS.slice(0, 3), ...rewrittenFrom(4, { recordedAt: MAX_MICROS })]
const missing = (place: number) => changed(({ members }) => void members.splice(place, 1))
const swap = <T>(items: T[], i: number, j: number) => {
  const [one, other] = [items[i], items[j]]
  if (one === undefined || other === undefined) throw new Error('nothing to swap')
  items[i] = other
  items[j] = one
}
const lost = (from: number, to: number, next?: number) =>
  at('seq_gap', from, to, next === undefined ? {} : { expected: row(next).prevHash })

const SEGMENTS: readonly BundleAttack[] = [
  foundIn(
    'segment: missing',
    missing(4),
    at('seq_gap', 4, 6, { expected: row(7).prevHash }),
    at('object_missing', 4, 6),
  ),
  foundIn(
    'segment: missing at the end',
    missing(5),
    at('object_missing', 7, 8),
    at('head_mismatch', 7, 8, { expected: row(6).entryHash, observed: row(8).entryHash }),
  ),
  foundIn(
    'segment: one too many',
    changed(({ members }) => void members.push(segmentMember(4, gzip(segmentContent([lineOf(row(8))]))))),
    at('orphan_object', 0),
  ),
  foundIn(
    'segment: duplicated',
    changed(({ members }) => void members.splice(4, 0, ...members.slice(3, 4))),
    at('orphan_object', 0),
  ),
  foundIn(
    'segment: moved before another',
    changed(({ members }) => swap(members, 3, 4)),
    at('orphan_object', 0),
    lost(1, 3, 4),
    at('object_missing', 1, 3),
  ),
  foundIn(
    'segment: in the place of another',
    changed(({ members }) => {
      const [from, to] = [members[3], members[4]]
      if (from && to) members[4] = { ...to, content: from.content }
    }),
    at('malformed_row', 1, 2, { observed: row(1).entryHash }),
    at('duplicate_seq', 3, 3, { expected: row(3).entryHash, observed: row(3).entryHash }),
    at('object_malformed', 4, 6),
    lost(4, 6, 7),
  ),
  foundIn(
    'segment: different from the manifest, with a line that is not a row',
    changed(({ members }) => {
      members[4] = segmentMember(2, gzip(segmentContent([lineOf(row(4)), '{}', lineOf(row(6))])))
    }),
    lost(5, 5, 6),
    at('object_malformed', 4, 6),
  ),
  foundIn(
    'segment: the only one missing, of a range',
    changed(({ members }) => void members.splice(3), range),
    lost(4, 6),
    at('object_missing', 4, 6),
  ),
  foundIn(
    'segment: all missing, and the head',
    changed(({ members, manifest }) => {
      members.splice(3)
      delete manifest.head
    }),
    at('object_missing', 1, 8),
    at('head_mismatch', 1, 1, { expected: '0'.repeat(64) }),
  ),
  foundIn('file: README missing', missing(0), at('object_missing', 0)),
  foundIn(
    'file: one too many',
    changed(({ members }) => void members.push({ name: `${FOLDER}extra`, content: Buffer.from('x') })),
    at('orphan_object', 0),
  ),
]

const replaced = (seq: number, line: string, start = whole) =>
  rewritten((segments) => {
    const lines = segments.find((all) => all.some((one) => one.startsWith(`{"seq":${seq},`))) ?? []
    lines[lines.findIndex((one) => one.startsWith(`{"seq":${seq},`))] = line
  }, start)

const edited = (seq: number, patch: Partial<ChainedEntry>): ChainedEntry => ({ ...row(seq), ...patch })
const hashed = (changedRow: ChainedEntry) => {
  const entryHash = computed({ ...changedRow, reason: reasonOrdinal(changedRow.reason) })
  return { ...changedRow, entryHash }
}
const EDIT = edited(4, { relation: 'project.delete' })
const FORGED = hashed(EDIT)
const LONG = createHash('shake256', { outputLength: 65_537 }).digest()
const line4 = lineOf(row(4))
const base64 = canonicalBytes(row(4)).toString('base64')
const noRow = (name: string, line: string) =>
  foundIn(`row: ${name}`, replaced(4, line), lost(4, 4, 5), at('object_malformed', 4))

const all =
  (rows: readonly ChainedEntry[], head = rows.at(-1)) =>
  () =>
    built(partsOf({ rows, head }))

const EDITS: readonly BundleAttack[] = [
  foundIn(
    'row: edited',
    replaced(4, lineOf(EDIT)),
    at('entry_hash_mismatch', 4, 4, { expected: FORGED.entryHash, observed: row(4).entryHash }),
  ),
  foundIn(
    'row: edited, with the old manifest',
    changed(({ members, segments }) => {
      const lines = [...(segments[1] ?? [])]
      lines[0] = lineOf(EDIT)
      const member = members[4]
      if (member) members[4] = { ...member, content: gzip(segmentContent(lines)) }
    }),
    at('entry_hash_mismatch', 4, 4, { expected: FORGED.entryHash, observed: row(4).entryHash }),
    at('object_malformed', 4, 6),
  ),
  foundIn(
    'row: edited and rehashed',
    replaced(4, lineOf(FORGED)),
    at('broken_link', 5, 5, { expected: FORGED.entryHash, observed: row(5).prevHash }),
  ),
  foundIn(
    'row: another prev_hash',
    replaced(4, lineOf({ ...row(4), prevHash: F })),
    at('broken_link', 4, 4, { expected: row(3).entryHash, observed: F }),
  ),
  foundIn(
    'row: removed',
    rewritten((segments) => void segments[1]?.splice(0, 1)),
    lost(4, 4, 5),
  ),
  foundIn(
    'row: duplicated',
    rewritten((segments) => void segments[1]?.splice(0, 0, line4)),
    at('duplicate_seq', 4, 4, { expected: row(4).entryHash, observed: row(4).entryHash }),
  ),
  foundIn(
    'rows: in another order',
    rewritten(([, lines = []]) => swap(lines, 0, 1)),
    lost(4, 4, 5),
    at('malformed_row', 4, 4, { observed: row(4).entryHash }),
  ),
  foundIn(
    'row: of another chain',
    replaced(4, lineOf(row(4, OTHER))),
    at('malformed_row', 4, 4, { observed: row(4, OTHER).entryHash }),
    at('broken_link', 4, 5, { expected: row(3).entryHash, observed: row(4, OTHER).prevHash }),
  ),
  foundIn(
    'rows: one backdated, and all later rows hashed again',
    () => built(partsOf({ rows: backdated })),
    at('malformed_row', 4, 4, { observed: row(4, backdated).entryHash }),
  ),
  foundIn(
    'rows: one of the year 9999, and all later rows hashed again',
    () => built(partsOf({ rows: ahead })),
    at('malformed_row', 5, 5, { observed: row(5, ahead).entryHash }),
  ),
  foundIn(
    'row: the bytes of another row',
    replaced(4, lineOf(row(4), canonicalBytes(row(6)))),
    at('entry_hash_mismatch', 4, 4, {
      expected: hashOf(row(4).prevHash, canonicalBytes(row(6))),
      observed: row(4).entryHash,
    }),
  ),
  foundIn(
    'rows: all of another chain',
    () => {
      const parts = partsOf({ rows: OTHER })
      Object.assign(parts.manifest, { domain_id: row(1).domainId })
      return built(parts)
    },
    at('malformed_row', 1, 5, { observed: row(1, OTHER).entryHash }),
  ),
  foundIn(
    'row: marked as damaged',
    replaced(4, `{"seq":4,"prev_hash":null,"entry_hash":null,"problem":"a column is NULL"}`),
    at('malformed_row', 4),
  ),
  foundIn(
    'row: marked as damaged, with its hashes',
    replaced(
      4,
      `{"seq":4,"prev_hash":"${row(4).prevHash}","entry_hash":"${row(4).entryHash}","problem":"recorded_at is infinite"}`,
    ),
    at('malformed_row', 4, 4, { observed: row(4).entryHash }),
  ),
  foundIn(
    'tail: cut, with the head left',
    all(ROWS.slice(0, 5), row(8)),
    at('head_mismatch', 6, 8, { expected: row(5).entryHash, observed: row(8).entryHash }),
  ),
]

/** Bytes with correct hashes and links that no append can have written. */
function hashOf(prevHash: string, canonical: Buffer): string {
  return sha256(Buffer.concat([Buffer.from(prevHash, 'hex'), Buffer.from(sha256(canonical), 'hex')]))
}

function forcedLast(name: string, canonical: Buffer): BundleAttack {
  const entryHash = hashOf(row(7).entryHash, canonical)
  const forced = { ...row(8), entryHash }
  const make = () => {
    const parts = partsOf({ rows: [...ROWS.slice(0, 7), row(8)], head: forced })
    const lines = parts.segments[2] ?? []
    lines[1] = lineOf(forced, canonical)
    return built(summed(parts))
  }
  return foundIn(`bytes: ${name}`, make, at('malformed_row', 8, 8, { observed: entryHash }))
}

const spliced = (patch: Partial<ChainedEntry>) => canonicalBytes(edited(8, patch))
const FORCED: readonly BundleAttack[] = [
  forcedLast('another magic', Buffer.concat([Buffer.from('PXB1'), canonicalBytes(row(8)).subarray(4)])),
  forcedLast('one byte more', Buffer.concat([canonicalBytes(row(8)), Buffer.alloc(1)])),
  forcedLast('one byte less', canonicalBytes(row(8)).subarray(0, -1)),
  forcedLast('nothing but a magic', Buffer.from('PXA1')),
  forcedLast('an empty relation', spliced({ relation: '' })),
  forcedLast('a relation too long', spliced({ relation: 'x'.repeat(129) })),
  forcedLast('U+0000', spliced({ relation: 'a\0b' })),
  forcedLast('an object without a type', spliced({ object: 'apollo' })),
  forcedLast('an object without an id', spliced({ object: 'project:' })),
  forcedLast('an object of a type in upper case', spliced({ object: 'Project:1' })),
  forcedLast('a caveat with a value', spliced({ caveatContext: ['ip=1.2.3.4'] })),
  forcedLast('caveats unsorted', spliced({ caveatContext: ['b', 'a'] })),
  forcedLast('a caveat twice', spliced({ caveatContext: ['a', 'a'] })),
  forcedLast('65 path items', spliced({ relationPath: Array(65).fill('x') })),
  forcedLast('a path item of 513 bytes', spliced({ relationPath: ['x'.repeat(513)] })),
  forcedLast('an empty path item', spliced({ relationPath: [''] })),
  forcedLast('a correlation id too long', spliced({ correlationId: 'x'.repeat(257) })),
  forcedLast('a zedtoken too long', spliced({ zedtoken: 'x'.repeat(1025) })),
  forcedLast('a time before the year 1', spliced({ recordedAt: -62_135_596_800_000_001n })),
  forcedLast('a time after the year 9999', spliced({ recordedAt: 253_402_300_800_000_000n })),
  forcedLast(
    'text that is not UTF-8',
    Buffer.from(
      canonicalBytes(row(8)).toString('latin1').replace('project.update', 'project.upd\xc0te'),
      'latin1',
    ),
  ),
  forcedLast('another seq', spliced({ seq: 9 })),
]

const NO_ROWS: readonly BundleAttack[] = [
  noRow('no JSON', 'no'),
  noRow('an empty line', ''),
  noRow('a space', line4.replace(':4,', ': 4,')),
  noRow('a carriage return', `${line4}\r`),
  noRow('another order of keys', line4.replace(/("prev_hash":"[^"]+"),("entry_hash":"[^"]+")/, '$2,$1')),
  noRow('one more key', line4.replace('}', ',"x":1}')),
  noRow('a hash in upper case', line4.replace(row(4).prevHash, row(4).prevHash.toUpperCase())),
  noRow('a hash too short', line4.replace(row(4).prevHash, row(4).prevHash.slice(1))),
  noRow('null for a hash', line4.replace(`"${row(4).prevHash}"`, 'null')),
  noRow('no bytes', line4.replace(base64, '')),
  noRow(
    'base64 without padding',
    line4.replace(base64, base64.replace(/=*$/, '') + (base64.endsWith('=') ? '' : 'A')),
  ),
  noRow('base64 of URLs', line4.replace(base64, `-_${base64.slice(2)}`)),
  noRow('base64 with white space', line4.replace(base64, ` ${base64}`)),
  noRow(
    'bits that base64 does not use',
    line4.replace(base64, `${base64.slice(0, -4)}AB==`.slice(0, base64.length)),
  ),
  noRow('more bytes than any row has', line4.replace(base64, LONG.toString('base64'))),
  noRow('a problem with a quote', `{"seq":4,"prev_hash":null,"entry_hash":null,"problem":"a \\"quote\\""}`),
  noRow('a generation', `{"seq":4,"prev_hash":null,"entry_hash":null,"generation":2}`),
  noRow('a number beyond 2^53', line4.replace(':4,', ':9007199254740993,')),
  noRow('a number with a zero before it', line4.replace(':4,', ':04,')),
  foundIn(
    'row: the last without a newline',
    () => {
      const parts = whole()
      const content = segmentContent(parts.segments[2] ?? []).subarray(0, -1)
      parts.members[5] = segmentMember(3, gzip(content))
      Object.assign(parts.manifest.segments[2] ?? {}, { bytes: content.length, sha256: sha256(content) })
      return built(parts)
    },
    at('object_malformed', 8),
    at('head_mismatch', 8, 8, { expected: row(7).entryHash, observed: row(8).entryHash }),
  ),
]

const partly = (make: () => Buffer) => () => make().subarray(0, -1400)
const PARTLY: readonly BundleAttack[] = [
  foundIn(
    'edited, and cut after the edit',
    partly(replaced(2, lineOf(edited(2, { relation: 'x' })))),
    at('entry_hash_mismatch', 2, 2, {
      expected: hashed(edited(2, { relation: 'x' })).entryHash,
      observed: row(2).entryHash,
    }),
    at('object_malformed', 7),
    at('head_mismatch', 7, 8, { expected: row(6).entryHash, observed: row(8).entryHash }),
  ),
]

const pin = (seq: number, hash = row(seq).entryHash) => ['--expect-head', `${seq}:${hash}`]
const good = (name: string, make: () => Buffer, args: readonly string[] = []): BundleAttack => ({
  name,
  make,
  exit: 0,
  args,
})
const SUFFIX = rewrittenFrom(4, { relation: 'project.rename' })
const REWRITTEN = [...ROWS.slice(0, 3), ...SUFFIX]
const SELECTED = ['--allow-filtered']

const PINS: readonly BundleAttack[] = [
  good('good: the whole chain', () => built(whole())),
  good('good: a range', () => built(range())),
  good('good: a selection that is allowed', () => built(filtered()), SELECTED),
  { name: 'a selection', make: () => built(filtered()), exit: 3, error: 'bundle_filtered' },
  good('pinned: the last row', () => built(whole()), pin(8)),
  good('pinned: the first row', () => built(whole()), pin(1)),
  good('pinned: in upper case', () => built(whole()), pin(8, row(8).entryHash.toUpperCase())),
  good('pinned: the row before a range', () => built(range()), pin(3)),
  good('pinned: a row of a selection', () => built(filtered()), [...pin(4), ...SELECTED]),
  {
    name: 'pinned: a row after a range',
    make: () => built(range()),
    exit: 3,
    error: 'pin_not_held',
    args: pin(8),
  },
  {
    name: 'pinned: a row before a range',
    make: () => built(range()),
    exit: 3,
    error: 'pin_not_held',
    args: pin(2),
  },
  {
    name: 'pinned: a row after a selection',
    make: () => built(filtered()),
    exit: 3,
    error: 'pin_not_held',
    args: [...pin(9, F), ...SELECTED],
  },
  {
    name: 'pinned: no hash',
    make: () => built(whole()),
    exit: 2,
    error: 'usage',
    args: ['--expect-head', ''],
  },
  {
    name: 'pinned: a row that a selection lacks',
    make: () => built(filtered()),
    exit: 3,
    error: 'bundle_filtered',
    args: [...pin(5), ...SELECTED],
  },
  good('unseen: the suffix rewritten, without a pin', all(REWRITTEN)),
  {
    ...foundIn(
      'the suffix rewritten, pinned',
      all(REWRITTEN),
      at('unexpected_head', 6, 6, { expected: row(6).entryHash, observed: REWRITTEN[5]?.entryHash ?? '' }),
    ),
    args: pin(6),
  },
  {
    ...foundIn(
      'tail cut and head rewound, pinned',
      all(ROWS.slice(0, 6)),
      at('unexpected_head', 8, 8, { expected: row(8).entryHash }),
    ),
    args: pin(8),
  },
  {
    ...foundIn(
      'a selection with another row than the pinned one',
      () => built(filtered()),
      at('unexpected_head', 4, 4, { expected: F, observed: row(4).entryHash }),
    ),
    args: [...pin(4, F), ...SELECTED],
  },
]

export const CONTENTS: readonly BundleAttack[] = [
  ...SEGMENTS,
  ...EDITS,
  ...FORCED,
  ...NO_ROWS,
  ...PARTLY,
  ...PINS,
]
