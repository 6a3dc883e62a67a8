import { styleText } from 'node:util'
import type { Screen } from './screen.js'

/** What a text says: a good answer, a finding, something to look at, or a heading. */
export type Tone = 'good' | 'bad' | 'warn' | 'head'

/** How texts look on one stream. In a pipe every text stays as it is. */
export interface Style {
  /** Returns the text in the colour of the tone. The text must be safe already. */
  readonly paint: (tone: Tone | undefined, text: string) => string
  /** The mark before a good or a bad answer with a space behind it; empty where the stream cannot show it. */
  readonly mark: (tone: Tone | undefined) => string
  /** Whether somebody looks at the text: a terminal shows less than a pipe, which may feed a program. */
  readonly isTerminal: boolean
  /** The width of the terminal; absent in a pipe. */
  readonly columns?: number | undefined
}

const FORMATS = {
  good: ['green'],
  bad: ['red', 'bold'],
  warn: ['yellow'],
  head: ['bold'],
} as const satisfies Record<Tone, Parameters<typeof styleText>[0]>

const MARKS: Readonly<Partial<Record<Tone, string>>> = { good: '✓ ', bad: '✗ ' }

/** The style of a pipe. */
export const PLAIN: Style = { paint: (_tone, text) => text, mark: () => '', isTerminal: false }

/** Returns the style of a stream: colours by {@link Screen.color}, and marks on a terminal that shows UTF-8. */
export function styleOf({ color, unicode, isTerminal, columns }: Screen): Style {
  return {
    paint: color ? painted : PLAIN.paint,
    mark: unicode ? (tone) => (tone === undefined ? '' : (MARKS[tone] ?? '')) : PLAIN.mark,
    isTerminal,
    columns,
  }
}

function painted(tone: Tone | undefined, text: string): string {
  if (tone === undefined || text.trim() === '') return text
  // Newer versions of Node.js look at process.stdout themselves; the screen has decided already.
  const withoutCheck = { validateStream: false }
  return styleText(FORMATS[tone], text, withoutCheck)
}
