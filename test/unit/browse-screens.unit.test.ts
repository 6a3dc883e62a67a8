import { describe, expect, it } from 'vitest'
import type { ChainedEntry } from '../../src/chain/entry.js'
import { PLATFORM_ANCHOR } from '../../src/chain/uuid.js'
import type { ReadEntry } from '../../src/ports/query.js'
import { memoryData } from '../support/browse/memory-data.js'
import { BrowseSession } from '../support/browse/session.js'
import { chained, chainOf, DOMAIN, entryAt, OTHER_DOMAIN } from '../support/chain-builder.js'

const CHAINS = [{ domainId: PLATFORM_ANCHOR }, { domainId: DOMAIN, name: 'Acme' }]

const ALIKE = [{ domainId: DOMAIN }, { domainId: OTHER_DOMAIN }]

/** 300 rows, every tenth denied. */
const ROWS = chained(
  Array.from({ length: 300 }, (_, i) =>
    entryAt(i + 1, (i + 1) % 10 === 0 ? { reason: 'insufficient_relation' } : {}),
  ),
)

/** Row 10 was a denial; somebody made a grant of it. Row 20 is gone. */
const FORGED = ROWS.map((row): ChainedEntry => (row.seq === 10 ? { ...row, reason: 'granted' } : row)).filter(
  ({ seq }) => seq !== 20,
)

const intact = () => memoryData({ chains: CHAINS, copies: { mirror: ROWS } })
const forged = () => memoryData({ chains: CHAINS, copies: { mirror: FORGED } })
const both = () => memoryData({ chains: CHAINS, copies: { postgres: FORGED, mirror: ROWS } })

/** As {@link forged}, with long objects. */
function longObjects(): ReturnType<typeof memoryData> {
  const rows = chained(
    Array.from({ length: 30 }, (_, i) =>
      entryAt(i + 1, {
        reason: 'insufficient_relation',
        object: `project:the-object-with-a-long-name-of-row-${i + 1}-end`,
      }),
    ),
  ).map((row): ChainedEntry => (row.seq === 10 ? { ...row, reason: 'granted' } : row))
  return memoryData({ chains: CHAINS, copies: { mirror: rows } })
}

/** The object of row 1 in the mirror is malformed, and claims what the row holds. */
function malformed(): ReturnType<typeof memoryData> {
  const data = both()
  const [postgres, mirror] = data.copies
  if (mirror === undefined) throw new Error('expected two copies')
  const reader: typeof mirror.reader = async (domainId) => {
    const honest = await mirror.reader(domainId)
    const rowsAt = async (id: string, seq: number) => (await honest.rowsAt(id, seq)).map(asMalformed)
    return { ...honest, rowsAt }
  }
  return { ...data, copies: [postgres, { ...mirror, reader }] }
}

function asMalformed({ domainId, seq, previous, generation: _generation, ...claimed }: ReadEntry): ReadEntry {
  return { domainId, seq, previous, problem: 'has no canonical bytes', claimed }
}

type Step = string | { readonly type: string }

/** What is on the screen after keys. `not`: what is not on it. */
interface Case {
  readonly name: string
  readonly data?: () => ReturnType<typeof memoryData>
  readonly keys: readonly Step[]
  readonly sees: readonly (string | RegExp)[]
  readonly not?: readonly (string | RegExp)[]
}

/** The keys that open the rows of the Domain. */
const ROWS_OF = ['j', 'enter']

