import { cell, folded, type Glyphs, type Line, line, span } from './lines.js'

/** The keys of every view; docs/browse.md has the same table. */
export const KEY_HELP: readonly (readonly [
  where: string,
  keys: readonly (readonly [keys: string, does: string])[],
])[] = [
  [
    'everywhere',
    [
      ['up down, k j', 'one line'],
      ['page up, page down, b, space', 'one screen'],
      ['home end, g G', 'the first and the last line'],
      ['esc', 'back; closes a line that is being typed'],
      ['v', 'verify the chain; nothing is written to the quarantine'],
      ['x', 'cancel the verification; this is no verdict'],
      ['f', 'the findings of the chain, after it was verified'],
      ['?', 'these keys'],
      ['q, ctrl-c', 'leave'],
    ],
  ],
  [
    'chains',
    [
      ['enter', 'the rows of the chain'],
      ['V', 'verify all chains, one after the other'],
      ['r', 'read the chains again'],
    ],
  ],
  [
    'rows',
    [
      ['enter', 'the row with its proof'],
      ['/', 'filter: flags of audit list such as reason=granted, and texts to look for in every field'],
      [': #', 'jump to a seq or a time'],
      ['r', 'read the rows again'],
    ],
  ],
  [
    'row',
    [
      ['n p, right left', 'the next and the previous row of the list'],
      ['e', 'the canonical bytes in hex or in base64'],
      ['l', 'the rows around this one'],
      [': #', 'jump to a seq'],
    ],
  ],
  [
    'findings',
    [
      ['enter', 'the row of the finding'],
      ['l', 'the rows around it'],
    ],
  ],
]

/** The marks of rows and fields. */
export function marksOf(glyphs: Glyphs): readonly (readonly [mark: string, means: string])[] {
  return [
    [glyphs.ok, 'the row recomputes and links to the stored row before it'],
    [glyphs.damaged, 'the row does not recompute'],
    [glyphs.unlinked, 'the row recomputes, and does not link to the stored row before it'],
    [glyphs.unknown, 'this program cannot recompute the row'],
    [glyphs.differs, 'the copies differ in this field'],
    ['~', 'no hash covers this field'],
  ]
}

const KEYS = 32

export function helpLines(columns: number, glyphs: Glyphs): Line[] {
  return [...KEY_HELP, ['marks', marksOf(glyphs)] as const].flatMap(([where, keys]) => [
    line(span(` ${where}`, 'strong')),
    ...keys.flatMap(([key, does]) =>
      folded(does, columns - KEYS - 1).map((text, index) =>
        line(span(`   ${cell(index === 0 ? key : '', KEYS - 3)}`, 'key'), text),
      ),
    ),
    line(),
  ])
}
