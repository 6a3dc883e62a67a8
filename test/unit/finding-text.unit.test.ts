import { expect, it } from 'vitest'
import { ROW_FIELDS } from '../../src/chain/evidence/finding-evidence.js'
import type { Finding } from '../../src/chain/finding.js'
import { styleOf } from '../../src/cli/output/style.js'
import { findingsLines } from '../../src/cli/verify/finding-text.js'

const DOMAIN = '0190a8b8-a0c0-7a0a-8a0a-a0a0a0a0a0a1'
const MIRROR = 'file:///evidence'
const BOTH = { domainId: DOMAIN, source: 'both', mirror: MIRROR } as const
const at = (seq: number, more: Partial<Finding> = {}): Finding => ({
  code: 'entry_hash_mismatch',
  seqFrom: seq,
  seqTo: seq,
  detail: 'does not hash to its entry_hash',
  ...more,
})
const context = (...seqs: number[]) =>
  seqs.map((seq) => ({
    seq,
    copy: 'mirror' as const,
    check: 'ok' as const,
    fields: {
      recorded_at: '2026-11-29T15:00:00.000000Z',
      relation: `read-${seq}`,
      object: 'doc:1',
      reason: 'granted',
    },
  }))
const edited = at(7, {
  changes: [{ seq: 7, field: 'reason', postgres: 'granted', mirror: 'insufficient_relation' }],
  rowsChanged: 1,
  original: 'mirror',
  context: context(6, 7, 8),
})

it('shows both values side by side, the rows around them, and the commands to run next', () => {
  expect(findingsLines([edited], BOTH)).toEqual([
    '  entry_hash_mismatch  row 7: does not hash to its entry_hash',
    '    row 7   PostgreSQL: changed, its chain does not recompute  mirror: original, its chain recomputes',
    '    reason  granted                                            insufficient_relation',
    '    rows around it, oldest first:',
    '         6  2026-11-29T15:00:00.000000Z  -  read-6  doc:1  granted',
    '      >  7  2026-11-29T15:00:00.000000Z  -  read-7  doc:1  granted  in mirror',
    '         8  2026-11-29T15:00:00.000000Z  -  read-8  doc:1  granted',
    `    next: audit get 7 --domain ${DOMAIN} --source mirror --mirror ${MIRROR}`,
    `          audit list --around 7 --domain ${DOMAIN} --source mirror --mirror ${MIRROR}`,
  ])
})

it('shows a row once for several findings about it', () => {
  const lines = findingsLines([edited, { ...edited, code: 'copies_differ' }], BOTH)
  expect(lines.filter((line) => line.includes('insufficient_relation'))).toHaveLength(1)
})

it.each([
  ['a pin beyond the end', at(61, { code: 'unexpected_head', context: context(6, 7) }), '--last 5'],
  ['a head beyond the end', at(9, { code: 'head_mismatch', context: context(6, 7) }), '--last 5'],
  ['a gap at the last rows', at(8, { code: 'seq_gap', context: context(6, 7) }), '--around 8'],
])('leads from %s to rows that exist', (_name, finding, rows) => {
  const lines = findingsLines([finding], BOTH)
  const isLast = rows.startsWith('--last')
  expect(lines[1]).toBe(`    ${isLast ? 'the last rows that were read' : 'rows around it'}, oldest first:`)
  expect(lines.filter((line) => line.includes('next:'))).toEqual([
    `    next: audit list ${rows} --domain ${DOMAIN}`,
  ])
})

it('calls no copy the original where both chain', () => {
  const lines = findingsLines([{ ...edited, original: undefined }], BOTH)
  expect(lines[1]).toBe('    row 7   PostgreSQL  mirror')
})

const TERMINAL = styleOf({ isTerminal: true, color: false, unicode: false })

it('shows at most 20 findings on a terminal and counts the others, and shows all in a pipe', () => {
  const many = Array.from({ length: 2_500 }, (_, i) => at(2 * i + 1))
  const lines = findingsLines(many, BOTH, TERMINAL)
  expect(lines.filter((line) => line.includes('entry_hash_mismatch'))).toHaveLength(20)
  expect(lines.at(-1)).toBe('  … 2,480 more: --json')
  expect(findingsLines(many.slice(0, 20), BOTH, TERMINAL).join()).not.toContain('more')
  const piped = findingsLines(many, BOTH)
  expect(piped.filter((line) => line.includes('entry_hash_mismatch'))).toHaveLength(2_500)
  expect(piped.join()).not.toContain('more')
})

it('escapes hostile values, and shows where long ones differ with how long they are', () => {
  const [long, bidi] = ['x'.repeat(500), '\u202e\u001b[31mevil']
  const changes = [
    { seq: 7, field: 'object', postgres: `${long}a`, mirror: `${long}b` },
    { seq: 7, field: 'relation', postgres: bidi, mirror: '' },
    { seq: 7, field: 'relation_path', postgres: ['a', '\n'], mirror: [] },
  ] as const
  const text = findingsLines([{ ...edited, changes, context: [] }], BOTH).join('\n')
  expect(text).toMatch(/object +…xxxxxxxxa \(501 characters\) +…xxxxxxxxb \(501 characters\)/)
  expect(text).toContain('\\u{202e}\\x1b[31mevil')
  expect(text).toMatch(/relation +.* {2}""/)
  expect(text).toMatch(/relation_path +\["a","\\\\n"\] +\[\]/)
  // biome-ignore lint/suspicious/noControlCharactersInRegex: these must not be printed.
  expect(text.replaceAll('\n', '')).not.toMatch(/[\u0000-\u001f\u202e]/)
})

