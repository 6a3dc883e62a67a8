import stringWidth from 'string-width'
import { safeText } from '../../output/safe-text.js'

/** How a piece of text looks. `bad` is for what was found damaged, `key` for the name of a key or field. */
export type Look = 'plain' | 'dim' | 'strong' | 'good' | 'bad' | 'warn' | 'key' | 'bar'

/** A piece of one line. The text is safe: it comes from {@link shown}, or from this program. */
export interface Span {
  readonly text: string
  readonly look: Look
}

/** One line of the screen. A `marked` line is the selected one. */
export interface Line {
  readonly spans: readonly Span[]
  readonly marked?: boolean
}

/** The characters that draw. A terminal whose locale is not UTF-8 gets ASCII. */
export interface Glyphs {
  readonly ok: string
  readonly damaged: string
  readonly unlinked: string
  readonly unknown: string
  readonly pointer: string
  readonly rule: string
  readonly differs: string
  /** From nothing to full. */
  readonly bars: readonly string[]
  readonly isAscii: boolean
}

export const UNICODE: Glyphs = {
  ok: '✓',
  damaged: '✗',
  unlinked: '!',
  unknown: '?',
  pointer: '▸',
  rule: '─',
  differs: '≠',
  bars: [' ', '▁', '▂', '▃', '▄', '▅', '▆', '▇', '█'],
  isAscii: false,
}

export const ASCII: Glyphs = {
  ok: '+',
  damaged: 'X',
  unlinked: '!',
  unknown: '?',
  pointer: '>',
  rule: '-',
  differs: '#',
  bars: [' ', '.', ':', '-', '=', '+', '*', '%', '@'],
  isAscii: true,
}

/** Returns untrusted text as a terminal may show it: see {@link safeText}. Without Unicode, other characters are escaped too. */
export function shown(text: string, { isAscii }: Glyphs): string {
  const safe = safeText(text)
  if (!isAscii) return safe
  return safe.replace(/[^\x20-\x7e]/gu, (char) => `\\u{${(char.codePointAt(0) ?? 0).toString(16)}}`)
}

export function span(text: string, look: Look = 'plain'): Span {
  return { text, look }
}

export function line(...spans: readonly (Span | string)[]): Line {
  return { spans: spans.map((one) => (typeof one === 'string' ? span(one) : one)) }
}

export const EMPTY: Line = { spans: [] }

const graphemes = new Intl.Segmenter('en', { granularity: 'grapheme' })

/** Returns the columns that a text takes. */
export function widthOf(text: string): number {
  // Most texts are printable ASCII, and string-width takes a hundred times as long.
  return /^[\x20-\x7e]*$/.test(text) ? text.length : stringWidth(text)
}

/** Returns the beginning of a text that takes at most `width` columns. A text that is cut ends with a dot or an ellipsis. */
export function clip(text: string, width: number, isAscii = false): string {
  if (widthOf(text) <= width) return text
  const end = isAscii ? '.' : '…'
  let taken = ''
  let room = width - 1
  for (const { segment } of graphemes.segment(text)) {
    room -= widthOf(segment)
    if (room < 0) break
    taken += segment
  }
  return width < 1 ? '' : `${taken}${end}`
}

/** Returns a text of exactly `width` columns. */
export function cell(text: string, width: number, isAscii = false): string {
  const cut = clip(text, width, isAscii)
  return cut + ' '.repeat(Math.max(0, width - widthOf(cut)))
}

/** Returns a text of at least `width` columns, with spaces in front. */
export function right(text: string, width: number): string {
  return ' '.repeat(Math.max(0, width - widthOf(text))) + text
}

/** Cuts a line to the width of the screen. */
export function fitted({ spans, marked }: Line, width: number, isAscii: boolean): Line {
  const kept: Span[] = []
  let room = width
  for (const { text, look } of spans) {
    if (room <= 0) break
    const cut = clip(text, room, isAscii)
    kept.push({ text: cut, look })
    room -= widthOf(cut)
  }
  const filled =
    marked === true || kept[0]?.look === 'bar' ? [span(' '.repeat(Math.max(0, room)), kept.at(-1)?.look)] : []
  return { spans: [...kept, ...filled], ...(marked !== undefined && { marked }) }
}

/** Breaks a text into lines of at most `width` columns, between graphemes. An empty text is one empty line. */
export function wrapped(text: string, width: number): string[] {
  const lines: string[] = []
  let now = ''
  let taken = 0
  for (const { segment } of graphemes.segment(text)) {
    const wide = widthOf(segment)
    if (taken + wide > width && now !== '') {
      lines.push(now)
      now = ''
      taken = 0
    }
    now += segment
    taken += wide
  }
  return [...lines, now]
}

/** Breaks prose into lines of at most `width` columns, at spaces. A longer word is broken as {@link wrapped} does. */
export function folded(text: string, width: number): string[] {
  const lines: string[] = []
  let now = ''
  for (const word of text.split(' ')) {
    const longer = now === '' ? word : `${now} ${word}`
    if (widthOf(longer) <= width) {
      now = longer
      continue
    }
    if (now !== '') lines.push(now)
    const parts = wrapped(word, width)
    lines.push(...parts.slice(0, -1))
    now = parts.at(-1) ?? ''
  }
  return [...lines, now]
}

/** Returns the text of a line without its looks. */
export function plain({ spans }: Line): string {
  return spans.map(({ text }) => text).join('')
}
