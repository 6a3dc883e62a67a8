import type pg from 'pg'
import { chunkSink } from '../../src/repo/wire/chunk-sink.js'
import { CopyFrames } from '../../src/repo/wire/copy-frames.js'
import { copyOut } from '../../src/repo/wire/copy-out.js'
import { COPY_COLUMNS } from '../../src/repo/wire/copy-rows.js'

/** The columns of {@link copyGroups}, in its order. */
export const ROW_COLUMNS = `domain_id, ${COPY_COLUMNS}`

/** Before the first row of a binary COPY, and after the last one. */
const HEADER_BYTES = 19
const TRAILER = Buffer.from([0xff, 0xff])
/** The size of the pieces that append sends. */
const PIECE = 32 * 1024

/** Reads the rows of a chain and returns them as binary COPYs of `size` rows each, every one in pieces. */
export async function copyGroups(client: pg.Client, domainId: string, size: number): Promise<Buffer[][]> {
  const parts: Buffer[] = []
  const frames = new CopyFrames((chunk, start, end) => parts.push(Buffer.from(chunk.subarray(start, end))))
  await client.query('SET enable_sort = off')
  await copyOut(
    client,
    `COPY (SELECT ${ROW_COLUMNS} FROM audit_log_entry WHERE domain_id = '${domainId}' ORDER BY seq) TO STDOUT (FORMAT binary)`,
    chunkSink((chunk) => frames.push(chunk)),
  )
  const bytes = Buffer.concat(parts)
  const header = bytes.subarray(0, HEADER_BYTES)
  const groups: Buffer[][] = []
  for (let at = HEADER_BYTES; at < bytes.length - TRAILER.length; ) {
    const end = afterRows(bytes, at, size)
    groups.push(piecesOf(Buffer.concat([header, bytes.subarray(at, end), TRAILER])))
    at = end
  }
  return groups
}

/** Returns the offset after `count` rows from `at` on, or that of the trailer. */
function afterRows(bytes: Buffer, at: number, count: number): number {
  let end = at
  for (let row = 0; row < count; row += 1) {
    const fields = bytes.readInt16BE(end)
    if (fields < 0) break
    end += 2
    for (let field = 0; field < fields; field += 1) end += 4 + Math.max(0, bytes.readInt32BE(end))
  }
  return end
}

function piecesOf(bytes: Buffer): Buffer[] {
  return Array.from({ length: Math.ceil(bytes.length / PIECE) }, (_, i) =>
    bytes.subarray(i * PIECE, (i + 1) * PIECE),
  )
}
