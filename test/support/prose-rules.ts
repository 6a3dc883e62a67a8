import type { Rule } from './prose.js'

const WORDS: readonly Rule[] = [
  {
    name: 'a comment that begins with "Of"',
    pattern: /(?:\/\*\*?|\/\/|^#|<!--|"""|\b(?:summary|description): ['"`]) *Of\b/,
    write: 'a sentence with a subject, or the name of the thing',
    bad: [
      '/** Of the last row. */',
      '/**\n * Of a chain that has a head.\n */',
      '// Of one chain.',
      '# Of CI.',
    ],
    good: ['/** The seq of the last row. Often 1. */', '// The head\n// Of one chain only.'],
  },
  {
    name: 'tell, told',
    pattern: /(?<![\w-])(?:tell(?:s|ing|ers?)?|told)(?![\w-])(?! (?:[\w']+ ){1,4}apart\b)/i,
    write: 'return, report, print, log, show, say',
    bad: ['it tells which copy was touched', '// what the user is\n// told'],
    good: ['foretell, tellurium, a storyteller', 'nothing tells the client apart'],
  },
  {
    name: 'hand over',
    pattern: /\bhand(?:s|ed|ing)? (?:[\w']+ ){0,4}over\b/i,
    write: 'pass, give, write',
    bad: ['Hands it over to the reader.', 'hands all of it over', '/**\n * Hands it\n * over.\n */'],
    good: ['by hand, over HTTP'],
  },
  {
    name: 'take back',
    pattern: /\b(?:takes?|took|taken|taking) (?:[\w']+ ){0,3}back\b/i,
    write: 'revoke, roll back',
    bad: ['was taken back', 'takes it back', "throw new Error('the key is taken ' +\n  'back')"],
    good: ['takes the next one, and rolls back'],
  },
  {
    name: 'let go',
    pattern: /\blet(?:s|ting)? (?:[\w']+ ){0,3}go\b(?! on\b)/i,
    write: 'release, close',
    bad: ['lets go of the connection', 'lets it go', 'lets\nthe lock go'],
    good: ['lets callers go on'],
  },
  {
    name: 'stand',
    pattern: /(?<![\w-])(?:stands?(?! for\b)|stood(?! for\b)|standing(?! for\b))(?![\w-])/i,
    write: 'is, is in, occurs, means',
    bad: ['where the walk stands', 'a name that stood there'],
    good: ['a standby, a standalone verifier, understand', 'PXA stands for the format'],
  },
  {
    name: 'be at it',
    pattern: /\b(?:be|is|are|was) at it\b/i,
    write: 'is running, is working on',
    bad: ['a restore is at it'],
    good: ['is at its end'],
  },
  {
    name: "be none, be nobody's",
    pattern:
      /\b(?:be|which is|which are|that is|that are|that was|and is|and are|this is|it is) none\b|\bnobody's\b/i,
    write: 'is not a …, does not exist; mark the rejection as handled',
    bad: ['a URL that is none', "// its failure is\n// nobody's"],
    good: ['undefined if there is none'],
  },
  {
    name: 'for good',
    pattern: /\bfor good\b(?! (?:reasons?|measure)\b)/i,
    write: 'permanently',
    bad: ['ends a key for good', 'for good.'],
    good: ['a reason for goodput', 'slow for good reason'],
  },
  {
    name: 'would else, whoever, of which, whatever of it',
    pattern: /\bwould else\b|\bwhoever\b|\bof which\b(?! \d)|\bwhatever of\b/i,
    write: 'otherwise; who, anybody who, the caller; whose; a sentence of its own',
    bad: ['the rows of which it is made', 'what would\nelse fail'],
    good: ['which of the rows', '5 objects, of which 2 are archived'],
  },
  {
    name: 'no more than, ever more seldom',
    pattern: /\bno more than\b(?! \d)|\bever more seldom\b/i,
    write: 'at most; at growing intervals',
    bad: ['no more than four', 'ever more\nseldom'],
    good: ['no more rows than', 'no more than 4 requests'],
  },
  {
    name: 'a page that is not in this repository',
    pattern:
      /\bcli\.md\b|(?<![\w/])format\.md\b|(?<!docs\/|\[|\()\bhttp\.md\b|\bof the design\b|\bports\.ts\b/,
    write: 'src/chain/FORMAT.md, docs/http.md, or the rule itself',
    bad: ['// see cli.md, "Exit codes"'],
    good: ['// see docs/http.md, src/chain/FORMAT.md and [http.md](http.md)'],
  },
]

/**
 * Finds a word as part of an identifier (`gateOf`, `openGate`, `GateKeeper`), as the name of a function that is called, and
 * where it is declared or used as a type. The same word in a sentence is not found.
 */
function named(...words: readonly string[]): RegExp {
  const lower = words.join('|')
  const upper = words.map((word) => word[0]?.toUpperCase() + word.slice(1)).join('|')
  const forms = [
    `\\b(?:${lower})(?:[A-Z]\\w*|(?=\\())`,
    `\\b(?:${upper})[A-Z]\\w*`,
    `\\b\\w*[a-z0-9](?:${upper})(?![a-z])\\w*`,
    `\\b(?:class|interface|type|new|extends|implements|function|const|let) (?:${lower}|${upper})\\b`,
    `(?:[:|&] |<)(?:${upper})\\b(?! \\w)`,
  ]
  return new RegExp(forms.join('|'))
}

/** Names that were replaced, and the names to use. */
const NAMES: readonly Rule[] = [
  {
    name: 'a type called …Parts',
    pattern: /\b[A-Z]\w*Parts\b/,
    write: '…Deps',
    bad: ['class FooParts {}', 'const a: ArchiverParts = b'],
    good: ['cutParts, joinParts and foldInParts', 'const parts: Part[] = []'],
  },
  {
    name: 'the old name gate',
    pattern: named('gate', 'gates'),
    write: 'Semaphore, authorize',
    bad: [
      'class GateKeeper {}',
      'new Gate(4)',
      'function gate(): Semaphore',
      'await gate()',
      'const a: Gate = openGate',
    ],
    good: ['The Gate of the circuit', 'aggregate(rows), propagate, navigateTo()'],
  },
  {
    name: 'the old names tell, told, teller',
    pattern: named('tell', 'tells', 'told', 'teller', 'tellers'),
    write: 'report, print, AuditContext',
    bad: ['toldApart', 'isTold', 'tellOf(row)', 'class Teller {}'],
    good: ['intellect, foretold(row), Tellurium'],
  },
  {
    name: 'the old names scribe and deed',
    pattern:
      /(?<![\w./-])(?:[Ss]cribes?|[Dd]eeds?)(?![\w/-])|\b(?:Scribe|Deed)\w*|[a-z](?:Scribe|Deed)s?(?![a-z])/,
    write: 'SelfAuditActor, SelfAuditAction',
    bad: ['const scribe = a', 'deeds.push(b)', 'class DeedOf {}', 'ownScribe'],
    good: ['describe(a), subscribe(b), indeed'],
  },
  {
    name: 'the old name ground',
    pattern: named('ground', 'grounds', 'battlefield'),
    write: 'fixture',
    bad: ['groundWithBug()', 'new HttpGround()', 'const ground = a', 'battlefieldOf(b)'],
    good: ['in the background, backgroundTask(), grounded'],
  },
  {
    name: 'the old names Troubles, Nap, hangUp, IntactLane, paced',
    pattern: named('troubles', 'nap', 'hangUp', 'intactLane', 'paced'),
    write: 'FailureLog, WakeableSleep, clientGoneSignal, FastPath, throttle',
    bad: ['new Troubles()', 'hangUpOf(request)', 'const a: Nap = b', 'paced(rows)', 'class IntactLane {}'],
    good: ['onTrouble, snapshot(), napkin, spaced(rows)'],
  },
  {
    name: 'the old name unreachable of a function',
    pattern: /\b(?:function|const) unreachable\b|(?<![.\w])unreachable\(/,
    write: 'asUnavailable',
    bad: ['throw unreachable(error)', 'export function unreachable(error: Error)'],
    good: ["code: 'unreachable'", 'a database that is unreachable (a refused connection)'],
  },
  {
    name: 'an old name of a file',
    pattern:
      /(?<![\w-])(?:whole|known|unfinished|scribe|deed|troubles|nap|gate|paced|ground|battlefield)\.[jt]s\b/,
    write: 'widen-segment.ts, judge-registry.ts, restore-in-progress.ts and the names above',
    bad: ["import { a } from './whole.js'", 'src/verify/known.ts'],
    good: ['widen-segment.ts, well-known.js'],
  },
  {
    name: 'the old name Turns',
    pattern: /\b(?:new|class|type|typeof) Turns\b/,
    write: 'PipelineQueue',
    bad: ['const turns = new Turns()'],
    good: ['/** Turns a value into text. */'],
  },
]

export const RULES: readonly Rule[] = [...WORDS, ...NAMES]
