import { setImmediate } from 'node:timers/promises'
import type pg from 'pg'
import type { Client } from '../session/database.js'

interface Wire {
  query(text: string): void
  sendCopyFromChunk(bytes: Buffer): void
  endCopyFrom(): void
  sendCopyFail(reason: string): void
}

type Message = (wire: Wire) => void

/** A statement that is sent with the COPY and runs before it. */
export interface FirstStatement {
  readonly text: string
  /** The rows that it must affect. Otherwise the COPY is ended, and rejects with `otherwise`. */
  readonly rows: number
  readonly otherwise: () => Error
}

/**
 * A COPY … FROM STDIN that is sent in pieces. Pieces that are written before the server asks for them are queued. Once
 * the server has refused the copy, or is gone, nothing more is sent. pg passes the connection to any query that has a
 * `submit` method.
 */
class CopyIn {
  readonly #text: string
  readonly #first: FirstStatement | undefined
  /** Why the copy must not be completed, known once the first statement was run. */
  #refusal: Error | undefined
  /** The connection, while the server takes rows. */
  #wire: Wire | undefined
  #waiting: Message[] = []
  #rows = 0
  #resolve: (rows: number) => void = () => undefined
  #reject: (error: unknown) => void = () => undefined
  /** Resolves with the rows that were stored. */
  readonly finished: Promise<number>

  constructor(text: string, first: FirstStatement | undefined) {
    this.#text = first === undefined ? text : `${first.text}; ${text}`
    this.#first = first
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
    if (this.#refusal !== undefined) {
      wire.sendCopyFail('the statement before it did not affect the rows that it must')
      return
    }
    this.#wire = wire
    for (const message of this.#waiting.splice(0)) message(wire)
  }

  handleCommandComplete({ text }: { readonly text: string }): void {
    const copied = /^COPY (\d+)$/.exec(text)?.[1]
    if (copied !== undefined) this.#rows = Number(copied)
    else if (this.#first !== undefined && Number(/ (\d+)$/.exec(text)?.[1]) !== this.#first.rows)
      this.#refusal = this.#first.otherwise()
  }

  handleReadyForQuery(): void {
    this.#resolve(this.#rows)
  }

  handleError(error: unknown): void {
    this.#wire = undefined
    this.#reject(this.#refusal ?? error)
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
export async function copyIn(
  client: Client,
  text: string,
  pieces: Iterable<Buffer>,
  first?: FirstStatement,
): Promise<number> {
  const copy = new CopyIn(text, first)
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
