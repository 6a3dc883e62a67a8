import { setImmediate } from 'node:timers/promises'
import type pg from 'pg'
import type { Client } from '../session/database.js'

interface Wire {
  query(text: string): void
  sendCopyFromChunk(bytes: Buffer): void
  endCopyFrom(): void
}

type Message = (wire: Wire) => void

/**
 * A COPY … FROM STDIN that is sent in pieces. Pieces that are written before the server asks for them are queued. Once
 * the server has refused the copy, or is gone, nothing more is sent. pg passes the connection to any query that has a
 * `submit` method.
 */
class CopyIn {
  readonly #text: string
  /** The connection, while the server takes rows. */
  #wire: Wire | undefined
  #waiting: Message[] = []
  #rows = 0
  #resolve: (rows: number) => void = () => undefined
  #reject: (error: unknown) => void = () => undefined
  /** Resolves with the rows that were stored. */
  readonly finished: Promise<number>

  constructor(text: string) {
    this.#text = text
    this.finished = new Promise((resolve, reject) => {
      this.#resolve = resolve
      this.#reject = reject
    })
    // Marks a rejection as handled: `finished` is awaited only after the last piece.
    this.finished.catch(() => undefined)
  }

  write(bytes: Buffer): void {
    this.#send((wire) => wire.sendCopyFromChunk(bytes))
  }

  end(): void {
    this.#send((wire) => wire.endCopyFrom())
  }

  submit(wire: Wire): void {
    wire.query(this.#text)
  }

  handleCopyInResponse(wire: Wire): void {
    this.#wire = wire
    for (const message of this.#waiting.splice(0)) message(wire)
  }

  handleCommandComplete({ text }: { readonly text: string }): void {
    this.#rows = Number(/^COPY (\d+)$/.exec(text)?.[1] ?? 0)
  }

  handleReadyForQuery(): void {
    this.#resolve(this.#rows)
  }

  handleError(error: unknown): void {
    this.#wire = undefined
    this.#reject(error)
  }

  #send(message: Message): void {
    if (this.#wire === undefined) this.#waiting.push(message)
    else message(this.#wire)
  }
}

/**
 * Runs a COPY and resolves with the number of rows that the server stored. Sends the first pieces while the others are
 * still being made.
 */
export async function copyIn(client: Client, text: string, pieces: Iterable<Buffer>): Promise<number> {
  const copy = new CopyIn(text)
  client.query(copy as unknown as pg.Submittable)
  try {
    for (const piece of pieces) {
      copy.write(piece)
      await setImmediate()
    }
  } finally {
    // The copy is ended even after a failure: the server would wait for more, and the ROLLBACK would wait behind it.
    copy.end()
  }
  return copy.finished
}
