import { PassThrough } from 'node:stream'
import { describe, expect, it } from 'vitest'
import { canRedraw, screenOf } from '../../src/cli/output/screen.js'
import { styleOf } from '../../src/cli/output/style.js'
import { wantedColor } from '../../src/cli/shell/bare-command.js'

const stream = (properties: object) => Object.assign(new PassThrough(), properties)
const terminal = stream({ isTTY: true, columns: 100, rows: 40 })
const pipe = stream({})
const UTF8 = { LANG: 'en_GB.UTF-8' }

describe('screenOf', () => {
  it.each([
    { on: terminal, env: UTF8, color: 'auto', is: [100, true, true] },
    { on: terminal, env: {}, color: 'auto', is: [100, true, false] },
    { on: terminal, env: { LANG: 'C' }, color: 'auto', is: [100, true, false] },
    { on: terminal, env: { ...UTF8, LC_ALL: 'C' }, color: 'auto', is: [100, true, false] },
    { on: terminal, env: { LANG: 'C', LC_CTYPE: 'C.utf8' }, color: 'auto', is: [100, true, true] },
    { on: terminal, env: { ...UTF8, NO_COLOR: '1' }, color: 'auto', is: [100, false, true] },
    { on: terminal, env: { ...UTF8, NO_COLOR: '' }, color: 'auto', is: [100, true, true] },
    { on: terminal, env: { ...UTF8, NO_COLOR: '1' }, color: 'always', is: [100, true, true] },
    { on: terminal, env: { ...UTF8, TERM: 'dumb' }, color: 'auto', is: [100, false, true] },
    { on: terminal, env: UTF8, color: 'never', is: [100, false, true] },
    { on: stream({ isTTY: true, columns: 0 }), env: UTF8, color: 'auto', is: [80, true, true] },
    { on: pipe, env: UTF8, color: 'auto', is: [undefined, false, false] },
    { on: pipe, env: { ...UTF8, FORCE_COLOR: '1' }, color: 'auto', is: [undefined, false, false] },
    { on: pipe, env: UTF8, color: 'always', is: [undefined, true, false] },
  ] as const)('gives columns, colour and Unicode $is with $color and $env', ({ on, env, color, is }) => {
    const { columns, color: isColored, unicode } = screenOf(on, env, color)
    expect([columns, isColored, unicode]).toEqual(is)
  })

  it.each([
    { on: terminal, env: {}, can: true },
    { on: terminal, env: { TERM: 'dumb' }, can: false },
    { on: stream({ isTTY: true, rows: 0 }), env: {}, can: false },
    { on: pipe, env: {}, can: false },
  ])('redraws lines only on a terminal that can move its cursor, $can', ({ on, env, can }) => {
    expect(canRedraw(on, env)).toBe(can)
  })
})

describe('styleOf', () => {
  const shown = { isTerminal: true, columns: 80, color: true, unicode: true }

  it('paints by the tone, and marks good and bad answers', () => {
    const { paint, mark } = styleOf(shown)
    expect(paint('good', `${mark('good')}intact`)).toBe('\u001b[32m✓ intact\u001b[39m')
    expect(paint('bad', `${mark('bad')}x`)).toContain('✗ x')
    expect([mark('warn'), mark(undefined), paint(undefined, 'x')]).toEqual(['', '', 'x'])
  })

  it('leaves texts as they are without colour, and prints no mark outside of UTF-8', () => {
    const { paint, mark } = styleOf({ ...shown, color: false, unicode: false })
    expect([paint('bad', 'x'), mark('bad')]).toEqual(['x', ''])
  })
})

describe('wantedColor', () => {
  it.each([
    { argv: [], is: 'auto' },
    { argv: ['verify', '--color', 'always'], is: 'always' },
    { argv: ['verify', '--color=never'], is: 'never' },
    { argv: ['--color=never', '--color=always'], is: 'always' },
    { argv: ['verify', '--color=blue'], is: 'auto' },
    { argv: ['verify', '--color'], is: 'auto' },
    { argv: ['verify', '--', '--color=always'], is: 'auto' },
  ])('reads $argv as $is', ({ argv, is }) => {
    expect(wantedColor(argv)).toBe(is)
  })
})
