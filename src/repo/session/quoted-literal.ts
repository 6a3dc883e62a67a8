/**
 * Returns a text as an SQL literal of ASCII characters. It means the same in every client_encoding, and whatever
 * standard_conforming_strings is. The text must not hold U+0000, which PostgreSQL cannot store.
 */
export function quotedLiteral(text: string): string {
  return `E'${text.replaceAll(/[^A-Za-z0-9 _,."-]/gu, escaped)}'`
}

/** Returns {@link quotedLiteral}, or NULL where there is no text. */
export function literalOrNull(text: string | undefined): string {
  return text === undefined ? 'NULL' : quotedLiteral(text)
}

function escaped(char: string): string {
  const code = char.codePointAt(0) ?? 0
  return code > 0xffff ? `\\U${hex(code, 8)}` : `\\u${hex(code, 4)}`
}

function hex(code: number, digits: number): string {
  return code.toString(16).padStart(digits, '0')
}
