import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { ROOT } from '../support/cli.js'

const page = readFileSync(join(ROOT, 'docs/compliance.md'), 'utf8')

/** Rows of the table: promise, seam, test, command. */
const rows = page
  .split('\n')
  .filter((line) => line.startsWith('| ') && !line.startsWith('| promise'))
  .map((line) =>
    line
      .slice(1, -1)
      .split(' | ')
      .map((cell) => cell.trim()),
  )

const quoted = (cell = '') => [...cell.matchAll(/`([^`]+)`/g)].map(([, text = '']) => text)
const files = (cell = '') => quoted(cell).filter((text) => /^(src|test|migrations)\//.test(text))

/** Returns whether the words of `text` up to the first flag name a file of commands/, as in `audit hold list --all`. */
function isCommand(text: string): boolean {
  if (text.startsWith('psql "$(audit db url)"')) return true
  const [program, ...words] = text.split(/ (?=-)/)[0]?.split(' ') ?? []
  return program === 'audit' && existsSync(join(ROOT, 'commands', `${words.join('/')}.ts`))
}

describe('docs/compliance.md', () => {
  it('lists promises', () => expect(rows.length).toBeGreaterThan(7))

  it.each(rows)('names files and commands that exist for: %s', (_promise, seam, test, command) => {
    const named = [...files(seam), ...files(test)]
    expect(named.filter((file) => !existsSync(join(ROOT, file)))).toEqual([])
    expect(files(seam).length).toBeGreaterThan(0)
    expect(files(test).filter((file) => /\.(unit|int|e2e)\.test\.ts$/.test(file)).length).toBeGreaterThan(0)
    expect(quoted(command).length).toBeGreaterThan(0)
    expect(quoted(command).filter((text) => !isCommand(text))).toEqual([])
  })
})
