import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { rowLine } from '../../src/cli/output/row-line.js'
import { PLAIN, styleOf } from '../../src/cli/output/style.js'
import { type Cell, type Heading, layOut } from '../../src/cli/output/table.js'
import { brokenText, textWidth } from '../../src/cli/output/text-width.js'
import { CONTEXT_LIST, ENTRY_LIST } from '../../src/cli/query/text.js'

const PIPE = { screen: { isTerminal: false, color: false, unicode: false }, style: PLAIN }
const terminal = (columns: number, unicode = true) => ({
  screen: { isTerminal: true, columns, color: false, unicode },
  style: PLAIN,
})

const ID = '0190a8b8-a0c0-7a0a-8a0a-a0a0a0a0a0a0'
/** Differs from ID in the last group only. */
const NEAR = '0190a8b8-a0c0-7a0a-8a0a-a0a0a0a0a0a1'
const OTHER = '0290a8b8-a0c0-7a0a-8a0a-a0a0a0a0a0a0'
const TIME = '2026-11-29T16:04:21.732669Z'

const DIGEST = '0123456789abcdef'.repeat(4)

const HEAD: readonly Heading[] = [
  { title: 'chain', short: 'id' },
  'rows',
  { title: 'at', short: 'time', drop: 2 },
  { title: 'url', drop: 1 },
]
const ROWS: readonly (readonly Cell[])[] = [
  [ID, 5, TIME, 'file:///a'],
  [OTHER, 12_000, TIME, 'file:///b'],
]

describe('textWidth', () => {
  it.each([
    ['', 0],
    ['abc', 3],
    ['日本', 4],
    ['ｆｕｌｌ', 8],
    ['e\u0301', 1],
    ['🫠', 2],
    ['👍🏽', 2],
    ['🇩🇪', 2],
    ['1\u20e3', 2],
    ['…', 1],
  ])('counts the columns of %j: %i', (text, width) => {
    expect(textWidth(text)).toBe(width)
  })
})

describe('brokenText', () => {
  it.each([
    { text: 'one two three', columns: 8, lines: ['one two', 'three'] },
    { text: 'one two', columns: 3, lines: ['one', 'two'] },
    { text: 'abcdefgh', columns: 3, lines: ['abc', 'def', 'gh'] },
    { text: 'insufficient_relation', columns: 14, lines: ['insufficient_', 'relation'] },
    { text: 'user:alice', columns: 9, lines: ['user:', 'alice'] },
    { text: 'pin it with --remember FILE', columns: 15, lines: ['pin it with', '--remember FILE'] },
    { text: 'a self-audit row', columns: 8, lines: ['a self-', 'audit', 'row'] },
    { text: 'a self-audit row', columns: 10, lines: ['a', 'self-audit', 'row'] },
    { text: '日本語', columns: 3, lines: ['日', '本', '語'] },
    { text: '日本語', columns: 4, lines: ['日本', '語'] },
  ])('breaks $text at $columns columns', ({ text, columns, lines }) => {
    expect(brokenText(text, columns)).toEqual(lines)
  })

  it('keeps every character but spaces, and fits every line', () => {
    const words = fc.array(fc.constantFrom('a', 'ab', '日', ' ', 'e\u0301', '-'), { maxLength: 40 })
    fc.assert(
      fc.property(words, fc.integer({ min: 2, max: 12 }), (parts, columns) => {
        const text = parts.join('')
        const lines = brokenText(text, columns)
        expect(lines.join('').replaceAll(' ', '')).toBe(text.replaceAll(' ', ''))
        for (const line of lines.slice(0, -1)) expect(textWidth(line)).toBeLessThanOrEqual(columns)
      }),
    )
  })
})

describe('a table in a pipe', () => {
  it('has whole values, numbers on the left, and no trailing spaces', async () => {
    const { text, dropped } = await layOut(HEAD, ROWS, PIPE)
    expect(text.split('\n')).toEqual([
      `chain${' '.repeat(33)}rows   at${' '.repeat(27)}url`,
      `${ID}  5      ${TIME}  file:///a`,
      `${OTHER}  12000  ${TIME}  file:///b`,
    ])
    expect(dropped).toEqual([])
  })

  it('is aligned by columns of the terminal, not by characters', async () => {
    const rows = [
      ['日', 1],
      ['xxxx', 2],
      ['🫠', 3],
      ['e\u0301', 4],
      ['ที่', 5],
    ]
    const { text } = await layOut(['name', 'n'], rows, PIPE)
    expect(text.split('\n').slice(1)).toEqual(['日    1', 'xxxx  2', '🫠    3', 'e\u0301     4', 'ที่     5'])
  })

  it('has digests and long texts whole, also where a text has 20,000 wide characters', async () => {
    const long = '日本'.repeat(10_000)
    const head: Heading[] = [
      { title: 'subject', short: 'digest' },
      { title: 'text', short: 'excerpt' },
    ]
    const { text } = await layOut(head, [[DIGEST, long]], PIPE)
    expect(text.split('\n')[1]).toBe(`${DIGEST}  ${long}`)
  })

  it('keeps more different characters than there are stand-ins', async () => {
    const all = String.fromCodePoint(...Array.from({ length: 7_000 }, (_, index) => 0x4e00 + index))
    const { text } = await layOut(['name'], [[all]], PIPE)
    expect(text).toBe(`name\n${all}`)
  })
})

