import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { type Line, splitLines } from '../../src/append/input/lines.js'

const MIB = 1024 * 1024

async function* streamOf(chunks: Iterable<Uint8Array>): AsyncGenerator<Uint8Array> {
  yield* chunks
}

async function linesOf(chunks: Iterable<Uint8Array>): Promise<Line[]> {
  const lines: Line[] = []
  for await (const ended of splitLines(streamOf(chunks))) {
    expect(ended).not.toEqual([])
    lines.push(...ended)
  }
  return lines
}

async function texts(...chunks: string[]): Promise<[number, string][]> {
  const lines = await linesOf(chunks.map((chunk) => Buffer.from(chunk, 'latin1')))
  return lines.map(({ number, bytes }) => [number, Buffer.from(bytes).toString('latin1')])
}

const BOM = '\xef\xbb\xbf'

describe('splitLines', () => {
  it.each<[string, string[], [number, string][]]>([
    ['nothing', [], []],
    ['an empty chunk', [''], []],
    [
      'a last line without a newline',
      ['a\nb'],
      [
        [1, 'a'],
        [2, 'b'],
      ],
    ],
    [
      'a newline at the end',
      ['a\nb\n'],
      [
        [1, 'a'],
        [2, 'b'],
      ],
    ],
    [
      'CRLF',
      ['a\r\nb\r\n'],
      [
        [1, 'a'],
        [2, 'b'],
      ],
    ],
    [
      'CRLF across chunks',
      ['a\r', '\nb'],
      [
        [1, 'a'],
        [2, 'b'],
      ],
    ],
    ['a carriage return inside', ['a\rb\n'], [[1, 'a\rb']]],
    [
      'a line across chunks',
      ['a', 'b', 'c\nd', 'e'],
      [
        [1, 'abc'],
        [2, 'de'],
      ],
    ],
    ['blank lines', ['\n \t\r\n\na\n\n'], [[4, 'a']]],
    [
      'a byte-order mark',
      [`${BOM}a\n${BOM}b`],
      [
        [1, 'a'],
        [2, `${BOM}b`],
      ],
    ],
    ['a byte-order mark across chunks', ['\xef', '\xbb', '\xbfa\n'], [[1, 'a']]],
    ['a byte-order mark alone', [BOM], []],
    ['U+0000', ['\0\n'], [[1, '\0']]],
  ])('splits %s', async (_name, chunks, expected) => {
    expect(await texts(...chunks)).toEqual(expected)
  })

  it('yields the lines of a chunk at once, before it reads the next one', async () => {
    let read = 0
    async function* source() {
      for (const text of ['a\nb\nc', 'd\n', 'e', '\n']) {
        read += 1
        yield Buffer.from(text)
      }
    }
    const seen: [number, string[]][] = []
    for await (const lines of splitLines(source()))
      seen.push([read, lines.map(({ bytes }) => Buffer.from(bytes).toString())])
    expect(seen).toEqual([
      [1, ['a', 'b']],
      [2, ['cd']],
      [4, ['e']],
    ])
  })

  it('accepts a line of 1 MiB with a byte-order mark and CRLF', async () => {
    const [line, ...others] = await linesOf([Buffer.from(`${BOM}${'a'.repeat(MIB)}\r\n`, 'latin1')])
    expect(others).toEqual([])
    expect(line?.bytes.length).toBe(MIB)
    expect(line?.tooLong).toBeUndefined()
  })

  it('cuts a line that has a carriage return at the limit', async () => {
    const [line] = await linesOf([Buffer.from(`${BOM}${'a'.repeat(MIB)}\r`, 'latin1'), Buffer.from('b\n')])
    expect(line?.tooLong).toBe(true)
  })

  it.each([
    ['one byte more', MIB + 1],
    ['ten times that', 10 * MIB],
  ])('cuts a line of %s and continues', async (_name, size) => {
    for (const chunkSize of [64 * 1024, 1_000_003, 64 * MIB]) {
      const whole = Buffer.concat([Buffer.from('x\n'), Buffer.alloc(size, 'a'), Buffer.from('\ny\n')])
      const lines = await linesOf(chunked(whole, [chunkSize]))
      expect(lines.map(({ number, bytes, tooLong }) => [number, bytes.length, tooLong])).toEqual([
        [1, 1, undefined],
        [2, MIB, true],
        [3, 1, undefined],
      ])
    }
  })

  it('cuts a last line without a newline', async () => {
    const lines = await linesOf(Array(20).fill(Buffer.alloc(MIB / 4, 'a')))
    expect(lines.map(({ number, bytes, tooLong }) => [number, bytes.length, tooLong])).toEqual([
      [1, MIB, true],
    ])
  })

  it('gives the same lines for all chunk sizes', async () => {
    const content = fc.array(fc.constantFrom('a', '\n', '\r', '\r\n', ' ', 'é', '{"k":1}'), { maxLength: 40 })
    const sizes = fc.array(fc.integer({ min: 1, max: 9 }), { minLength: 1, maxLength: 6 })
    await fc.assert(
      fc.asyncProperty(fc.boolean(), content, sizes, async (marked, parts, cut) => {
        const whole = Buffer.concat([
          marked ? Buffer.from(BOM, 'latin1') : Buffer.alloc(0),
          Buffer.from(parts.join('')),
        ])
        const expected = (await linesOf([whole])).map(plain)
        expect((await linesOf(chunked(whole, cut))).map(plain)).toEqual(expected)
        expect(expected).toEqual(naive(whole))
      }),
    )
  })
})

function plain({ number, bytes }: Line): [number, string] {
  return [number, Buffer.from(bytes).toString()]
}

/** Splits the text by string operations. */
function naive(whole: Buffer): [number, string][] {
  const text = whole.toString().replace(/^\uFEFF/, '')
  return text
    .split('\n')
    .map((line, i): [number, string] => [i + 1, line.replace(/\r$/, '')])
    .filter(([, line]) => !/^[ \t\r]*$/.test(line))
}

function* chunked(whole: Uint8Array, sizes: readonly number[]): Generator<Uint8Array> {
  for (let at = 0, i = 0; at < whole.length; i += 1) {
    const size = sizes[i % sizes.length] ?? 1
    yield whole.subarray(at, at + size)
    at += size
  }
}
