const DIGITS = Buffer.from('0123456789abcdef')

/** What a digit stands for; 16 where a character is none, as upper case is here. */
const VALUES = new Uint8Array(256).fill(16)
for (const [value, digit] of DIGITS.entries()) VALUES[digit] = value

/**
 * Reads `count` bytes of hexadecimal digits at `at` to the start of `to`, from `start` on; false where that is no
 * lower-case hexadecimal. By table: Node's own takes upper case too and costs a call.
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

/** Writes `count` bytes at `at` as digits to `to`, from `start` on. */
export function writeHex(bytes: Uint8Array, at: number, to: Uint8Array, start: number, count: number): void {
  for (let i = 0; i < count; i += 1) {
    const byte = bytes[at + i] ?? 0
    to[start + 2 * i] = DIGITS[byte >> 4] as number
    to[start + 2 * i + 1] = DIGITS[byte & 15] as number
  }
}