const CASES: readonly Case[] = [
  {
    name: 'chains: lists them with their ends',
    keys: [],
    sees: ['2 chains', 'platform chain', /Acme .* 300 .*not verified yet/],
  },
  {
    name: 'chains: shortens ids of the same beginning so that they differ',
    data: () => memoryData({ chains: ALIKE, copies: { mirror: ROWS } }),
    keys: [],
    sees: [/0190a8b8…a0a1 /, /0190a8b8…a0a2 /],
  },
  {
    name: 'chains: v verifies the selected one',
    keys: ['j', 'v'],
    sees: [/Acme.*\? intact, no pin/, 'intact up to row 300; whether newer rows were removed is not shown'],
    not: [/✓ intact/],
  },
  {
    name: 'chains: V verifies all',
    data: forged,
    keys: ['V'],
    sees: [/platform chain .*\? not proven/, /Acme.*✗ DIVERGED \(2\)/],
  },
  {
    name: 'chains: f says that nothing is verified yet',
    keys: ['j', 'f'],
    sees: ['not verified yet: v verifies this chain'],
  },
  { name: 'chains: esc says how to leave', keys: ['escape'], sees: ['q leaves'] },
  {
    name: 'rows: enter opens the first page',
    keys: ROWS_OF,
    sees: [/▸ ✓ +1 .*project:p1 /, '300 rows, 30 denied', 'Acme'],
  },
  { name: 'rows: G goes to the last row', keys: [...ROWS_OF, 'G'], sees: [/▸ ✓ +300 .*insufficient/] },
  { name: 'rows: g goes back to the first row', keys: [...ROWS_OF, 'G', 'g'], sees: [/▸ ✓ +1 /] },
  { name: 'rows: page down moves by a screen', keys: [...ROWS_OF, 'page-down'], sees: [/▸ ✓ +16 /] },
  { name: 'rows: up at the first row stays', keys: [...ROWS_OF, 'up', 'k'], sees: [/▸ ✓ +1 /] },
  {
    name: 'rows: jumps to a seq',
    keys: [...ROWS_OF, ':', { type: '250' }, 'enter'],
    sees: [/▸ ✓ +250 /, /✓ +249 /, /✓ +251 /],
  },
  {
    name: 'rows: jumps to a time',
    keys: [...ROWS_OF, '#', { type: '2026-04-28T10:00:00.000200Z' }, 'enter'],
    sees: [/▸ ✓ +200 /],
  },
  {
    name: 'rows: refuses a jump to nowhere',
    keys: [...ROWS_OF, ':', { type: '0' }, 'enter'],
    sees: ['seq: expected 1 to 2^53-1'],
  },
  {
    name: 'rows: esc closes the line',
    keys: [...ROWS_OF, ':', { type: '25' }, 'escape'],
    sees: [/▸ ✓ +1 /],
    not: ['25█'],
  },
  {
    name: 'rows: filters by the flags of list',
    keys: [...ROWS_OF, '/', { type: 'reason=insufficient_relation' }, 'enter'],
    sees: [/▸ ✓ +10 /, /✓ +20 /, '30 rows, 30 denied', 'filter: reason=insufficient_relation'],
    not: [/✓ +11 /],
  },
  {
    name: 'rows: filters denials',
    keys: [...ROWS_OF, '/', { type: 'denied' }, 'enter'],
    sees: ['30 rows, 30 denied'],
  },
  {
    name: 'rows: looks for a text in every field',
    keys: [...ROWS_OF, '/', { type: 'REQ-77' }, 'enter'],
    sees: [/▸ ✓ +77 /, '1 rows, 0 denied'],
  },
  {
    name: 'rows: says that no row matches',
    keys: [...ROWS_OF, '/', { type: 'nothing' }, 'enter'],
    sees: ['no row matches'],
  },
  {
    name: 'rows: refuses an unknown word of a filter',
    keys: [...ROWS_OF, '/', { type: 'colour=red' }, 'enter'],
    sees: ['unknown filter colour', '/colour=red█'],
  },
  {
    name: 'rows: refuses a filter by what a mirror does not hold',
    keys: [...ROWS_OF, '/', { type: 'event-from=2026-01-01' }, 'enter'],
    sees: ['event-from and event-to need PostgreSQL'],
  },
  {
    name: 'rows: refuses an unknown reason',
    keys: [...ROWS_OF, '/', { type: 'reason=x' }, 'enter'],
    sees: ['reason: expected granted'],
  },
  {
    name: 'rows: an empty filter shows all rows again',
    keys: [...ROWS_OF, '/', { type: 'denied' }, 'enter', '/', 'ctrl-u', 'enter'],
    sees: ['300 rows, 30 denied'],
  },
  {
    name: 'rows: marks a row that does not recompute',
    data: forged,
    keys: ROWS_OF,
    sees: [/✗ +10 .*granted/],
  },
  {
    name: 'rows: marks a row after a gap',
    data: forged,
    keys: [...ROWS_OF, ':', { type: '21' }, 'enter'],
    sees: [/▸ ! +21 /, 'before it, row 20 is not in this copy'],
  },
  { name: 'rows: esc goes back to the chains', keys: [...ROWS_OF, 'escape'], sees: ['2 chains', /▸ Acme/] },
  {
    name: 'row: shows fields and proof',
    keys: [...ROWS_OF, 'enter'],
    sees: [
      'row 1',
      'recomputes: the first row',
      'project.create',
      /prev_hash +0{32} *\n +0{32} /,
      '["domain:acme#admin","group:ops#member"]',
    ],
  },
  {
    name: 'row: n goes to the next row',
    keys: [...ROWS_OF, 'enter', 'n'],
    sees: ['row 2', 'links to row 1'],
  },
  {
    name: 'row: p stops at the first row',
    keys: [...ROWS_OF, 'enter', 'p'],
    sees: ['row 1', 'no row before this one'],
  },
  {
    name: 'row: n follows the filter',
    keys: [...ROWS_OF, '/', { type: 'denied' }, 'enter', 'enter', 'n'],
    sees: ['row 20'],
  },
  {
    name: 'row: shows the canonical bytes in hex',
    keys: [...ROWS_OF, 'enter', 'G'],
    sees: [/canonical +50584131/],
  },
  { name: 'row: e shows them in base64', keys: [...ROWS_OF, 'enter', 'e', 'G'], sees: [/canonical +UFhBMQ/] },
  {
    name: 'row: says that it does not recompute',
    data: forged,
    keys: [...ROWS_OF, ':', { type: '10' }, 'enter', 'enter'],
    sees: ['does not recompute: expected entry_hash'],
  },
  {
    name: 'row: says that it does not link',
    data: forged,
    keys: [...ROWS_OF, ':', { type: '21' }, 'enter', 'enter'],
    sees: ['DOES NOT LINK: the row stored before it is 19'],
  },
  {
    name: 'row: shows two copies side by side',
    data: both,
    keys: [...ROWS_OF, ':', { type: '10' }, 'enter', 'enter'],
    sees: [
      '✗ PostgreSQL does not recompute',
      '✓ the mirror recomputes, and links to row 9',
      '≠ the copies differ: reason',
      /≠ reason +granted +insufficient_relation/,
    ],
  },
  {
    name: 'row: says that the copies are the same',
    data: both,
    keys: [...ROWS_OF, 'enter'],
    sees: ['the two copies are the same'],
  },
  {
    name: 'row: shows what a malformed object claims, and never calls it the same',
    data: malformed,
    keys: [...ROWS_OF, 'enter'],
    sees: ['✗ the mirror has no canonical bytes', /relation +project\.create +project\.create/],
    not: ['the two copies are the same'],
  },
  {
    name: 'row: shows a row that only one copy has',
    data: both,
    keys: [...ROWS_OF, 'enter', ':', { type: '20' }, 'enter'],
    sees: ['✗ PostgreSQL has no row 20', '✓ the mirror recomputes', /≠ prev_hash +[0-9a-f]+/],
  },
  {
    name: 'rows: jumps to a row that only the mirror has, and marks it',
    data: both,
    keys: [...ROWS_OF, ':', { type: '20' }, 'enter'],
    sees: [
      /seq +only in +recorded_at/,
      /▸ ✓ +20 +mirror /,
      /! +21 +2026-/,
      'row 20 is in the mirror only: PostgreSQL does not have it',
    ],
  },
  {
    name: 'rows: says which copy lacks the rows before one',
    data: both,
    keys: [...ROWS_OF, ':', { type: '21' }, 'enter'],
    sees: ['before it, row 20 is not in PostgreSQL'],
  },
  {
    name: 'rows: lists a row that only the mirror has behind a filter',
    data: both,
    keys: [...ROWS_OF, '/', { type: 'project:p2' }, 'enter'],
    sees: [/✓ +2 +2026-/, /✓ +20 +mirror /, /! +21 +2026-/],
    not: [/ 19 +2026-/],
  },
  {
    name: 'rows: lists the rows of the mirror after the last row of PostgreSQL',
    data: () => memoryData({ chains: CHAINS, copies: { postgres: ROWS.slice(0, 290), mirror: ROWS } }),
    keys: [...ROWS_OF, 'G'],
    sees: [/▸ ✓ +300 +mirror /, /✓ +291 +mirror /, /✓ +290 +2026-/],
  },
  {
    name: 'rows: lists a long end that only the mirror has to its last row',
    data: () => memoryData({ chains: CHAINS, copies: { postgres: ROWS.slice(0, 20), mirror: ROWS } }),
    keys: [...ROWS_OF, ...Array.from({ length: 24 }, () => 'page-down')],
    sees: [/▸ ✓ +300 +mirror /],
  },
  {
    name: 'rows: marks no row where both copies have all',
    data: () => memoryData({ chains: CHAINS, copies: { postgres: ROWS, mirror: ROWS } }),
    keys: [...ROWS_OF, 'G'],
    sees: [/▸ ✓ +300 +2026-/],
    not: ['only in'],
  },
  {
    name: 'row: l lists the rows around it',
    keys: [...ROWS_OF, 'enter', ':', { type: '150' }, 'enter', 'l'],
    sees: [/▸ ✓ +150 /, /✓ +149 /],
  },
  {
    name: 'findings: f opens them, the first with its hashes',
    data: forged,
    keys: ['j', 'v', 'f'],
    sees: [/▸ entry_hash_mismatch +row 10 /, /seq_gap +row 20 /, 'expected  ', 'observed  '],
  },
  {
    name: 'findings: shows the whole object of each neighbour in 80 columns',
    data: longObjects,
    keys: ['j', 'v', 'f'],
    sees: [
      /rows around on 2026-04-28 \(UTC\)/,
      ...[8, 9, 10, 11, 12].map((seq) => `project:the-object-with-a-long-name-of-row-${seq}-end`),
    ],
  },
  {
    name: 'findings: enter opens the row',
    data: forged,
    keys: ['j', 'v', 'f', 'enter'],
    sees: ['row 10', 'does not recompute'],
  },
  {
    name: 'findings: esc goes back from the row',
    data: forged,
    keys: ['j', 'v', 'f', 'enter', 'escape'],
    sees: [/▸ entry_hash_mismatch/],
  },
  {
    name: 'findings: the row of a gap is not there',
    data: forged,
    keys: ['j', 'v', 'f', 'j', 'enter'],
    sees: ['the mirror has no row 20'],
  },
  {
    name: 'findings: l lists the rows around a gap',
    data: forged,
    keys: ['j', 'v', 'f', 'j', 'l'],
    sees: [/▸ ! +21 /, /✓ +19 /],
  },
  {
    name: 'findings: an intact chain has none',
    keys: ['j', 'v', 'f'],
    sees: ['the verification found nothing'],
  },
  {
    name: 'help: ? shows the keys',
    keys: ['?'],
    sees: ['keys  down shows more', 'everywhere', 'page up, page down'],
  },
  { name: 'help: ? closes it again', keys: ['?', '?'], sees: ['2 chains'] },
  {
    name: 'help: scrolls to the marks',
    keys: ['?', 'G'],
    sees: ['no hash covers this field'],
    not: ['shows more'],
  },
]