it('says of a row that one copy has which copy that is', () => {
  const gone = at(7, {
    code: 'row_missing',
    changes: ROW_FIELDS.map((field) => ({ seq: 7, field, mirror: 'x' })),
    rowsChanged: 1,
    original: 'mirror',
    context: context(7),
  })
  expect(findingsLines([gone], BOTH).slice(1, 4)).toEqual([
    '    row 7: only the mirror has it',
    '    rows around it, oldest first:',
    '      >  7  2026-11-29T15:00:00.000000Z  -  read-7  doc:1  granted  in mirror',
  ])
})

it('shows a field that one copy lacks beside its value in the other', () => {
  const changes = [{ seq: 7, field: 'zedtoken', postgres: 'x' }] as const
  expect(findingsLines([{ ...edited, changes }], BOTH)[2]).toMatch(/^ {4}zedtoken +x +-$/)
})

it.each([
  ['postgres', {}, 'PostgreSQL alone; the mirror can show it', `audit list --around 7 --domain ${DOMAIN}`],
  [
    'mirror',
    { mirror: MIRROR },
    'the mirror alone; PostgreSQL can show it',
    `--source mirror --mirror ${MIRROR}`,
  ],
  [
    'bundle',
    { file: 'a b.tar' },
    'this file alone; PostgreSQL and the mirror can show it',
    "audit list --around 7 'a b.tar'",
  ],
] as const)('says that one copy, here %s, cannot show the original', (source, place, said, command) => {
  const text = findingsLines([at(7)], { domainId: DOMAIN, source, ...place }).join('\n')
  expect(text).toContain(`what the row held before cannot be known from ${said}`)
  expect(text).toContain(command)
  expect(text).toContain(`audit verify --domain ${DOMAIN} --source both`)
})

it('does not speak of an original where a finding is about no row', () => {
  const head = at(8, { code: 'head_mismatch' })
  expect(findingsLines([head], { domainId: DOMAIN, source: 'postgres' })).toHaveLength(1)
})

const [SIGNED, STORED] = ['ab'.repeat(32), 'cd'.repeat(32)]
const mismatch = (detail: string, more: Partial<Finding> = {}): Finding => ({
  code: 'checkpoint_mismatch',
  seqFrom: 1921,
  seqTo: 2880,
  detail,
  expected: SIGNED,
  observed: STORED,
  signedIn: 'platform row 812',
  ...more,
})

it.each<readonly [string, Finding, readonly string[]]>([
  [
    'in the mirror',
    mismatch(
      'not the rows that were signed; rows 1 to 1920 are; the mirror has the signed rows, PostgreSQL has others',
      { original: 'mirror' },
    ),
    [
      '  checkpoint_mismatch  rows 1921 to 2880: not the rows that were signed; rows 1 to 1920 are',
      `    expected  ${SIGNED}   entry_hash of row 2880 as signed in platform row 812`,
      `    observed  ${STORED}`,
      '    the mirror has the signed rows, PostgreSQL has others: docs/runbook.md#signed-rows-differ',
    ],
  ],
  [
    'in no copy that was read',
    mismatch('not the rows that were signed'),
    [
      '  checkpoint_mismatch  rows 1921 to 2880: not the rows that were signed',
      `    expected  ${SIGNED}   entry_hash of row 2880 as signed in platform row 812`,
      `    observed  ${STORED}`,
      '    see docs/runbook.md#signed-rows-differ',
    ],
  ],
  [
    'behind the end of the chain',
    mismatch('rows 1 to 2880 were signed, and the chain ends with row 1920', {
      code: 'checkpoint_rollback',
      observed: undefined,
      signedIn: 'the file kept',
    }),
    [
      '  checkpoint_rollback  rows 1921 to 2880: rows 1 to 2880 were signed, and the chain ends with row 1920',
      `    expected  ${SIGNED}   entry_hash of row 2880 as signed in the file kept`,
      '    see docs/runbook.md#signed-rows-differ',
    ],
  ],
  [
    'under another root',
    mismatch('the tree has another root', { signedIn: 'the file note', isRoot: true }),
    [
      '  checkpoint_mismatch  rows 1921 to 2880: the tree has another root',
      `    expected  ${SIGNED}   root of rows 1 to 2880 as signed in the file note`,
      `    observed  ${STORED}`,
      '    see docs/runbook.md#signed-rows-differ',
    ],
  ],
])('says where the rows are that were signed, %s', (_where, finding, lines) => {
  expect(findingsLines([finding], BOTH)).toEqual(lines)
})
