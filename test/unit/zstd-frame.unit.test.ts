import { compress, decompress } from '@mongodb-js/zstd'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { frameProblem } from '../../src/mirror/object/frame.js'
import { MAX_OBJECT_BYTES } from '../../src/ports/mirror.js'
import { block, bomb, frame, littleEndian, SKIPPABLE, ZSTD_MAGIC } from '../support/zstd-frames.js'

const KIB = 1024
const MIB = KIB * KIB
const text = Buffer.from('abc')
const last = block('raw', text, true)
const empty = block('raw', Buffer.alloc(0), true)
const good = frame({ blocks: [last] })
const run = (size: number, isLast = false) => block('rle', Buffer.of(0x61), isLast, size)
const runs = (count: number) => Array.from({ length: count }, () => run(128 * KIB))
/** 100 kB of text, compressed by the library to one block. */
const compressed = await compress(Buffer.from('so be it '.repeat(12_000)))
const inside = compressed.subarray(9)

function withId(id: number, length: 1 | 2 | 4): Buffer {
  const flag = { 1: 1, 2: 2, 4: 3 }[length]
  return frame({ bits: flag, dictionaryId: littleEndian(id, length), blocks: [last] })
}

function blocksOf(count: number): Buffer {
  const each = block('compressed', inside, false)
  return frame({ blocks: [...Array.from({ length: count }, () => each), empty] })
}

describe('frameProblem', () => {
  it.each([
    ['a raw block', good],
    ['an empty block', frame({ blocks: [empty] })],
    ['a run', frame({ blocks: [run(1000, true)] })],
    ['several blocks', frame({ blocks: [block('raw', text, false), run(7), last] })],
    ['runs of 1 MiB together', frame({ blocks: [...runs(8), empty] })],
    ['a compressed block', compressed],
    ['a content size of one byte', frame({ contentSize: littleEndian(3, 1), blocks: [last] })],
    [
      'of two, which count from 256',
      frame({ contentSize: littleEndian(44, 2), blocks: [block('raw', Buffer.alloc(300), true)] }),
    ],
    [
      'a content size of four bytes',
      frame({ contentSize: littleEndian(MIB, 4), blocks: [...runs(8), empty] }),
    ],
    ['a content size of eight bytes', frame({ contentSize: littleEndian(3, 8), blocks: [last] })],
    ['a content size and a window', frame({ window: 0, contentSize: littleEndian(3, 8), blocks: [last] })],
    ['an empty dictionary id of one byte', withId(0, 1)],
    ['an empty dictionary id of two bytes', withId(0, 2)],
    ['an empty dictionary id of four bytes', withId(0, 4)],
    ['a window of 128 MiB', frame({ window: 17 << 3, blocks: [last] })],
  ])('accepts %s', async (_, bytes) => {
    expect(frameProblem(bytes)).toBeUndefined()
    expect((await decompress(bytes)).length).toBeLessThanOrEqual(MAX_OBJECT_BYTES)
  })

  it('accepts eight compressed blocks, which may hold 1 MiB, but not nine', () => {
    expect(frameProblem(blocksOf(8))).toBeUndefined()
    expect(frameProblem(blocksOf(9))).toBe('zstd: may decompress to more than 1 MiB')
  })

  it('accepts a checksum at the end of the frame', () => {
    expect(frameProblem(frame({ checksum: littleEndian(0, 4), blocks: [last] }))).toBeUndefined()
  })

  it('accepts every frame that the library makes of up to 1 MiB', async () => {
    const contents = fc.oneof(
      fc.uint8Array({ maxLength: 5000 }),
      fc.tuple(fc.string(), fc.nat(2000)).map(([unit, n]) => Buffer.from(unit.repeat(n)).subarray(0, MIB)),
    )
    await fc.assert(
      fc.asyncProperty(contents, async (content) => {
        expect(frameProblem(await compress(Buffer.from(content)))).toBeUndefined()
      }),
    )
    expect(frameProblem(await compress(Buffer.alloc(MIB, 'ab')))).toBeUndefined()
  })
})

