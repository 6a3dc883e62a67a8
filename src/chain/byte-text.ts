/** Returns whether bytes `from` to `to` are well-formed UTF-8 (RFC 3629: no overlong form, no surrogate) without U+0000. */
export function isText(bytes: Uint8Array, from: number, to: number): boolean {
  let at = asciiEnd(bytes, from, to)
  while (at < to) {
    const length = sequenceLength(bytes, at, to)
    if (length === 0) return false
    at = asciiEnd(bytes, at + length, to)
  }
  return true
}

/** Returns where the run of U+0001 to U+007F at `from` ends. With this loop inside the other one, texts took twice the time. */
function asciiEnd(bytes: Uint8Array, from: number, to: number): number {
  let at = from
  while (at < to && ((bytes[at] ?? 0) - 1) >>> 0 < 0x7f) at += 1
  return at
}

/** Returns the length of the well-formed sequence of two or more bytes at `at`, or 0 (Unicode 15, table 3-7). */
function sequenceLength(bytes: Uint8Array, at: number, to: number): number {
  const lead = bytes[at] ?? 0
  const length = lead >= 0xf0 ? 4 : lead >= 0xe0 ? 3 : 2
  if (lead < 0xc2 || lead > 0xf4 || at + length > to) return 0
  const second = bytes[at + 1] ?? 0
  if (second < lowestSecond(lead) || second > highestSecond(lead)) return 0
  for (let i = at + 2; i < at + length; i += 1) if (((bytes[i] ?? 0) & 0xc0) !== 0x80) return 0
  return length
}

/** The lowest second byte, which excludes the overlong forms of three and four bytes. */
function lowestSecond(lead: number): number {
  if (lead === 0xe0) return 0xa0
  return lead === 0xf0 ? 0x90 : 0x80
}

/** The highest second byte, which excludes the surrogates and everything above U+10FFFF. */
function highestSecond(lead: number): number {
  if (lead === 0xed) return 0x9f
  return lead === 0xf4 ? 0x8f : 0xbf
}

/** Returns whether the bytes match `[a-z][a-z0-9_/-]{0,63}`. */
export function isObjectType(bytes: Uint8Array, from: number, to: number): boolean {
  if (to - from < 1 || to - from > 64 || !isLower(bytes[from] ?? 0)) return false
  for (let i = from + 1; i < to; i += 1) {
    const byte = bytes[i] ?? 0
    if (!isLower(byte) && !isDigit(byte) && byte !== 0x5f && byte !== 0x2f && byte !== 0x2d) return false
  }
  return true
}

/** Returns whether the bytes are `name` or `name.parameter`. */
export function isCaveat(bytes: Uint8Array, from: number, to: number): boolean {
  const dot = bytes.indexOf(0x2e, from)
  if (dot < 0 || dot >= to) return isIdentifier(bytes, from, to)
  return isIdentifier(bytes, from, dot) && isIdentifier(bytes, dot + 1, to)
}

/** Returns whether the bytes match `[A-Za-z_][A-Za-z0-9_]{0,62}`. */
function isIdentifier(bytes: Uint8Array, from: number, to: number): boolean {
  if (to - from < 1 || to - from > 63 || isDigit(bytes[from] ?? 0)) return false
  for (let i = from; i < to; i += 1) {
    const byte = bytes[i] ?? 0
    if (!isLower(byte | 0x20) && !isDigit(byte) && byte !== 0x5f) return false
  }
  return true
}

function isLower(byte: number): boolean {
  return byte >= 0x61 && byte <= 0x7a
}

function isDigit(byte: number): boolean {
  return byte >= 0x30 && byte <= 0x39
}
