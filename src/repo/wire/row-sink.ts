import type { RowTaker } from '../../chain/fast-path.js'
import type { StoredRow } from '../../chain/fold.js'
import { chunkSink } from './chunk-sink.js'
import { CopyFrames } from './copy-frames.js'
import type { ChunkSink } from './copy-out.js'
import { CopyRows } from './copy-rows.js'

/** Hands each row of a COPY of COPY_COLUMNS over as it arrives. `flow`: as for {@link chunkSink}. */
export function takerSink(domainId: string, taker: RowTaker, flow?: () => void | Promise<void>): ChunkSink {
  const rows = new CopyRows(domainId, taker)
  const frames = new CopyFrames((bytes, from, to) => rows.push(bytes, from, to))
  return chunkSink((chunk) => frames.push(chunk), flow)
}

/** The same with the hashes as text. A row's bytes are only whole until `onRow` returns. */
export function rowSink(
  domainId: string,
  onRow: (row: StoredRow) => void,
  flow?: () => void | Promise<void>,
): ChunkSink {
  return takerSink(domainId, { add: (row) => onRow(row.stored()), addStored: onRow }, flow)
}
