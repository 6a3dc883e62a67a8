/**
 * The characters that must not reach a terminal unescaped:
 *
 * - controls and escapes (C0, C1), bidi and other format characters;
 * - lone surrogates, private and unassigned code points;
 * - line and paragraph separators;
 * - invisible characters: default-ignorable ones, every space but U+0020, the blank Braille pattern;
 * - the backslash, because otherwise a text that contains `\n` would look like an escaped line feed.
 */
const UNSAFE = /[\p{C}\p{Z}\p{Default_Ignorable_Code_Point}\u2800\\]/gu

const SHORT: Readonly<Record<string, string>> = {
  ' ': ' ',
  '\\': '\\\\',
  '\n': '\\n',
  '\r': '\\r',
  '\t': '\\t',
}

/** Returns any text as one line of visible characters, injectively: `\n`, `\x1b`, `\u{202e}`. */
export function safeText(text: string): string {
  return text.replace(UNSAFE, (char) => SHORT[char] ?? escaped(char.codePointAt(0) ?? 0))
}

/** Returns a template with its values escaped: the literal parts belong to this program, and the values may come from an attacker. */
export function safe(
  literals: TemplateStringsArray,
  ...values: readonly (string | number | bigint)[]
): string {
  return String.raw({ raw: literals }, ...values.map((value) => safeText(String(value))))
}

/** Escapes each line and keeps lines apart, for messages of other programs (a server, a library). */
export function safeLines(text: string): string[] {
  return text.split(/\r?\n/).map((line) => safeText(line.replaceAll('\t', '  ')))
}

/** JSON.stringify escapes C0 and lone surrogates; the other characters that a terminal would act on or hide are escaped here. */
const UNSAFE_IN_JSON = /[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/gu

/** Returns one line of JSON with the same value as that of JSON.stringify. A bigint is a number where it is exact, else a string. */
export function jsonText(value: unknown): string {
  const json = JSON.stringify(value, plainNumber)
  return /[^\x20-\x7e]/.test(json) ? json.replace(UNSAFE_IN_JSON, utf16Escapes) : json
}

function utf16Escapes(char: string): string {
  return Array.from({ length: char.length }, (_, i) => `\\u${hex(char.charCodeAt(i), 4)}`).join('')
}

function plainNumber(_key: string, value: unknown): unknown {
  if (typeof value !== 'bigint') return value
  return Number.isSafeInteger(Number(value)) ? Number(value) : value.toString()
}

/** Hides the user part of any URL in a message. A last resort: no message should hold one. */
export function hideCredentials(text: string): string {
  return text.replace(/([a-z][a-z0-9+.-]*:\/\/)\S*@/gi, '$1***@')
}

function escaped(code: number): string {
  return code < 0x100 ? `\\x${hex(code, 2)}` : `\\u{${code.toString(16)}}`
}

function hex(code: number, width: number): string {
  return code.toString(16).padStart(width, '0')
}
