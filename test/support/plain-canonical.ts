/**
 * An independent encoder and reader of the table in FORMAT.md, for tests. It shares no code with src/chain, checks nothing
 * when it writes, and reads by TextDecoder and regular expressions.
 */
export interface PlainFields {
  readonly magic: Uint8Array | string
  readonly domain: Uint8Array
  readonly seq: bigint
  readonly pseudonym: Uint8Array
  readonly relation: Uint8Array | string
  readonly object: Uint8Array | string
  readonly reason: number
  readonly path: readonly (Uint8Array | string)[]
  readonly caveats: readonly (Uint8Array | string)[]
  readonly correlation: Uint8Array | string
  readonly zedtoken: Uint8Array | string
  readonly recordedAt: bigint
}

const bytesOf = (text: Uint8Array | string) => (typeof text === 'string' ? Buffer.from(text, 'utf8') : text)

function u32(value: number): Buffer {
  const buffer = Buffer.alloc(4)
  buffer.writeUInt32BE(value)
  return buffer
}

function i64(value: bigint): Buffer {
  const buffer = Buffer.alloc(8)
  buffer.writeBigInt64BE(value)
  return buffer
}

const str = (text: Uint8Array | string) => Buffer.concat([u32(bytesOf(text).length), bytesOf(text)])
const list = (items: readonly (Uint8Array | string)[]) =>
  Buffer.concat([u32(items.length), ...items.map(str)])

export function plainEncode(f: PlainFields): Buffer {
  return Buffer.concat([
    bytesOf(f.magic),
    f.domain,
    i64(f.seq),
    f.pseudonym,
    str(f.relation),
    str(f.object),
    Buffer.of(f.reason),
    list(f.path),
    list(f.caveats),
    str(f.correlation),
    str(f.zedtoken),
    i64(f.recordedAt),
  ])
}

class Refused extends Error {}

function must(condition: boolean): void {
  if (!condition) throw new Refused()
}

const OBJECT = /^[a-z][a-z0-9_/-]{0,63}:/
const CAVEAT = /^[A-Za-z_][A-Za-z0-9_]{0,62}(?:\.[A-Za-z_][A-Za-z0-9_]{0,62})?$/
const YEAR_1 = BigInt(Date.UTC(2001, 0, 1)) * 1000n - 63_113_904_000_000_000n // 2000 Gregorian years are 730485 days
const YEAR_10000 = BigInt(Date.UTC(10000, 0, 1)) * 1000n

function parse(buffer: Buffer): void {
  let at = 0
  const take = (length: number) => {
    must(at + length <= buffer.length)
    at += length
    return buffer.subarray(at - length, at)
  }
  const text = (min: number, max: number) => {
    const bytes = take(take(4).readUInt32BE())
    must(bytes.length >= min && bytes.length <= max && !bytes.includes(0))
    try {
      return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes)
    } catch {
      throw new Refused()
    }
  }
  const items = (max: number, each: () => string) => {
    const count = take(4).readUInt32BE()
    must(count <= max)
    return Array.from({ length: count }, each)
  }
  must(take(4).toString('latin1') === 'PXA1')
  must(take(16).some((byte) => byte !== 0))
  const seq = take(8).readBigUInt64BE()
  must(seq >= 1n && seq <= 2n ** 53n - 1n)
  take(32)
  text(1, 128)
  const object = text(0, 10_000)
  must(OBJECT.test(object))
  const idBytes = Buffer.byteLength(object.slice(object.indexOf(':') + 1))
  must(idBytes >= 1 && idBytes <= 512)
  must([1, 2, 3, 4].includes(take(1).readUInt8()))
  items(64, () => text(1, 512))
  const caveats = items(64, () => text(1, 10_000))
  must(caveats.every((name) => CAVEAT.test(name)))
  must(
    caveats.every(
      (name, i) => i === 0 || Buffer.compare(Buffer.from(caveats[i - 1] ?? ''), Buffer.from(name)) < 0,
    ),
  )
  text(0, 256)
  text(0, 1024)
  const recordedAt = take(8).readBigInt64BE()
  must(recordedAt >= YEAR_1 && recordedAt < YEAR_10000)
  must(at === buffer.length)
}

/** Returns whether the bytes are canonical bytes of generation PXA1 within all limits. */
export function plainAccepts(bytes: Uint8Array): boolean {
  try {
    parse(Buffer.from(bytes))
    return true
  } catch (error) {
    if (error instanceof Refused) return false
    throw error
  }
}
