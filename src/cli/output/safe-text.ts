/**
 * What must not reach a terminal as it is: controls and escapes (C0, C1), bidi and other format characters, lone
 * surrogates, private and unassigned code points, line and paragraph separators, whatever a font renders as nothing
 * (default-ignorable, every space but U+0020, the blank Braille pattern), and the backslash, so that an escaped text
 * cannot be confused with one that merely looks escaped.
 */
const UNSAFE = /[\p{C}\p{Z}\p{Default_Ignorable_Code_Point}\u2800\\]/gu

const SHORT: Readonly<Record<string, string>> = {
  ' ': ' ',
  '\\': '\\\\',
  '\n': '\\n',
  '\r': '\\r',
  '\t': '\\t',
}

/** Any text on one line of visible characters, injectively: `\n`, `\x1b`, `\u{202e}`. */
export function safeText(text: string): string {
  return text.replace(UNSAFE, (char) => SHORT[char] ?? escaped(char.codePointAt(0) ?? 0))
}

/** A template whose literal parts are ours and whose values are not. */
export function safe(
  literals: TemplateStringsArray,
  ...values: readonly (string | number | bigint)[]
): string {
  return String.raw({ raw: literals }, ...values.map((value) => safeText(String(value))))
}

/** Several lines stay several lines; for messages of other programs (a server, a library). */
export function safeLines(text: string): string[] {
  return text.split(/\r?\n/).map((line) => safeText(line.replaceAll('\t', '  ')))
}

/** JSON.stringify escapes C0 and lone surrogates; what else a terminal would act on or hide is escaped here. */
const UNSAFE_IN_JSON = /[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/gu

/** One line of JSON, of the same value as JSON.stringify's. A bigint is a number where it is exact, else a string. */
export function jsonText(value: unknown): string {
  return JSON.stringify(value, plainNumber).replace(UNSAFE_IN_JSON, utf16Escapes)
}

function utf16Escapes(char: string): string {
  return Array.from({ length: char.length }, (_, i) => `\\u${hex(char.charCodeAt(i), 4)}`).join('')
}

function plainNumber(_key: string, value: unknown): unknown {
  if (typeof value !== 'bigint') return value
  return Number.isSafeInteger(Number(value)) ? Number(value) : value.toString()
}

/** The user part of any URL in a message: last resort, for no message should hold one. */
export function hideCredentials(text: string): string {
  return text.replace(/([a-z][a-z0-9+.-]*:\/\/)\S*@/gi, '$1***@')
}

function escaped(code: number): string {
  return code < 0x100 ? `\\x${hex(code, 2)}` : `\\u{${code.toString(16)}}`
}

function hex(code: number, width: number): string {
  return code.toString(16).padStart(width, '0')
}
