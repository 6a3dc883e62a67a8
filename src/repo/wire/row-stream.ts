import type pg from 'pg'
import type { StoredRow } from '../../chain/fold.js'
import { type ChunkSink, copyOut } from './copy-out.js'
import { rowSink } from './row-sink.js'

/** Bytes of rows that wait for the reader before the socket is paused; rows are of 300 bytes to 70 kB. */
const MAX_WAITING = 2 * 1024 * 1024
/** What a row costs beside its canonical bytes, two hashes among it. */
const ROW_OVERHEAD = 400

/**
 * The rows of a COPY of COPY_COLUMNS as they arrive, each with canonical bytes of its own. Slower than folding on the
 * wire, for what must look at each row beside something else. The reader may stop early: the client is then closed.
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
  let isWhole = false
  try {
    for (let rows = await queue.take(); rows.length > 0; rows = await queue.take()) yield rows
    isWhole = true
  } finally {
    // A copy that nobody reads to its end cannot be told to stop; its connection can.
    if (!isWhole) client.connection.stream.destroy()
  }
}

/** The same for a few rows, all at once. */
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

  /** What has arrived, at least one row; none when the copy has ended. Rejects with what the copy failed with. */
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
