import type { RowTaker } from '../../chain/fast-path.js'
import type { StoredRow } from '../../chain/fold.js'
import { chunkSink } from './chunk-sink.js'
import { CopyFrames } from './copy-frames.js'
import type { ChunkSink } from './copy-out.js'
import { CopyRows } from './copy-rows.js'

/** Passes each row of a COPY of COPY_COLUMNS to the taker as it arrives. `flow` is that of {@link chunkSink}. */
export function takerSink(domainId: string, taker: RowTaker, flow?: () => void | Promise<void>): ChunkSink {
  const rows = new CopyRows(domainId, taker)
  const frames = new CopyFrames((bytes, from, to) => rows.push(bytes, from, to))
  return chunkSink((chunk) => frames.push(chunk), flow)
}

/** Passes each row with its hashes as text. The bytes of a row are valid only until `onRow` returns. */
export function rowSink(
  domainId: string,
  onRow: (row: StoredRow) => void,
  flow?: () => void | Promise<void>,
): ChunkSink {
  return takerSink(domainId, { add: (row) => onRow(row.stored()), addStored: onRow }, flow)
}
