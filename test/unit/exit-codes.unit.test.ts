import { readFileSync } from 'node:fs'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { ERROR_CODES, type ErrorCode } from '../../src/base/errors.js'
import { EXIT, EXIT_MEANINGS, type ExitCode, exitOfError, worstExit } from '../../src/cli/shell/exit-codes.js'

const ALL = Object.values(EXIT)
const anyCodes = fc.array(fc.constantFrom(...ALL))

describe('worstExit', () => {
  it('returns the first that applies of 1, 70, 3, 4, 5, 0', () => {
    const order: ExitCode[] = [1, 70, 3, 4, 5, 0]
    for (const [i, code] of order.entries()) expect(worstExit(order.slice(i).reverse())).toBe(code)
  })

  it.each([
    [[], 0],
    [[130, 1], 1],
    [[130, 70], 70],
    [[130, 3, 0], 130],
    [[143, 2], 143],
    [[2, 3], 3],
    [[2, 4, 0], 2],
  ] as const)('returns for %j the code %i', (codes, worst) => {
    expect(worstExit(codes)).toBe(worst)
  })

  it('returns one of the given codes, the same in any order and grouping', () => {
    fc.assert(
      fc.property(anyCodes, anyCodes, (a, b) => {
        const worst = worstExit([...a, ...b])
        expect(worst).toBe(worstExit([worstExit(b), worstExit(a)]))
        if (a.length + b.length > 0) expect([...a, ...b]).toContain(worst)
      }),
    )
  })
})

it('gives no error code the exit code 0, 1 or that of a signal', () => {
  const codes = new Set(ERROR_CODES.map(exitOfError))
  expect([...codes].sort((a, b) => a - b)).toEqual([2, 3, 4, 70])
})

it.each([
  ['usage', 2],
  ['down_migration_refused', 2],
  ['domain_not_found', 4],
  ['nothing_to_verify', 4],
  ['database_unavailable', 3],
  ['schema_newer', 3],
  ['archiver_running', 3],
  ['generation_unknown', 3],
  ['internal', 70],
] as const satisfies readonly (readonly [ErrorCode, ExitCode])[])('maps %s to %i', (code, exit) => {
  expect(exitOfError(code)).toBe(exit)
})

it('gives every exit code exactly one meaning', () => {
  expect(EXIT_MEANINGS.flatMap(({ codes }) => codes)).toEqual(ALL)
})

it('prints the same table in README.md', () => {
  const readme = readFileSync(new URL('../../README.md', import.meta.url), 'utf8')
  const rows = [...readme.matchAll(/^\| (\d+(?:, \d+)*) \| (.*) \|$/gm)].map(([, codes, text]) => [
    codes,
    text,
  ])
  expect(rows).toEqual(EXIT_MEANINGS.map(({ codes, meaning }) => [codes.join(', '), meaning]))
})
