import stringWidth from 'string-width'

const PRINTABLE_ASCII = /^[ -~]*$/

/** A word ends at a space, or after one of these characters. A flag and a compound word have hyphens inside. */
const WORD_END = /(?<=[_.:/@#,;])| /

/** The longest beginning of a line that ends where a word ends. */
const TO_LAST_WORD_END = /^.*[- _.:/@#,;]/

/** The longest beginning of a line that ends with a space. */
const TO_LAST_SPACE = /^.* /

const graphemes = new Intl.Segmenter('en', { granularity: 'grapheme' })

/** Returns how many columns of a terminal a safe text takes: a wide character (CJK, emoji) takes two. */
export function textWidth(text: string): number {
  // Most texts are printable ASCII, and string-width takes a hundred times as long.
  return PRINTABLE_ASCII.test(text) ? text.length : stringWidth(text)
}

/** Returns the characters of a text as a reader counts them: an accent belongs to its letter. */
export function graphemesOf(text: string): string[] {
  return Array.from(graphemes.segment(text), ({ segment }) => segment)
}

/** Returns the columns of the longest word of a safe text. */
export function longestWord(text: string): number {
  return Math.max(...text.split(WORD_END).map(textWidth))
}

/**
 * Returns safe text in lines of at most `columns` columns (2 or more). Breaks at spaces, and inside of a text without spaces only
 * where that has no room on a line of its own, after a sign if there is one.
 */
export function brokenText(text: string, columns: number): string[] {
  const lines: string[] = []
  let rest = text
  while (textWidth(rest) > columns) {
    const room = headOf(rest, columns)
    const line = rest[room.length] === ' ' ? room : lineOf(rest, room, columns)
    lines.push(line.trimEnd())
    rest = rest.slice(line.length).trimStart()
  }
  return [...lines, rest]
}

/** Returns the beginning of `rest` that is a line; `room` is as much of it as fits. */
function lineOf(rest: string, room: string, columns: number): string {
  const toSpace = TO_LAST_SPACE.exec(room)?.[0] ?? ''
  const [next = ''] = rest.slice(toSpace.length).split(' ', 1)
  if (toSpace.trim() !== '' && textWidth(next) <= columns) return toSpace
  return TO_LAST_WORD_END.exec(room)?.[0] ?? room
}

/** Returns the longest beginning of the text that fits, and at least one character. */
function headOf(text: string, columns: number): string {
  if (PRINTABLE_ASCII.test(text)) return text.slice(0, columns)
  let head = ''
  let width = 0
  for (const { segment } of graphemes.segment(text)) {
    width += textWidth(segment)
    if (head !== '' && width > columns) return head
    head += segment
  }
  return head
}