describe('frameProblem of a hostile frame', () => {
  it.each([
    ['no bytes', Buffer.alloc(0), 'shorter than a frame header'],
    ['text', Buffer.from('{"format":"PXA1"}\n'), 'not a frame'],
    ['gzip', Buffer.from('1f8b08000000000000034b4c4a0600c241243503000000', 'hex'), 'not a frame'],
    ['a skippable frame', SKIPPABLE, 'not a frame'],
    ['a skippable frame before the frame', Buffer.concat([SKIPPABLE, good]), 'not a frame'],
    ['a skippable frame after it', Buffer.concat([good, SKIPPABLE]), 'something follows the frame'],
    ['a second frame', Buffer.concat([good, good]), 'something follows the frame'],
    ['one byte after it', Buffer.concat([good, Buffer.of(0)]), 'something follows the frame'],
    ['a checksum without its flag', Buffer.concat([good, Buffer.alloc(4)]), 'something follows the frame'],
    ['a flag without its checksum', frame({ bits: 0x04, blocks: [last] }), 'cut in the checksum'],
    ['a reserved bit', frame({ bits: 0x08, blocks: [last] }), 'a reserved bit of the header is set'],
    ['a dictionary', withId(7, 1), 'the frame needs a dictionary'],
    ['a long dictionary id', withId(2 ** 31, 4), 'the frame needs a dictionary'],
    ['a dictionary id that is cut', Buffer.of(...ZSTD_MAGIC, 0x03, 0x58, 0, 0), 'cut in the header'],
    ['a reserved block', frame({ blocks: [block('reserved', text, true)] }), 'a reserved kind of block'],
    ['no last block', frame({ blocks: [block('raw', text, false)] }), 'cut in a block header'],
    ['no block', frame({ blocks: [Buffer.alloc(1)] }), 'cut in a block header'],
    [
      'a window above 128 MiB',
      frame({ window: (17 << 3) | 1, blocks: [last] }),
      'needs a window above 128 MiB',
    ],
    ['the largest window', frame({ window: 0xff, blocks: [last] }), 'needs a window above 128 MiB'],
    [
      'a declared size above 1 MiB',
      frame({ contentSize: littleEndian(MIB + 1, 4), blocks: [last] }),
      'declares more than 1 MiB',
    ],
    [
      'a declared size of 2^32',
      frame({ contentSize: littleEndian(2 ** 32, 8), blocks: [last] }),
      'declares more than 1 MiB',
    ],
    [
      'a declared size of 2^64 - 1',
      frame({ contentSize: Buffer.alloc(8, 0xff), blocks: [last] }),
      'declares more than 1 MiB',
    ],
    ['1 MiB and a byte', frame({ blocks: [...runs(8), run(1, true)] }), 'may decompress to more than 1 MiB'],
    [
      'a block above 128 KiB',
      frame({ blocks: [run(128 * KIB + 1, true)] }),
      'a block larger than the window or 128 KiB',
    ],
    [
      'a block above the window',
      frame({ window: 0, blocks: [run(1025, true)] }),
      'a block larger than the window or 128 KiB',
    ],
  ])('refuses %s', (_, bytes, problem) => {
    expect(frameProblem(bytes)).toBe(`zstd: ${problem}`)
  })

  it('refuses a bomb of 34 GB in 1 MiB', () => {
    const bytes = bomb(MIB)
    expect(bytes.length).toBeLessThanOrEqual(MIB + 16)
    expect(frameProblem(bytes)).toBe('zstd: may decompress to more than 1 MiB')
  })

  it('refuses a frame that is cut anywhere', () => {
    const whole = frame({
      contentSize: littleEndian(110, 8),
      checksum: littleEndian(1, 4),
      blocks: [block('raw', text, false), run(104), last],
    })
    for (const bytes of [whole, compressed]) {
      expect(frameProblem(bytes)).toBeUndefined()
      for (let length = 0; length < bytes.length; length += 1) {
        expect(frameProblem(bytes.subarray(0, length)), `cut to ${length}`).toMatch(/^zstd: /)
      }
    }
  })
})

describe('frameProblem of any bytes', () => {
  const flipped = fc
    .tuple(
      fc.constantFrom<Uint8Array>(good, compressed, blocksOf(3)),
      fc.array(fc.tuple(fc.nat(), fc.nat(7))),
    )
    .map(([bytes, flips]) => {
      const copy = Buffer.from(bytes)
      // Most of the deciding bytes are at the beginning.
      for (const [at, bit] of flips) {
        const index = at % (bit % 2 === 0 ? Math.min(16, copy.length) : copy.length)
        copy[index] = (copy[index] ?? 0) ^ (1 << bit)
      }
      return copy
    })
  const headed = fc.uint8Array({ maxLength: 64 }).map((tail) => Buffer.concat([good.subarray(0, 4), tail]))

  it('never throws, and accepts no frame of more than 1 MiB', async () => {
    const bytes = fc.oneof(fc.uint8Array({ maxLength: 64 }), headed, flipped)
    await fc.assert(
      fc.asyncProperty(bytes, async (any) => {
        if (frameProblem(any) !== undefined) return
        const content = await decompress(Buffer.from(any)).catch(() => Buffer.alloc(0))
        expect(content.length).toBeLessThanOrEqual(MAX_OBJECT_BYTES)
      }),
      { numRuns: 2000 },
    )
  })
})