describe('a table on a terminal', () => {
  it.each([
    {
      columns: 200,
      text: [
        `chain${' '.repeat(33)} rows  at${' '.repeat(27)}url`,
        `${ID}      5  ${TIME}  file:///a`,
        `${OTHER}  12000  ${TIME}  file:///b`,
      ],
      dropped: [],
    },
    {
      columns: 50,
      text: [
        'chain       rows  at                    url',
        '0190a8b8…      5  2026-11-29T16:04:21Z  file:///a',
        '0290a8b8…  12000  2026-11-29T16:04:21Z  file:///b',
      ],
      dropped: [],
    },
    {
      columns: 40,
      text: [
        'chain       rows  at',
        '0190a8b8…      5  2026-11-29T16:04:21Z',
        '0290a8b8…  12000  2026-11-29T16:04:21Z',
      ],
      dropped: ['url'],
    },
    {
      columns: 20,
      text: ['chain       rows', '0190a8b8…      5', '0290a8b8…  12000'],
      dropped: ['at', 'url'],
    },
  ])('fits into $columns columns', async ({ columns, text, dropped }) => {
    const table = await layOut(HEAD, ROWS, terminal(columns))
    expect({ text: table.text.split('\n'), dropped: table.dropped }).toEqual({ text, dropped })
  })

  it.each([
    { name: 'ids that differ at the end', ids: [ID, NEAR], is: ['0190a8b8…a0a0', '0190a8b8…a0a1'] },
    { name: 'equal ids', ids: [ID, ID], is: ['0190a8b8…', '0190a8b8…'] },
    { name: 'a text that is no id stays whole', ids: [ID, '-'], is: ['0190a8b8…', '-'] },
    {
      name: 'ids of one minute',
      ids: [ID, '0190a8b8-a0c1-7a0a-8a0a-a0a0a0a0a0a0'],
      is: ['0190a8b8-a0c0…', '0190a8b8-a0c1…'],
    },
  ])('cuts ids so that they differ: $name', async ({ ids, is }) => {
    const { text } = await layOut(
      [{ title: 'chain', short: 'id' }],
      ids.map((id) => [id]),
      terminal(20),
    )
    expect(text.split('\n').slice(1)).toEqual(is)
  })

  it('cuts ids in ASCII outside of UTF-8', async () => {
    const { text } = await layOut([{ title: 'chain', short: 'id' }], [[ID]], terminal(20, false))
    expect(text).toBe('chain\n0190a8b8..')
  })

  it('breaks long cells into lines of their own column, titles too', async () => {
    const rows = [[1, 'the first reason of all', '日本語日本語日本語日本語']]
    const { text } = await layOut(['id', 'reason', 'name (of the Domain)'], rows, terminal(30))
    expect(text.split('\n')).toEqual([
      'id  reason     name (of the',
      '               Domain)',
      ' 1  the first  日本語日本語',
      '    reason of  日本語日本語',
      '    all',
    ])
  })

  it('breaks texts where words end before it leaves out a column that goes late', async () => {
    const head: Heading[] = [
      { title: 'subject', short: 'digest', drop: 1, dropLate: true },
      'reason',
      { title: 'id', drop: 2 },
    ]
    const rows = [[DIGEST, 'insufficient_relation', 'x'.repeat(20)]]
    const at = async (columns: number) => {
      const { text, dropped } = await layOut(head, rows, terminal(columns))
      return { rows: text.split('\n').slice(1), dropped }
    }
    expect(await at(60)).toEqual({
      rows: [`01234567…  insufficient_relation  ${'x'.repeat(20)}`],
      dropped: [],
    })
    expect(await at(32)).toEqual({ rows: ['01234567…  insufficient_relation'], dropped: ['id'] })
    expect(await at(26)).toEqual({
      rows: ['01234567…  insufficient_', '           relation'],
      dropped: ['id'],
    })
    expect(await at(20)).toEqual({
      rows: ['insufficient_', 'relation'],
      dropped: ['subject', 'id'],
    })
  })

  it('cuts long texts to their beginning', async () => {
    const { text } = await layOut([{ title: 'text', short: 'excerpt' }], [['日'.repeat(90)]], terminal(170))
    expect(text).toBe(`text\n${'日'.repeat(79)}…`)
  })

  it('cuts a name, then breaks it into lines, and then leaves it out', async () => {
    const head: Heading[] = [
      { title: 'chain', short: 'id' },
      { title: 'name', short: 'name', drop: 1, dropLate: true },
      'rows',
    ]
    const at = async (columns: number) => {
      const { text, dropped } = await layOut(head, [[ID, 'acme payments of Europe', 5]], terminal(columns))
      return [...text.split('\n').slice(1), ...dropped]
    }
    const long = await layOut(head, [[ID, `acme payments${' x'.repeat(50)}`, 5]], terminal(60))
    expect(long.text.split('\n').slice(1)).toEqual(['0190a8b8…  acme payments x x x x x…     5'])
    expect(await at(60)).toEqual(['0190a8b8…  acme payments of Europe     5'])
    expect(await at(30)).toEqual(['0190a8b8…  acme payments     5', '           of Europe'])
    expect(await at(24)).toEqual(['0190a8b8…     5', 'name'])
  })

  it('colours every line of a broken cell', async () => {
    const screen = { isTerminal: true, columns: 12, color: true, unicode: true }
    const head: Heading[] = ['id', { title: 'code', tone: () => 'good' }]
    const { text } = await layOut(head, [[1, 'one two three']], { screen, style: styleOf(screen) })
    const green = (word: string) => `\u001b[32m${word}\u001b[39m`
    expect(text.split('\n').slice(1)).toEqual([` 1  ${green('one two')}`, `    ${green('three')}`])
  })

  it('escapes cells before it lays them out', async () => {
    const { text } = await layOut(['name'], [['\u001b[31mx\n']], terminal(80))
    expect(text).toBe('name\n\\x1b[31mx\\n')
  })

  it('has no line wider than the terminal, however long its texts', async () => {
    const cell = fc.oneof(
      fc.integer({ min: 0, max: 999 }),
      fc.constant(undefined),
      fc.string({ unit: 'grapheme' }),
    )
    const rows = fc.array(fc.array(cell, { minLength: 4, maxLength: 4 }), { minLength: 1, maxLength: 5 })
    await fc.assert(
      fc.asyncProperty(rows, async (given) => {
        const { text } = await layOut(['a', 'b', 'c', 'd'], given, terminal(54))
        for (const line of text.split('\n')) expect(textWidth(line)).toBeLessThanOrEqual(54)
      }),
    )
  })
})

