import { A, B } from '../attacks/chains.js'
import {
  at,
  type BundleAttack,
  changed,
  damagedFile,
  filtered,
  foundIn,
  range,
  row,
  whole,
} from './attack.js'
import { built, type Manifest, manifestText, type Parts, summed } from './bundle.js'

const lying = (change: (manifest: Manifest) => void, start = whole) =>
  changed((parts) => change(parts.manifest), start)
const selecting = (patch: Record<string, unknown>, start = whole) =>
  lying((manifest) => Object.assign(manifest.selection, patch), start)
const segment = (patch: Record<string, unknown>) =>
  lying(({ segments }) => Object.assign(segments[1] ?? {}, patch))
const spelled = (spell: (json: string) => string) => () => {
  const parts = whole()
  return built(parts, spell(manifestText(parts.manifest)))
}

const F = 'f'.repeat(64)

/** Nested lists, spelled like JSON.stringify. */
const nested = (depth: number) =>
  JSON.stringify(JSON.parse(`${'['.repeat(depth)}${']'.repeat(depth)}`), null, 2).replaceAll('\n', '\n  ')

const SPELLINGS: readonly BundleAttack[] = [
  damagedFile(
    'manifest: not JSON',
    spelled(() => 'no'),
  ),
  damagedFile(
    'manifest: empty',
    spelled(() => ''),
  ),
  damagedFile(
    'manifest: null',
    spelled(() => 'null\n'),
  ),
  damagedFile(
    'manifest: a list',
    spelled(() => '[]\n'),
  ),
  damagedFile(
    'manifest: nested deeply',
    spelled(() => `${'['.repeat(200_000)}\n`),
  ),
  ...[6_000, 1_000_000].map((levels) =>
    damagedFile(
      `manifest: ${levels} lists in each other under an unknown key`,
      spelled((json) => json.replace(/\n}\n$/, `,\n  "zz": ${'['.repeat(levels)}${']'.repeat(levels)}\n}\n`)),
    ),
  ),
  damagedFile(
    'manifest: on one line',
    spelled((json) => `${JSON.stringify(JSON.parse(json))}\n`),
  ),
  damagedFile(
    'manifest: no newline',
    spelled((json) => json.slice(0, -1)),
  ),
  damagedFile(
    'manifest: a byte order mark',
    spelled((json) => `\ufeff${json}`),
  ),
  damagedFile(
    'manifest: a duplicate key',
    spelled((json) => json.replace('  "rows": 8,', '  "rows": 9,\n  "rows": 8,')),
  ),
  damagedFile(
    'manifest: a number with a fraction',
    spelled((json) => json.replace('"rows": 8', '"rows": 8.0')),
  ),
  ...[
    ['a fraction', '1.5'],
    ['a fraction of nothing', '1.0'],
    ['a small number', '1e-7'],
    ['a large number', '1e+21'],
    ['a number beyond any float', `1${'0'.repeat(400)}`],
    ['a number between two floats', '9007199254740993'],
    ['a minus before nothing', '-0'],
    ['a list of texts', '[\n    "x"\n  ]'],
    ['lists in lists', nested(12)],
  ].map(([what, value = '']) =>
    damagedFile(
      `manifest: an unknown key, with ${what}`,
      spelled((json) => json.replace('  "tool"', `  "extra": ${value},\n  "tool"`)),
    ),
  ),
  damagedFile(
    'manifest: keys that are numbers',
    spelled((json) => json.replace('  "tool"', '  "10": 1,\n  "9": 1,\n  "tool"')),
  ),
  damagedFile(
    'manifest: a lone surrogate',
    spelled((json) => json.replace('audit-chain/', '\\ud800')),
  ),
  damagedFile(
    'manifest: NaN',
    spelled((json) => json.replace('"total": 0', '"total": NaN')),
  ),
  damagedFile(
    'manifest: another format',
    lying((m) => Object.assign(m, { format: 'audit-bundle/3' })),
  ),
  damagedFile(
    'manifest: the nil UUID',
    lying((m) => Object.assign(m, { domain_id: A.replace(/[^-]/g, '0') })),
  ),
  damagedFile(
    'manifest: no domain',
    lying((m) => Object.assign(m, { domain_id: undefined })),
  ),
  damagedFile(
    'manifest: a count that is a text',
    lying((m) => Object.assign(m, { rows: '8' })),
  ),
  damagedFile('manifest: a count that is true', segment({ rows: true })),
  damagedFile(
    'manifest: a head of null',
    lying((m) => Object.assign(m, { head: null })),
  ),
  damagedFile(
    'manifest: a head without a hash',
    lying((m) => Object.assign(m, { head: { seq: 8 } })),
  ),
  damagedFile('manifest: a hash in upper case', segment({ sha256: 'AB'.repeat(32) })),
  damagedFile(
    'manifest: a segment of another name',
    segment({ name: 'audit-bundle/rows/00000009.ndjson.gz' }),
  ),
]

