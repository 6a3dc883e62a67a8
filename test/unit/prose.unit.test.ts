import { execFileSync } from 'node:child_process'
import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { ROOT } from '../support/cli.js'

/** A pattern that no line may have, with an example that has it and an example that must pass. */
interface Rule {
  readonly name: string
  readonly pattern: RegExp
  readonly write: string
  readonly bad: string
  readonly good: string
}

const WORDS: readonly Rule[] = [
  {
    name: 'a comment that begins with "Of"',
    pattern: /(?:\/\*\*?|\/\/|^\s*#|<!--|"""|summary: ['"`]|description: ['"`]) ?Of\b/,
    write: 'a sentence with a subject, or the name of the thing',
    bad: '/** Of the last row. */',
    good: '/** The seq of the last row. Often 1. */',
  },
  {
    name: 'tell, told',
    pattern: /(?<![\w-])(?:[Tt]ell(?:s|ing|ers?)?|[Tt]old)(?![\w-])|\btell[A-Z]/,
    write: 'return, report, print, log, show, say',
    bad: 'it tells which copy was touched',
    good: 'foretell, tellurium, a storyteller',
  },
  {
    name: 'hand over',
    pattern: /\bhand(?:s|ed|ing)? (?:\w+ )?over\b/i,
    write: 'pass, give, write',
    bad: 'Hands it over to the reader.',
    good: 'by hand, over HTTP',
  },
  {
    name: 'take back, let go of',
    pattern: /\b(?:takes?|took|taken|taking) back\b|\blet(?:s|ting)? go of\b/i,
    write: 'revoke, roll back, release, close',
    bad: 'lets go of the connection',
    good: 'rolls back and takes the next one; lets callers go on',
  },
  {
    name: 'stand',
    pattern: /(?<![\w-])(?:stands?|stood|standing)(?![\w-])/i,
    write: 'is, is in, occurs, means',
    bad: 'where the walk stands',
    good: 'a standby, a standalone verifier, understand',
  },
  {
    name: 'be at it',
    pattern: /\b(?:be|is|are|was) at it\b/i,
    write: 'is running, is working on',
    bad: 'a restore is at it',
    good: 'is at its end',
  },
  {
    name: "be none, be nobody's",
    pattern:
      /\b(?:be|which is|which are|that is|that are|that was|and is|and are|this is|it is) none\b|\bnobody's\b/i,
    write: 'is not a …, does not exist; mark the rejection as handled',
    bad: 'a URL that is none',
    good: 'undefined if there is none',
  },
  {
    name: 'for good',
    pattern: /\bfor good\b/i,
    write: 'permanently',
    bad: 'ends a key for good',
    good: 'a reason for goodput',
  },
  {
    name: 'would else, whoever, of which, whatever of it',
    pattern: /\bwould else\b|\bwhoever\b|\bof which\b|\bwhatever of\b/i,
    write: 'otherwise; who, anybody who, the caller; whose; a sentence of its own',
    bad: 'the rows of which it is made',
    good: 'which of the rows',
  },
  {
    name: 'no more than, ever more seldom',
    pattern: /\bno more than\b|\bever more seldom\b/i,
    write: 'at most; at growing intervals',
    bad: 'no more than four',
    good: 'no more rows than',
  },
  {
    name: 'a page that is not in this repository',
    pattern:
      /\bcli\.md\b|(?<![\w/])format\.md\b|(?<!docs\/|\[|\()\bhttp\.md\b|\bof the design\b|\bports\.ts\b/,
    write: 'src/chain/FORMAT.md, docs/http.md, or the rule itself',
    bad: '// see cli.md, "Exit codes"',
    good: '// see docs/http.md, src/chain/FORMAT.md and [http.md](http.md)',
  },
]

/** Names that were replaced, and the names to use. */
const RENAMED: Readonly<Record<string, string>> = {
  Scribe: 'SelfAuditActor',
  scribe: 'actor',
  Deed: 'SelfAuditAction',
  deed: 'action',
  deeds: 'actions',
  Teller: 'AuditContext',
  Troubles: 'FailureLog',
  Nap: 'WakeableSleep',
  Gate: 'Semaphore, authorize',
  hangUp: 'clientGoneSignal',
  hangUpOf: 'clientGoneSignal',
  IntactLane: 'FastPath',
  intactLane: 'fastPath',
  paced: 'throttle',
  Paced: 'Throttle',
  battlefield: 'fixture',
  Battlefield: 'AttackFixture',
  ...Object.fromEntries(
    ['Access', 'Archive', 'Http', 'Pepper', 'Probe', 'Vault'].map((name) => [
      `${name}Ground`,
      `${name}Fixture`,
    ]),
  ),
  ...Object.fromEntries(
    [
      'Archiver',
      'Backfill',
      'Batch',
      'Denial',
      'Drain',
      'Export',
      'Findings',
      'Http',
      'Item',
      'Metrics',
      'Probe',
    ]
      .concat(['Prove', 'Provision', 'Restore', 'Status', 'Token', 'Walk', 'Webhook', 'Worker'])
      .map((name) => [`${name}Parts`, `${name}Deps`]),
  ),
}

const RENAMES: readonly Rule[] = Object.entries(RENAMED).map(([old, name]) => ({
  name: `the old name ${old}`,
  pattern: new RegExp(`(?<![\\w./-])${old}(?![\\w/-])`),
  write: name,
  bad: `const a: ${old} = b`,
  good: `const a: ${old}x = b`,
}))

/** `Turns` is also a verb: "Turns a value into text." */
const TURNS: Rule = {
  name: 'the old name Turns',
  pattern: /\b(?:new|class|type|typeof) Turns\b/,
  write: 'PipelineQueue',
  bad: 'const turns = new Turns()',
  good: '/** Turns a value into text. */',
}

const RULES = [...WORDS, ...RENAMES, TURNS]

/** Files that a person reads: sources, tests, pages and the messages of CI. Generated files and data are not among them. */
const FILES = execFileSync(
  'git',
  ['ls-files', '--cached', '--others', '--exclude-standard', 'src', 'commands', 'test', 'bin'].concat([
    'docs',
    'README.md',
    'CHANGELOG.md',
    'package.json',
    'vitest.config.ts',
    '.ci',
  ]),
  { cwd: ROOT, encoding: 'utf8' },
)
  .trim()
  .split('\n')
  .filter((file) => /\.(?:tsx?|m?js|json|md|txt|yml|py|zed)$|^\.ci\/run$/.test(file))
  .filter((file) => !/openapi\.json$|package-lock\.json$|vectors\/|prose\.unit\.test\.ts$/.test(file))
  .filter((file) => existsSync(join(ROOT, file)))

/** Returns the lines of a text that break a rule, each with its place and with what to write instead. */
function violations(file: string, text: string, rule: Rule): string[] {
  return text.split('\n').flatMap((line, i) => {
    const found = rule.pattern.exec(line)?.[0]
    return found === undefined ? [] : [`${file}:${i + 1} has "${found}"; write: ${rule.write}`]
  })
}

describe('prose', () => {
  const texts = FILES.map((file) => [file, readFileSync(join(ROOT, file), 'utf8')] as const)

  it('is checked in sources, tests, pages and the messages of CI', () => {
    for (const file of [
      'src/chain/fold.ts',
      'commands/verify.ts',
      'test/e2e/readme.e2e.test.ts',
      'bin/run.js',
    ]) {
      expect(FILES).toContain(file)
    }
    for (const file of ['docs/http.md', 'README.md', 'CHANGELOG.md', 'package.json', '.ci/run']) {
      expect(FILES).toContain(file)
    }
  })

  it.each(RULES)('does not use $name', (rule) => {
    expect(texts.flatMap(([file, text]) => violations(file, text, rule))).toEqual([])
  })
})

describe('the checker of prose', () => {
  it.each(RULES)('finds $name', (rule) => {
    expect(violations('a.ts', `fine\n${rule.bad}`, rule)).toEqual([
      expect.stringMatching(/^a\.ts:2 has ".+"; write: ./),
    ])
  })

  it.each(RULES)('accepts text that only resembles $name', (rule) => {
    expect(violations('a.ts', rule.good, rule)).toEqual([])
  })
})
