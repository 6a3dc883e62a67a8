import type { Duplex } from 'node:stream'
import type pg from 'pg'
import { databaseError } from '../session/database-error.js'

/** Takes the chunks of a copy as they come from the socket. */
export interface ChunkSink {
  /** May return a promise that resolves when the sink can take more. */
  push(chunk: Buffer): void | Promise<void>
  /** Resolves with the driver's messages once the sink has seen ReadyForQuery. */
  readonly done: Promise<Buffer>
}

interface Wire {
  readonly stream: Duplex
  query(text: string): void
}

type DataListener = (chunk: Buffer) => void

/**
 * A COPY … TO STDOUT whose raw bytes go to a sink. The driver's parser would make an object of every row, which halves
 * the rate. pg passes the connection to any query that has a `submit` method. This query removes the socket's data
 * listeners, and restores them when the copy ends, together with the messages that the driver must see.
 */
class CopyOut {
  readonly #text: string
  readonly #sink: ChunkSink
  readonly #settle: (error?: unknown) => void
  readonly finished: Promise<void>

  constructor(text: string, sink: ChunkSink) {
    this.#text = text
    this.#sink = sink
    let settle: (error?: unknown) => void = () => undefined
    this.finished = new Promise((resolve, reject) => {
      settle = (error) => (error === undefined ? resolve() : reject(databaseError(error)))
    })
    this.#settle = settle
  }

  submit(connection: Wire): void {
    const { stream } = connection
    const listeners = stream.listeners('data') as DataListener[]
    stream.removeAllListeners('data')
    const onData = (chunk: Buffer) => {
      const more = this.#sink.push(chunk)
      if (more === undefined) return
      stream.pause()
      more.then(() => stream.resume(), this.#settle)
    }
    stream.on('data', onData)
    this.#sink.done.then((rest) => {
      stream.off('data', onData)
      for (const listener of listeners) stream.on('data', listener)
      for (const listener of listeners) listener(rest)
    }, this.#settle)
    connection.query(this.#text)
  }

  handleError(error: unknown): void {
    this.#settle(error)
  }

  handleReadyForQuery(): void {
    this.#settle()
  }

  handleCommandComplete(): void {}
  handlePortalSuspended(): void {}
  handleEmptyQuery(): void {}
  handleRowDescription(): void {}
  handleDataRow(): void {}
}

/** Runs a COPY on a client, and resolves when the server has finished. The client can be used again afterwards. */
export async function copyOut(client: pg.Client, text: string, sink: ChunkSink): Promise<void> {
  const query = new CopyOut(text, sink)
  client.query(query as unknown as pg.Submittable)
  await query.finished
}