const CONTRADICTIONS: readonly BundleAttack[] = [
  damagedFile('manifest: a chain that is called a range', selecting({ kind: 'range' })),
  damagedFile('manifest: a range that is called a chain', selecting({ kind: 'chain' }, range)),
  damagedFile('manifest: a selection that is called a chain', selecting({ kind: 'chain' }, filtered)),
  damagedFile('manifest: a selection that is called a range', selecting({ kind: 'range' }, filtered)),
  damagedFile('manifest: an unknown filter', selecting({ kind: 'filtered', filter: { colour: 'red' } })),
  damagedFile('manifest: a filter that is a list', selecting({ filter: [] })),
  damagedFile('manifest: a filter that is true', selecting({ filter: true })),
  damagedFile(
    'manifest: a filter that is a number',
    selecting({ kind: 'filtered', filter: { relation: 1 } }),
  ),
  damagedFile('manifest: a range that ends before it begins', selecting({ to_seq: 3 }, range)),
  damagedFile('manifest: a range from 0', selecting({ from_seq: 0 }, range)),
  damagedFile('manifest: an end that is not the last row', selecting({ to_seq: 9 })),
  damagedFile(
    'manifest: other rows than its segments',
    lying((m) => Object.assign(m, { rows: 9 })),
  ),
  damagedFile(
    'manifest: another first row than its segments',
    lying((m) => Object.assign(m, { first_seq: 2 })),
  ),
  damagedFile(
    'manifest: a predecessor of the genesis row',
    lying((m) => Object.assign(m, { predecessor: { seq: 0, hash: F } })),
  ),
  damagedFile(
    'manifest: a predecessor far away',
    lying((m) => Object.assign(m, { predecessor: { seq: 2, hash: row(2).entryHash } }), range),
  ),
  {
    name: 'manifest: no segments',
    make: () => {
      const parts = whole()
      Object.assign(parts.manifest, { rows: 0, segments: [] })
      return built({ ...parts, members: parts.members.slice(0, 3) })
    },
    exit: 4,
    error: 'nothing_to_verify',
  },
  ...[
    { kind: 'chain', from_seq: 1, to_seq: 1, to_end: true, filter: {} },
    { kind: 'range', from_seq: 1, to_seq: 1, to_end: false, filter: {} },
    { kind: 'filtered', from_seq: 1, to_seq: 1, to_end: true, filter: { relation: 'x' } },
  ].map(
    (selection): BundleAttack => ({
      name: `manifest: a segment without rows, of a ${selection.kind}`,
      make: () => {
        const parts = summed({ ...whole(), segments: [[]] })
        Object.assign(parts.manifest, { selection, head: { seq: 0, hash: '0'.repeat(64) } })
        return built(parts)
      },
      exit: 4,
      error: 'nothing_to_verify',
      args: ['--allow-filtered'],
    }),
  ),
]

const asRange = (parts: Parts, to: number) => {
  Object.assign(parts.manifest.selection, { kind: 'range', to_seq: to, to_end: false })
}

const LIES: readonly BundleAttack[] = [
  foundIn(
    'lie: rows of a segment',
    lying((m) => {
      Object.assign(m, { rows: 9 })
      Object.assign(m.segments[1] ?? {}, { rows: 4 })
    }),
    at('object_malformed', 4, 6),
  ),
  foundIn('lie: bytes of a segment', segment({ bytes: 17 }), at('object_malformed', 4, 6)),
  foundIn('lie: sha256 of a segment', segment({ sha256: F }), at('object_malformed', 4, 6)),
  foundIn('lie: first row of a segment', segment({ first_seq: 5 }), at('object_malformed', 5, 6)),
  foundIn('lie: last row of a segment', segment({ last_seq: 5 }), at('object_malformed', 4, 5)),
  foundIn(
    'lie: the head’s hash',
    lying((m) => Object.assign(m, { head: { seq: 8, hash: F } })),
    at('head_mismatch', 8, 8, { expected: row(8).entryHash, observed: F }),
  ),
  foundIn(
    'lie: a head beyond the rows',
    lying((m) => Object.assign(m, { head: { seq: 11, hash: F } })),
    at('head_mismatch', 9, 11, { expected: row(8).entryHash, observed: F }),
  ),
  foundIn(
    'lie: a head before the end',
    lying((m) => Object.assign(m, { head: { seq: 6, hash: row(6).entryHash } })),
    at('head_mismatch', 7, 8, { expected: row(8).entryHash, observed: row(6).entryHash }),
  ),
  foundIn(
    'lie: no head',
    lying((m) => Object.assign(m, { head: undefined })),
    at('head_mismatch', 8, 8, { expected: row(8).entryHash }),
  ),
  foundIn(
    'lie: another predecessor',
    lying((m) => Object.assign(m, { predecessor: { seq: 3, hash: F } }), range),
    at('broken_link', 4, 4, { expected: F, observed: row(4).prevHash }),
  ),
  foundIn(
    'lie: another chain',
    lying((m) => Object.assign(m, { domain_id: B })),
    at('malformed_row', 1, 8, { observed: row(1).entryHash }),
  ),
  foundIn(
    'lie: a longer range than there is',
    changed((parts) => asRange(parts, 12)),
    at('seq_gap', 9, 12),
  ),
  foundIn(
    'lie: a shorter range than there is',
    changed((parts) => asRange(parts, 6)),
    at('orphan_object', 7, 8),
  ),
  foundIn(
    'lie: a range that begins later',
    lying((m) => {
      Object.assign(m.selection, { from_seq: 5 })
      Object.assign(m, { predecessor: undefined })
    }, range),
    at('orphan_object', 4),
  ),
  foundIn(
    'lie: a selection relabelled as the whole chain',
    lying(
      (m) => Object.assign(m.selection, { kind: 'chain', to_seq: 7, to_end: true, filter: {} }),
      filtered,
    ),
    at('seq_gap', 1, 2, { expected: row(3).prevHash }),
    at('seq_gap', 5, 6, { expected: row(7).prevHash }),
    at('head_mismatch', 8, 8, { expected: row(7).entryHash, observed: row(8).entryHash }),
  ),
  foundIn(
    'lie: a selection by another filter',
    lying((m) => Object.assign(m.selection, { filter: { object_id: 'a3' } }), filtered),
    at('orphan_object', 4),
    at('orphan_object', 7),
  ),
]

export const MANIFESTS: readonly BundleAttack[] = [...SPELLINGS, ...CONTRADICTIONS, ...LIES]
