import type { Readable } from 'node:stream'
import { AuditError } from '../../base/errors.js'

/** Bytes that must arrive within each wait. A thousand keys of a listing have about 400 KB. */
const PROGRESS_BYTES = 16 * 1024

/**
 * Reads a body up to its end or to `maxBytes` + 1 bytes, and destroys it there. Rejects with `mirror_unavailable` when
 * `stall` milliseconds bring less than 16 KiB: a server that sends single bytes never runs into a time-out of the socket.
 */
export async function readBody(
  url: string,
  body: Readable,
  maxBytes: number,
  stall: number,
): Promise<Buffer> {
  const chunks: Buffer[] = []
  let length = 0
  let counted = 0
  const problem = `mirror ${url}: the server sent less than 16 KiB in ${stall} ms`
  const drips = () => body.destroy(new AuditError('mirror_unavailable', problem))
  const timer = setTimeout(drips, stall)
  try {
    for await (const chunk of body) {
      const bytes = Buffer.from(chunk)
      chunks.push(bytes)
      length += bytes.length
      // The return destroys the stream.
      if (length > maxBytes) return Buffer.concat(chunks).subarray(0, maxBytes + 1)
      if (length - counted < PROGRESS_BYTES) continue
      counted = length
      timer.refresh()
    }
    return Buffer.concat(chunks)
  } finally {
    clearTimeout(timer)
  }
}
