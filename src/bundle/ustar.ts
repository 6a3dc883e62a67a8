import { BUNDLE_LIMITS, damaged } from './bundle-format.js'

export const BLOCK = 512

/** 1980-01-01T00:00:00Z. Some programs complain of a file that is older. */
const MTIME = 315_532_800
const NAME = /^(?=.{1,99}$)\w[\w.-]*(\/\w[\w.-]*)*$/
const CHECKSUM_AT = 148

export interface MemberHead {
  readonly name: string
  readonly size: number
}

/** What ends a bundle: two blocks of zeros, and nothing after them. */
export const TAR_END = Buffer.alloc(2 * BLOCK)

/**
 * The ustar header of a plain file, the only kind of member. Each has one spelling, so that a reader encodes what it
 * decoded and compares: links, devices, sparse files and extensions of PAX and GNU all fail that alike.
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

/** Undefined for a block of zeros. Throws `bundle_malformed` for whatever {@link ustarHeader} does not write. */
export function readHeader(block: Buffer): MemberHead | undefined {
  if (block.every((byte) => byte === 0)) return undefined
  const name = block.toString('latin1', 0, block.indexOf(0))
  const digits = block.toString('latin1', 124, 135)
  const head = { name, size: /^[0-7]{11}$/.test(digits) ? Number.parseInt(digits, 8) : 0 }
  if (!NAME.test(name) || !ustarHeader(head).equals(block)) {
    throw damaged('a member that is no plain file, named and marked as an export marks it')
  }
  if (head.size > BUNDLE_LIMITS.fileBytes) throw damaged('a member larger than any can be')
  return head
}

/** Bytes from the end of a member to the next header. */
export function paddingOf(size: number): number {
  return (BLOCK - (size % BLOCK)) % BLOCK
}

function octal(value: number, digits: number): string {
  return value.toString(8).padStart(digits, '0')
}

/** With the checksum field as spaces. */
function sum(header: Buffer): number {
  return header.reduce((total, byte) => total + byte, 0)
}