async function does(session: BrowseSession, keys: readonly Step[]): Promise<void> {
  for (const key of keys) {
    if (typeof key === 'string') await session.press(key)
    else await session.type(key.type)
  }
}

describe('browse', () => {
  it.each(CASES)('$name', async ({ data = intact, keys, sees, not = [] }) => {
    const session = new BrowseSession(data())
    await does(session, keys)
    await session.settled()
    for (const seen of sees) expect(session.screen).toMatch(seen)
    for (const unseen of not) expect(session.screen).not.toMatch(unseen)
  })

  it.each(['q', 'ctrl-c'])('leaves by %s', async (key) => {
    const session = new BrowseSession(intact())
    await session.press(key)
    expect(session.state).toMatchObject({ isDone: true, jobs: {} })
  })

  it('opens the rows of a chain that is given, with the chains below', async () => {
    const session = new BrowseSession(intact(), undefined, DOMAIN)
    await session.settled()
    expect(session.screen).toMatch(/▸ ✓ +1 /)
    await session.press('escape')
    expect(session.screen).toMatch(/Acme .* 300 /)
  })

  it('cancels a verification, which is no verdict', async () => {
    const session = new BrowseSession(memoryData({ chains: CHAINS, copies: { mirror: chainOf(3) } }))
    await session.press('j')
    session.dispatch({ kind: 'key', key: { char: 'v' } })
    session.dispatch({ kind: 'key', key: { char: 'x' } })
    await session.settled()
    expect(session.screen).toMatch(/verification cancelled after \d+ rows: this is no verdict/)
    expect(session.screen).toMatch(/Acme.*not verified yet/)
  })

  it('walks down through rows that are read while it walks', async () => {
    const session = new BrowseSession(intact(), undefined, DOMAIN)
    for (let seq = 1; seq < 290; seq += 15) await session.press('page-down')
    expect(session.screen).toMatch(/▸ ✓ +300 /)
    for (let seq = 300; seq > 10; seq -= 15) await session.press('page-up')
    expect(session.screen).toMatch(/▸ ✓ +1 /)
  })
})
