import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { CaseCopy } from '../support/case-copy.js'

let copy: CaseCopy

beforeEach(() => {
  copy = new CaseCopy()
})
afterEach(() => copy.drop())

const MISSING = 'this copy does not hold row 1, so nothing shows that this pepper is the right one'
const DAMAGED = 'row 1 of this chain is damaged, so nothing shows that this pepper is the right one'

/** Rows of clerk-3 in the undamaged part of the chain. */
const ROWS = 16

const DAMAGES: readonly [string, (copy: CaseCopy) => unknown, string][] = [
  ['deleted', (copy) => copy.remove(1), MISSING],
  ['not an object', (copy) => copy.write(1, 'x'), DAMAGED],
  ['the object of another row', (copy) => copy.replace(1, 2), DAMAGED],
  ['edited in its zedtoken', (copy) => copy.edit(1, { zedtoken: 'x' }), DAMAGED],
  ['edited in its subject', (copy) => copy.edit(1, { subject_pseudonym: 'ab'.repeat(32) }), DAMAGED],
]

describe.each(DAMAGES)('a search by --subject-id where row 1 is %s', (_, damage, why) => {
  it.each(['mirror', 'bundle'])(
    'finds the rows in the %s and says why nothing proves the pepper',
    async (source) => {
      await damage(copy)
      const from = source === 'mirror' ? copy.inMirror : [await copy.exported()]
      const person = ['--subject-id', 'clerk-3', '--pepper', copy.pepper]
      const list = await copy.run('list', ...from, ...person, '--all', '--format', 'csv')
      expect(list.stderr).toContain(why)
      expect(list.code).toBe(why === DAMAGED ? 1 : 0)
      expect(list.stdout.trim().split('\n')).toHaveLength(ROWS + 1)
      const stats = await copy.run('stats', ...from, ...person, '--by', 'subject', '--format', 'csv')
      expect(stats.stderr).toContain(why)
      expect(stats.stdout).toMatch(new RegExp(`,${ROWS},4$`, 'm'))
    },
  )
})

it.each(['mirror', 'bundle'])(
  'refuses another pepper in the %s with 2 where row 1 recomputes',
  async (source) => {
    const other = join(copy.folder, 'other.key')
    writeFileSync(other, Buffer.alloc(32, 6), { mode: 0o600 })
    const from = source === 'mirror' ? copy.inMirror : [await copy.exported()]
    const person = ['--subject-id', 'clerk-3', '--pepper', `file://${other}`]
    const result = await copy.run('list', ...from, ...person, '--json')
    expect(result).toMatchObject({ code: 2, stdout: '' })
    expect(result.stderr).toContain('"code":"pepper_mismatch"')
  },
)
