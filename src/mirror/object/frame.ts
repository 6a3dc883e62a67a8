import { MAX_OBJECT_BYTES } from '../../ports/mirror.js'

/** The largest content of a compressed block (RFC 8878, 3.1.1.2.4). */
const MAX_BLOCK_BYTES = 128 * 1024
/** libzstd refuses a larger window. A window is reserved but not touched: 32 of them at once cost no memory. */
const MAX_WINDOW_BYTES = 128 * 1024 * 1024
const MAGIC = 0xfd2f_b528
const CHECKSUM_BYTES = 4
/** Bytes of the content size, by its flag in the descriptor. A single segment has at least one. */
const CONTENT_SIZE_BYTES = [0, 2, 4, 8] as const
/** Bytes of the dictionary id, by its flag. An id of 0 means that no dictionary is needed. */
const DICTIONARY_ID_BYTES = [0, 1, 2, 4] as const

interface Header {
  /** Where the first block begins. */
  readonly end: number
  readonly hasChecksum: boolean
  readonly blockBytes: number
}

interface Block {
  readonly isLast: boolean
  /** Where the next block begins. */
  readonly end: number
  /** Bytes that the block may decompress to, at most. */
  readonly grown: number
}

/**
 * Returns the problem of the zstd frame of a mirror object, or undefined where it is safe to decompress: one frame of RFC
 * 8878 that ends where the bytes end, without a dictionary, and with blocks of at most 1 MiB in all. Never throws, and
 * takes time linear in the bytes. Compressed blocks are not opened; the decompressor reports a problem inside them.
 */
export function frameProblem(bytes: Uint8Array): string | undefined {
  const header = readHeader(bytes)
  return typeof header === 'string' ? header : blocksProblem(bytes, header)
}

/** Returns whether bytes, or as many of them as were read, begin like a frame. */
export function beginsLikeFrame(bytes: Uint8Array): boolean {
  const length = Math.min(bytes.length, 4)
  return length > 0 && little(bytes, 0, length) === MAGIC % 256 ** length
}

function readHeader(bytes: Uint8Array): Header | string {
  if (bytes.length < 6) return 'zstd: shorter than a frame header'
  if (little(bytes, 0, 4) !== MAGIC) return 'zstd: not a frame'
  const descriptor = bytes[4] ?? 0
  if ((descriptor & 0x08) !== 0) return 'zstd: a reserved bit of the header is set'
  const isSingle = (descriptor & 0x20) !== 0
  const idAt = isSingle ? 5 : 6
  const sizeAt = idAt + (DICTIONARY_ID_BYTES[descriptor & 0x03] ?? 0)
  const sizeBytes = CONTENT_SIZE_BYTES[descriptor >> 6] || (isSingle ? 1 : 0)
  if (sizeAt + sizeBytes > bytes.length) return 'zstd: cut in the header'
  if (little(bytes, idAt, sizeAt - idAt) !== 0) return 'zstd: the frame needs a dictionary'
  const content = little(bytes, sizeAt, sizeBytes) + (sizeBytes === 2 ? 256 : 0)
  if (content > MAX_OBJECT_BYTES) return 'zstd: declares more than 1 MiB'
  const window = isSingle ? content : windowBytes(bytes[5] ?? 0)
  if (window > MAX_WINDOW_BYTES) return 'zstd: needs a window above 128 MiB'
  return {
    end: sizeAt + sizeBytes,
    hasChecksum: (descriptor & 0x04) !== 0,
    blockBytes: Math.min(window, MAX_BLOCK_BYTES),
  }
}

function windowBytes(descriptor: number): number {
  const base = 2 ** (10 + (descriptor >> 3))
  return base + (base / 8) * (descriptor & 0x07)
}

function blocksProblem(bytes: Uint8Array, header: Header): string | undefined {
  let at = header.end
  let grown = 0
  for (let isLast = false; !isLast; ) {
    const block = readBlock(bytes, at, header.blockBytes)
    if (typeof block === 'string') return block
    grown += block.grown
    if (grown > MAX_OBJECT_BYTES) return 'zstd: may decompress to more than 1 MiB'
    at = block.end
    isLast = block.isLast
  }
  const end = at + (header.hasChecksum ? CHECKSUM_BYTES : 0)
  if (end > bytes.length) return 'zstd: cut in the checksum'
  return end < bytes.length ? 'zstd: something follows the frame' : undefined
}

function readBlock(bytes: Uint8Array, at: number, maxBytes: number): Block | string {
  if (at + 3 > bytes.length) return 'zstd: cut in a block header'
  const header = little(bytes, at, 3)
  const kind = (header >> 1) & 0x03
  const size = header >> 3
  if (kind === 3) return 'zstd: a reserved kind of block'
  if (size > maxBytes) return 'zstd: a block larger than the window or 128 KiB'
  const isRun = kind === 1
  const end = at + 3 + (isRun ? 1 : size)
  if (end > bytes.length) return 'zstd: cut in a block'
  return { isLast: (header & 1) === 1, end, grown: kind === 2 ? MAX_BLOCK_BYTES : size }
}

/** Reads a little-endian number. Above 2^53 it is inexact, which is above every limit here. */
function little(bytes: Uint8Array, at: number, length: number): number {
  let value = 0
  for (let i = length - 1; i >= 0; i -= 1) value = value * 256 + (bytes[at + i] ?? 0)
  return value
}
