const DIGITS = Buffer.from('0123456789abcdef')

/** The value of each digit; 16 for any other character, upper case included. */
const VALUES = new Uint8Array(256).fill(16)
for (const [value, digit] of DIGITS.entries()) VALUES[digit] = value

/**
 * Decodes `count` bytes from hexadecimal digits at `at` into `to` at `start`. Returns false unless all digits are
 * lower-case hexadecimal. Uses a table, because Node's decoder also accepts upper case and costs a call.
 */
export function readHex(
  digits: Uint8Array,
  at: number,
  to: Uint8Array,
  start: number,
  count: number,
): boolean {
  let wrong = 0
  for (let i = 0; i < count; i += 1) {
    const high = VALUES[digits[at + 2 * i] ?? 0] as number
    const low = VALUES[digits[at + 2 * i + 1] ?? 0] as number
    wrong |= high | low
    to[start + i] = (high << 4) | low
  }
  return wrong < 16
}

/** Encodes `count` bytes at `at` as digits into `to` at `start`. */
export function writeHex(bytes: Uint8Array, at: number, to: Uint8Array, start: number, count: number): void {
  for (let i = 0; i < count; i += 1) {
    const byte = bytes[at + i] ?? 0
    to[start + 2 * i] = DIGITS[byte >> 4] as number
    to[start + 2 * i + 1] = DIGITS[byte & 15] as number
  }
}
