import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { ROOT } from '../support/cli.js'
import { passagesOf, proseFiles, type Rule, violations } from '../support/prose.js'
import { RULES } from '../support/prose-rules.js'

const FILES = proseFiles(ROOT)
/** The path of a file is a passage too, so that an old name of a file is found. */
const TEXTS = FILES.map((file) => {
  const text = readFileSync(join(ROOT, file), 'utf8')
  return [file, [...passagesOf(file), ...passagesOf(text)]] as const
})

const exampleOf = (kind: 'bad' | 'good') =>
  RULES.flatMap((rule) => rule[kind].map((text): [string, string, Rule] => [rule.name, text, rule]))

describe('prose', () => {
  it.each([
    'src/chain/fold.ts',
    'commands/verify.ts',
    'test/e2e/readme.e2e.test.ts',
    'bin/run.js',
    'docs/http.md',
    'README.md',
    'CHANGELOG.md',
    'package.json',
    '.ci/run',
  ])('is checked in %s', (file) => {
    expect(FILES).toContain(file)
  })

  it.each(RULES)('does not use $name', (rule) => {
    expect(TEXTS.flatMap(([file, passages]) => violations(file, passages, rule))).toEqual([])
  })
})

describe('the checker of prose', () => {
  it.each(exampleOf('bad'))('finds %s in %j', (_name, text, rule) => {
    const found = violations('a.ts', passagesOf(`fine\n\n${text}`), rule)
    expect(found).toEqual([expect.stringMatching(/^a\.ts:[345] has ".+"; write: ./)])
  })

  it.each(exampleOf('good'))('accepts text that only resembles %s: %j', (_name, text, rule) => {
    expect(violations('a.ts', passagesOf(text), rule)).toEqual([])
  })

  it('joins the lines of a comment, of a paragraph and of a string, and keeps others apart', () => {
    const text = "/**\n * One\n * two.\n */\nconst a = 'b ' +\n  'c'\n// d\n// e\n\nf\n  g"
    const passages = passagesOf(text).map((passage) => `${passage.line}: ${passage.text}`)
    expect(passages).toEqual(['1: /** One two. */', "5: const a = 'b c'", '7: // d e', '10: f g'])
  })

  it('names the line on which a phrase begins', () => {
    const rule = RULES.find(({ name }) => name === 'let go') as Rule
    const found = violations('a.md', passagesOf('One.\nTwo lets\nit go.'), rule)
    expect(found).toEqual(['a.md:2 has "lets it go"; write: release, close'])
  })
})
