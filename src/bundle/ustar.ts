import { BUNDLE_LIMITS, damaged } from './bundle-format.js'

export const BLOCK = 512

/** 1980-01-01T00:00:00Z. Some programs warn about an older file. */
const MTIME = 315_532_800
const NAME = /^(?=.{1,99}$)\w[\w.-]*(\/\w[\w.-]*)*$/
const CHECKSUM_AT = 148

export interface MemberHead {
  readonly name: string
  readonly size: number
}

/** The end of a bundle: two blocks of zeros, and nothing after them. */
export const TAR_END = Buffer.alloc(2 * BLOCK)

/**
 * Returns the ustar header of a plain file, the only kind of member. A header has only one spelling, so a reader encodes
 * what it decoded and compares: links, devices, sparse files and the extensions of PAX and GNU all fail that comparison.
 */
export function ustarHeader({ name, size }: MemberHead): Buffer {
  const header = Buffer.alloc(BLOCK)
  header.write(name, 0, 'latin1')
  header.write('0000644\0', 100, 'latin1')
  header.write('0000000\0', 108, 'latin1')
  header.write('0000000\0', 116, 'latin1')
  header.write(`${octal(size, 11)}\0${octal(MTIME, 11)}\0        0`, 124, 'latin1')
  header.write('ustar\x0000', 257, 'latin1')
  header.write('0000000\x000000000\0', 329, 'latin1')
  header.write(`${octal(sum(header), 6)}\0 `, CHECKSUM_AT, 'latin1')
  return header
}

/** Reads a header. Returns undefined for a block of zeros. Throws `bundle_malformed` unless {@link ustarHeader} can have written it. */
export function readHeader(block: Buffer): MemberHead | undefined {
  if (block.every((byte) => byte === 0)) return undefined
  const name = block.toString('latin1', 0, block.indexOf(0))
  const digits = block.toString('latin1', 124, 135)
  const head = { name, size: /^[0-7]{11}$/.test(digits) ? Number.parseInt(digits, 8) : 0 }
  if (!NAME.test(name) || !ustarHeader(head).equals(block)) {
    throw damaged('a member is not a plain file with the header that an export writes')
  }
  if (head.size > BUNDLE_LIMITS.fileBytes) throw damaged('a member is too large')
  return head
}

/** Returns the bytes from the end of a member to the next header. */
export function paddingOf(size: number): number {
  return (BLOCK - (size % BLOCK)) % BLOCK
}

function octal(value: number, digits: number): string {
  return value.toString(8).padStart(digits, '0')
}

/** Returns the checksum of a header whose checksum field holds spaces. */
function sum(header: Buffer): number {
  return header.reduce((total, byte) => total + byte, 0)
}
