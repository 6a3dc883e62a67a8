import type pg from 'pg'
import type { StoredRow } from '../../chain/fold.js'
import { type ChunkSink, copyOut } from './copy-out.js'
import { rowSink } from './row-sink.js'

/** The bytes of queued rows at which the socket is paused. A row has 300 bytes to 70 kB. */
const MAX_WAITING = 2 * 1024 * 1024
/** The memory of a row beyond its canonical bytes, including two hashes. */
const ROW_OVERHEAD = 400

/**
 * Yields the rows of a COPY of COPY_COLUMNS as they arrive, each with a copy of its canonical bytes. This is slower than
 * folding on the wire, and meant for readers that compare each row with something else. If the reader stops early, the
 * client is closed.
 */
export async function* streamRows(
  client: pg.Client,
  copy: string,
  domainId: string,
): AsyncGenerator<StoredRow[]> {
  const queue = new RowQueue(domainId)
  const copying = copyOut(client, copy, queue)
  copying.then(
    () => queue.end(),
    (error: unknown) => queue.end(error),
  )
  let isComplete = false
  try {
    for (let rows = await queue.take(); rows.length > 0; rows = await queue.take()) yield rows
    isComplete = true
  } finally {
    // The protocol has no message that stops a COPY, so the connection is destroyed.
    if (!isComplete) client.connection.stream.destroy()
  }
}

/** Returns the rows of a COPY as one array. Use this for a few rows only. */
export async function collectRows(client: pg.Client, copy: string, domainId: string): Promise<StoredRow[]> {
  const rows: StoredRow[] = []
  for await (const batch of streamRows(client, copy, domainId)) rows.push(...batch)
  return rows
}

class RowQueue implements ChunkSink {
  readonly #sink: ChunkSink
  #rows: StoredRow[] = []
  #waiting = 0
  #ended = false
  #error: unknown
  #wakeReader: () => void = () => undefined
  #wakeWriter: () => void = () => undefined

  constructor(domainId: string) {
    this.#sink = rowSink(
      domainId,
      (row) => this.#keep(row),
      () => this.#flow(),
    )
  }

  get done(): Promise<Buffer> {
    return this.#sink.done
  }

  push(chunk: Buffer): void | Promise<void> {
    return this.#sink.push(chunk)
  }

  end(error?: unknown): void {
    this.#ended = true
    this.#error = error
    this.#wakeReader()
  }

  /** Returns the rows that have arrived, at least one, or none at the end of the copy. Rejects if the copy failed. */
  async take(): Promise<StoredRow[]> {
    while (this.#rows.length === 0 && !this.#ended) {
      await new Promise<void>((resolve) => {
        this.#wakeReader = resolve
      })
    }
    if (this.#rows.length === 0 && this.#error !== undefined) throw this.#error
    const rows = this.#rows
    this.#rows = []
    this.#waiting = 0
    this.#wakeWriter()
    return rows
  }

  #flow(): void | Promise<void> {
    this.#wakeReader()
    if (this.#waiting < MAX_WAITING) return undefined
    return new Promise((resolve) => {
      this.#wakeWriter = resolve
    })
  }

  #keep(row: StoredRow): void {
    this.#rows.push(withOwnBytes(row))
    this.#waiting += ROW_OVERHEAD + (row.canonical?.length ?? 0)
  }
}

function withOwnBytes(row: StoredRow): StoredRow {
  return row.canonical === undefined ? row : { ...row, canonical: Buffer.from(row.canonical) }
}
