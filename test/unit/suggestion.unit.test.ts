import { expect, it } from 'vitest'
import { closest } from '../../src/cli/shell/suggestion.js'

const COMMANDS = ['verify', 'list', 'get', 'db migrate', 'domain list', 'archive status']

it.each([
  ['verfiy', 'verify'],
  ['veirfy', 'verify'],
  ['lst', 'list'],
  ['db migrat', 'db migrate'],
  ['domian list', 'domain list'],
  ['xyz', undefined],
  ['', undefined],
  ['frobnicate', undefined],
])('suggests for %j: %j', (typed, meant) => {
  expect(closest(typed, COMMANDS)).toBe(meant)
})
