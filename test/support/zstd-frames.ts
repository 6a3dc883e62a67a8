/** zstd frames made by hand (RFC 8878), valid and invalid. */

/** Magic number of a frame. */
export const ZSTD_MAGIC = [0x28, 0xb5, 0x2f, 0xfd] as const

export type BlockKind = 'raw' | 'rle' | 'compressed' | 'reserved'
const KINDS: readonly BlockKind[] = ['raw', 'rle', 'compressed', 'reserved']

/** Makes a block. `size` is the size in its header; default: the length of the content. */
export function block(kind: BlockKind, content: Uint8Array, isLast: boolean, size = content.length): Buffer {
  const header = Buffer.alloc(3)
  header.writeUIntLE((size << 3) | (KINDS.indexOf(kind) << 1) | (isLast ? 1 : 0), 0, 3)
  return Buffer.concat([header, content])
}

export interface FrameFields {
  /** Bits of the descriptor, beside those that the other parts imply. */
  readonly bits?: number
  /** The window descriptor; absent in a single segment. Default: 2 MiB, like the library. */
  readonly window?: number
  /** Its flag is one of the bits. */
  readonly dictionaryId?: Uint8Array
  readonly contentSize?: Uint8Array
  readonly checksum?: Uint8Array
  readonly blocks: readonly Uint8Array[]
}

export function frame(parts: FrameFields): Buffer {
  const sizeFlag = { 0: 0, 1: 0, 2: 0x40, 4: 0x80, 8: 0xc0 }[parts.contentSize?.length ?? 0] ?? 0
  const isSingle = parts.contentSize !== undefined && parts.window === undefined
  const descriptor =
    (parts.bits ?? 0) | sizeFlag | (isSingle ? 0x20 : 0) | (parts.checksum === undefined ? 0 : 0x04)
  return Buffer.concat([
    Buffer.from([...ZSTD_MAGIC, descriptor]),
    isSingle ? Buffer.alloc(0) : Buffer.of(parts.window ?? 0x58),
    parts.dictionaryId ?? Buffer.alloc(0),
    parts.contentSize ?? Buffer.alloc(0),
    ...parts.blocks,
    parts.checksum ?? Buffer.alloc(0),
  ])
}

export function littleEndian(value: number, length: 1 | 2 | 4 | 8): Buffer {
  const buffer = Buffer.alloc(8)
  buffer.writeBigUInt64LE(BigInt(value))
  return buffer.subarray(0, length)
}

/** Makes a frame of `bytes` bytes that decompresses to 32,768 times as much: runs of 128 KiB in four bytes each. */
export function bomb(bytes: number): Buffer {
  const run = block('rle', Buffer.of(0x61), false, 128 * 1024)
  const blocks = Buffer.concat(Array.from({ length: Math.floor(bytes / run.length) }, () => run))
  return frame({ blocks: [blocks, block('raw', Buffer.alloc(0), true)] })
}

/** A skippable frame with four bytes of content. */
export const SKIPPABLE = Buffer.from('502a4d180400000061626364', 'hex')
