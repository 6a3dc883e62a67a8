import { expect, it } from 'vitest'
import type { ReadManifest } from '../../src/bundle/manifest.js'
import { BundleRows } from '../../src/bundle/read/bundle-rows.js'
import { encodeCanonical } from '../../src/chain/canonical.js'
import { chainRows } from '../support/chain-rows.js'

const DOMAIN = '018f0000-0000-7000-8000-00000000c0de'
const ROWS = chainRows(DOMAIN, [{}, {}, {}, {}, {}, {}])

function line(seq: number): string {
  const row = ROWS[seq - 1]
  if (row === undefined) throw new Error(`no row ${seq}`)
  const canonical = Buffer.from(encodeCanonical(row)).toString('base64')
  return `{"seq":${seq},"prev_hash":"${row.prevHash}","entry_hash":"${row.entryHash}","canonical_bytes":"${canonical}"}`
}

const JUNK = 'x'
const WHOLE = { kind: 'chain', fromSeq: 1, toSeq: 6, toEnd: true, filter: {} } as const

/** Reads lines, each a seq or a line that is not a row, as two segments. */
function read(
  lines: readonly (number | string)[],
  selection: ReadManifest['selection'] = WHOLE,
  range: { after: number; upTo?: number } = { after: 0 },
): { rows: string[]; problems: string[] } {
  const problems: string[] = []
  const manifest = { domain_id: DOMAIN, selection } as unknown as ReadManifest
  const rows = new BundleRows(manifest, range, ({ problem }) => problems.push(problem))
  const texts = lines.map((one) => `${typeof one === 'number' ? line(one) : one}\n`)
  const half = Math.ceil(texts.length / 2)
  const segments = [texts.slice(0, half), texts.slice(half)].map((some) => Buffer.from(some.join('')))
  const found = [...segments.flatMap((content) => rows.read(content)), ...rows.rest()]
  return {
    rows: found.map(({ seq, problem }) => `${seq}${problem === undefined ? '' : ' damaged'}`),
    problems,
  }
}

const EXTRA = (before: number) => `a line after row ${before} is not a row`

it.each([
  ['in place of a row', [1, 2, JUNK, 4, 5, 6], ['1', '2', '3 damaged', '4', '5', '6'], []],
  ['in place of the first row', [JUNK, 2, 3, 4, 5, 6], ['1 damaged', '2', '3', '4', '5', '6'], []],
  ['in place of two rows', [1, JUNK, JUNK, 4, 5, 6], ['1', '2 damaged', '3 damaged', '4', '5', '6'], []],
  ['in place of the last row', [1, 2, 3, 4, 5, JUNK], ['1', '2', '3', '4', '5', '6 damaged'], []],
  ['between two rows', [1, 2, JUNK, 3, 4, 5, 6], ['1', '2', '3', '4', '5', '6'], [EXTRA(2)]],
  ['before the first row', [JUNK, 1, 2, 3, 4, 5, 6], ['1', '2', '3', '4', '5', '6'], [EXTRA(0)]],
] as const)(
  'counts a line that is not a row %s once, and never as the next row',
  (_name, lines, rows, problems) => {
    expect(read(lines)).toEqual({ rows, problems })
  },
)

it('gives such a line the first seq of a range', () => {
  const range = { kind: 'range', fromSeq: 4, toSeq: 6, toEnd: false, filter: {} } as const
  expect(read([JUNK, 5, 6], range)).toEqual({ rows: ['4 damaged', '5', '6'], problems: [] })
  expect(read([4, 5, 6, JUNK], range)).toEqual({ rows: ['4', '5', '6'], problems: [EXTRA(6)] })
})

it('gives such a line no seq in a filtered selection, whose rows have gaps', () => {
  const filtered = {
    kind: 'filtered',
    fromSeq: 1,
    toSeq: 6,
    toEnd: false,
    filter: { relation: 'x' },
  } as const
  expect(read([1, JUNK, 5], filtered)).toEqual({ rows: ['1', '5'], problems: [EXTRA(1)] })
})

it('leaves out such a line outside the rows that are asked for', () => {
  expect(read([1, 2, JUNK, 4, 5, 6], WHOLE, { after: 3, upTo: 5 })).toEqual({
    rows: ['4', '5'],
    problems: [],
  })
})
