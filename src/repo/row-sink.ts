import type { StoredRow } from '../chain/fold.js'
import { CopyFrames } from './copy-frames.js'
import type { ChunkSink } from './copy-out.js'
import { CopyRows } from './copy-rows.js'

/** Hands each row of a COPY of COPY_COLUMNS over as it arrives. A row's bytes are only whole until `onRow` returns. */
export function rowSink(domainId: string, onRow: (row: StoredRow) => void): ChunkSink {
  const rows = new CopyRows(domainId, { add: (row) => onRow(row.stored()), addStored: onRow })
  const frames = new CopyFrames((bytes, from, to) => rows.push(bytes, from, to))
  let finish: (rest: Buffer) => void = () => undefined
  const done = new Promise<Buffer>((resolve) => {
    finish = resolve
  })
  return {
    done,
    push(chunk) {
      const rest = frames.push(chunk)
      if (rest !== undefined) finish(rest)
    },
  }
}
