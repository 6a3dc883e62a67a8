import { readFileSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { CaseCopy } from '../support/case-copy.js'

const DAMAGES: readonly [string, (copy: CaseCopy) => unknown][] = [
  ['the object of another row', (copy) => copy.replace(20, 21)],
  ['no object', (copy) => copy.write(20, 'x')],
  ['edited in its reason', (copy) => copy.edit(20, { reason: 'insufficient_relation' })],
]

/** Filters, and how many of the 49 rows but row 20 they select, and how many of these are denied. */
const FILTERS: readonly [readonly string[], number, number][] = [
  [['--denied'], 4, 4],
  [['--reason', 'granted'], 44, 0],
  [['--reason', 'unknown'], 0, 0],
  [['--reason', 'insufficient_relation', '--reason', 'unknown'], 4, 4],
  [['--from', '2023-07-10T12:20:00Z', '--to', '2023-07-10T12:20:00Z'], 1, 0],
  [['--relation', 'payment.approve'], 12, 4],
]

describe.each(DAMAGES)('row 20 is %s', (_, damage) => {
  let copy: CaseCopy
  let copies: readonly (readonly string[])[]

  beforeAll(async () => {
    copy = new CaseCopy()
    await damage(copy)
    copies = [copy.inMirror, [await copy.exported()]]
  })
  afterAll(() => copy.drop())

  it.each(FILTERS)('is left out by %j, named, and the answer ends with 1', async (filter, rows, denied) => {
    for (const from of copies) {
      const list = await copy.run('list', ...from, ...filter, '--all', '--format', 'csv')
      expect(list).toMatchObject({ code: 1, stderr: expect.stringContaining('left out: row 20 has') })
      expect(list.stdout.trim().split('\n')).toHaveLength(rows + 1)
      expect(list.stdout).not.toContain(',20,')
      const stats = await copy.run('stats', ...from, ...filter, '--json')
      expect(stats).toMatchObject({ code: 1, stderr: expect.stringContaining('left out: row 20 has') })
      expect(JSON.parse(stats.stdout)).toMatchObject({ rows, denied })
      expect(stats.stdout).not.toContain('unreadable')
    }
  })

  it('is left out of a report with a filter, which says so', async () => {
    for (const from of copies) {
      const page = join(copy.folder, 'report.html')
      const report = await copy.run('report', ...from, '--reason', 'granted', '--output', page)
      expect(report).toMatchObject({
        code: 1,
        stdout: expect.stringContaining('44 rows selected, 44 listed'),
        stderr: expect.stringContaining('left out: 1 row that cannot be read'),
      })
      expect(readFileSync(page, 'utf8')).toContain('1 further row is damaged')
      rmSync(page)
    }
  })

  it('is counted once, apart from the reasons and the hours', async () => {
    for (const from of copies) {
      const words = ['--by', 'hour', '--by', 'reason']
      const json = JSON.parse((await copy.run('stats', ...from, ...words, '--json')).stdout)
      expect(json).toMatchObject({ rows: 49, denied: 4, unreadable: 1 })
      expect(json.chains).toEqual([expect.objectContaining({ rows: 49, unreadable: 1 })])
      expect(json.by.reason.groups).toEqual([
        { value: 'granted', rows: 44, denied: 0 },
        { value: 'insufficient_relation', rows: 4, denied: 4 },
      ])
      expect(json.by.hour.groups[0].value).toBe('2023-07-10T09:00:00Z')
      const csv = await copy.run('stats', ...from, ...words, '--format', 'csv')
      expect(csv.stdout).toMatch(/^unreadable,,1,0$/m)
      expect((await copy.run('stats', ...from)).stdout).toMatch(/^unreadable +1$/m)
    }
  })

  it('has no time of the year 1 in a list', async () => {
    for (const from of copies) {
      const around = ['list', ...from, '--around', '20', '--context-rows', '1']
      const table = await copy.run(...around)
      expect(table.stdout).toMatch(/^20 +damaged/m)
      const csv = await copy.run(...around, '--format', 'csv')
      expect(`${table.stdout}${csv.stdout}`).not.toContain('0001-01-01')
    }
  })
})
