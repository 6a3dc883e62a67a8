import { join } from 'node:path'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { CaseCopy } from '../support/case-copy.js'

let copy: CaseCopy
const files = { whole: '', granted: '', range: '' }

beforeAll(async () => {
  copy = new CaseCopy()
  for (const seq of [1, 20, 21, 24]) copy.remove(seq)
  files.whole = await copy.exported()
  files.granted = join(copy.folder, 'granted.tar')
  await copy.run('export', ...copy.inMirror, '--reason', 'granted', '--output', files.granted)
  files.range = join(copy.folder, 'range.tar')
  await copy.run('export', ...copy.inMirror, '--from-seq', '10', '--to-seq', '30', '--output', files.range)
})
afterAll(() => copy.drop())

type From = 'mirror' | keyof typeof files
const words = (from: From) => (from === 'mirror' ? copy.inMirror : [files[from]])

const PLACES: readonly [From, number, string][] = [
  ['mirror', 20, 'rows 20 to 21 are missing, and the rows on both sides are 19 and 22'],
  ['mirror', 24, 'row 24 is missing, and the rows on both sides are 23 and 25'],
  ['mirror', 1, 'row 1 is missing, and the first row there is 2'],
  ['mirror', 99, 'the last row there is 49'],
  ['whole', 21, 'rows 20 to 21 are missing, and the rows on both sides are 19 and 22'],
  ['range', 24, 'row 24 is missing, and the rows on both sides are 23 and 25'],
  ['range', 40, 'the last row there is 30'],
  ['granted', 24, 'the rows on both sides are 23 and 26'],
]

it.each(PLACES)(
  'ends get in the %s with 4 for the missing row %i and names the gap',
  async (from, seq, place) => {
    const { code, stdout, stderr } = await copy.run('get', String(seq), ...words(from))
    expect({ code, stdout }).toEqual({ code: 4, stdout: '' })
    expect(stderr).toContain(`; ${place}\n`)
    expect(stderr).toContain(`run: audit list --around ${seq} `)
    if (from === 'granted') expect(stderr).not.toContain('missing')
  },
)

it.each(PLACES)(
  'notes in a list of the %s around the missing row %i which rows are missing',
  async (from, seq, place) => {
    const { code, stderr } = await copy.run('list', '--around', String(seq), ...words(from))
    expect(code).toBe(0)
    expect(stderr).toContain(`${place}\n`)
    if (from === 'granted') expect(stderr).not.toContain('missing')
  },
)

it('names every gap among the rows around one, and none where no row is missing', async () => {
  const around = ['list', ...copy.inMirror, '--context-rows', '4', '--around']
  const { stderr } = await copy.run(...around, '23')
  expect(stderr).toContain('note: rows 20 to 21 are missing')
  expect(stderr).toContain('note: row 24 is missing')
  expect((await copy.run(...around, '40')).stderr).not.toContain('missing')
})

it('names the missing row also where a filter hides the rows next to it, and no row that the filter hides', async () => {
  const hiding = ['--relation', 'audit.none', '--around']
  const missing = await copy.run('list', ...copy.inMirror, ...hiding, '24')
  expect(missing.stderr).toContain('note: there is no row 24; row 24 is missing')
  const hidden = await copy.run('list', ...copy.inMirror, ...hiding, '23')
  expect(hidden.stderr).not.toContain('missing')
})