describe('a list on a terminal', () => {
  const row = [
    1758,
    'unlinked',
    TIME,
    'insufficient_relation',
    DIGEST,
    'project.read',
    'project:2023-1011',
    'request-of-the-client-17',
  ]
  const AGENT = `curl/8.5.0 (${'x'.repeat(90)})`
  const METADATA = '{"event_id":"0190a8b8","region":"eu-central-1"}'
  const widest = (text: string) => Math.max(...text.split('\n').map(textWidth))

  it.each([58, 60, 80, 200])('is not wider than %i columns', async (columns) => {
    const { text } = await layOut(ENTRY_LIST.head, [row, row], terminal(columns))
    expect(widest(text)).toBeLessThanOrEqual(columns)
    for (const part of ['1758', '2026-11-29', '16:04:21', 'read']) expect(text).toContain(part)
  })

  it.each([60, 80, 200])('has the whole context in %i columns, below each row', async (columns) => {
    const rows = [
      [...row, TIME, '203.0.113.7', AGENT, METADATA],
      [...row, undefined, undefined, undefined, undefined],
      [...row, undefined, '203.0.113.8', undefined, undefined],
    ]
    const { text, dropped } = await layOut(CONTEXT_LIST.head, rows, terminal(columns))
    expect(widest(text)).toBeLessThanOrEqual(columns)
    const all = text.replace(/\s+/g, '')
    for (const part of [`event_time${TIME}`, 'ip203.0.113.7', AGENT, METADATA])
      expect(all).toContain(part.replaceAll(' ', ''))
    expect(text.match(/^ {4}not hashed: /gm)).toHaveLength(2)
    expect(text.split('\n').at(-1)).toBe('    not hashed: ip 203.0.113.8')
    expect(dropped.join()).not.toContain('not hashed')
  })

  it('has the context beside the rows where there is room, and in a pipe', async () => {
    const rows = [[...row, TIME, '203.0.113.7', 'curl', '{}']]
    for (const paper of [terminal(300), PIPE]) {
      const { text } = await layOut(CONTEXT_LIST.head, rows, paper)
      expect(text.split('\n')).toHaveLength(2)
      expect(text).toMatch(/not hashed: metadata$/m)
    }
  })
})

describe('a row of its own', () => {
  const head: Heading[] = ['seq', { title: 'subject', short: 'digest' }, { title: 'at', short: 'time' }]
  const pipe = { isTerminal: false, color: false, unicode: false }
  it.each([
    { name: 'in a pipe', screen: pipe, line: `1  ${DIGEST}  ${TIME}` },
    { name: 'on a terminal', screen: terminal(80).screen, line: `1  01234567…  ${TIME}` },
    { name: 'outside of UTF-8', screen: terminal(80, false).screen, line: `1  01234567..  ${TIME}` },
  ])('has short digests on a terminal only: $name', ({ screen, line }) => {
    expect(rowLine(head, [1, DIGEST, TIME], screen)).toBe(line)
  })

  it('escapes its cells, and shows that one is empty', () => {
    expect(rowLine(['a', 'b'], ['\u001b', undefined], pipe)).toBe('\\x1b  -')
  })
})
