import { promisify } from 'node:util'
import { constants, crc32, gzip, inflateRaw, type ZlibOptions } from 'node:zlib'
import { BUNDLE_LIMITS, damaged } from './bundle-format.js'

/** The gzip header without name, time and hints, and with an unknown operating system (RFC 1952). */
const HEADER = Buffer.from('1f8b08000000000000ff', 'hex')
const TRAILER_BYTES = 8

/**
 * These settings never change, so that the same content gives the same bytes. A row resembles the few rows before it, so
 * half the window finds nearly as much and needs less of the cache. It compresses a row of 469 bytes to 120 bytes in
 * 2.4 µs. The whole window gives 118 bytes in 2.7 µs, level 3 gives 117 in 3.0 µs, and level 6 gives 112 in twice the time.
 */
const DEFLATE: ZlibOptions = { level: 1, windowBits: 14, memLevel: 9, chunkSize: 512 * 1024 }
const HUFFMAN: ZlibOptions = { ...DEFLATE, strategy: constants.Z_HUFFMAN_ONLY }

const compress = promisify<Buffer, ZlibOptions, Buffer>(gzip)

/** Compresses to one gzip member. The same version of zlib gives the same bytes for the same content. */
export async function compressSegment(content: Buffer): Promise<Buffer> {
  const packed = await compress(content, DEFLATE)
  // Rows that repeat one letter a thousand times compress like a zip bomb, which a reader refuses.
  const isBomb = content.length > (packed.length - HEADER.length - TRAILER_BYTES) * BUNDLE_LIMITS.ratio
  const member = isBomb ? await compress(content, HUFFMAN) : packed
  // The header of zlib itself names the level and the operating system.
  member.set(HEADER)
  return member
}

/** Decompresses a segment. Rejects with `bundle_malformed` for anything but one whole member within the limits. */
export async function decompressSegment(bytes: Buffer): Promise<Buffer> {
  const body = bytes.subarray(HEADER.length, -TRAILER_BYTES)
  if (body.length === 0 || bytes.compare(HEADER, 0, HEADER.length, 0, HEADER.length) !== 0) {
    throw damaged('a segment is not gzip as an export writes it')
  }
  const content = await inflate(body)
  if (!bytes.subarray(-TRAILER_BYTES).equals(trailer(content))) {
    throw damaged('the gzip checksum of a segment is wrong')
  }
  return content
}

function inflate(body: Buffer): Promise<Buffer> {
  const maxOutputLength = Math.min(BUNDLE_LIMITS.segmentBytes, body.length * BUNDLE_LIMITS.ratio)
  return new Promise((resolve, reject) => {
    // `info` returns where the stream ended. Without it, data after the stream, even a second member, is silently ignored.
    const options = { maxOutputLength, chunkSize: BUNDLE_LIMITS.segmentBytes, info: true }
    inflateRaw(body, options, (error, result: unknown) => {
      if (error !== null) {
        reject(damaged('a segment does not decompress within the limits'))
        return
      }
      const { buffer, engine } = result as { buffer: Buffer; engine: { bytesWritten: number } }
      if (engine.bytesWritten === body.length) resolve(buffer)
      else reject(damaged('something follows the gzip stream of a segment'))
    })
  })
}

function trailer(content: Buffer): Buffer {
  const bytes = Buffer.alloc(TRAILER_BYTES)
  bytes.writeUInt32LE(crc32(content), 0)
  bytes.writeUInt32LE(content.length, 4)
  return bytes
}
