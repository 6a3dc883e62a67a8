const BEYOND_ASCII = /[^\0-\x7f]/

/** Matches characters that are not shown, such as U+200B. */
const INVISIBLE = /\p{Default_Ignorable_Code_Point}/gu

/** A letter of a script that is written without spaces, where a word has letters beside it. */
const UNSPACED =
  '\\p{Script=Han}\\p{Script=Hiragana}\\p{Script=Katakana}\\p{Script=Thai}\\p{Script=Lao}\\p{Script=Khmer}\\p{Script=Myanmar}'

export const UNSPACED_LETTER = new RegExp(`[${UNSPACED}]`, 'u')

/** Matches a letter or digit, except those of scripts that are written without spaces. */
export const INSIDE_WORD = new RegExp(`(?![${UNSPACED}])[\\p{L}\\p{N}]`, 'u')

/** Folds case and compatibility forms. ASCII is not normalised: that would change nothing and cost more than the whole search. */
export function folded(text: string): string {
  return (BEYOND_ASCII.test(text) ? text.normalize('NFKC') : text).toLowerCase()
}

/** Returns the folded text, and where they differ, the text decoded and each of them without invisible characters. */
export function readingsOf(text: string): string[] {
  const plain = folded(text)
  const texts = plain.includes('%') ? [plain, folded(decoded(plain))] : [plain]
  const visible = texts.filter((t) => BEYOND_ASCII.test(t)).map((t) => t.replace(INVISIBLE, ''))
  return visible.length === 0 ? texts : [...new Set([...texts, ...visible])]
}

/** How often text may be percent-encoded: a key in a URL in a query is encoded twice. */
const ENCODINGS = 3

function decoded(text: string): string {
  let plain = text
  for (let i = 0; i < ENCODINGS && plain.includes('%'); i += 1) {
    plain = plain.replace(/(?:%[0-9a-f]{2})+/gi, (bytes) =>
      Buffer.from(bytes.replaceAll('%', ''), 'hex').toString(),
    )
  }
  return plain
}
