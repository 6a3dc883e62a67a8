import { AuditError, errnoOf } from '../../base/errors.js'
import { jsonText } from './safe-text.js'
import { type MaybeTerminal, type Screen, screenOf } from './screen.js'
import { type Style, styleOf } from './style.js'

/** Characters to collect before a write, because a write for each line costs a system call. */
const CHUNK = 32 * 1024

/**
 * Writes lines to a stream that may be slow or close. Memory stays bounded as long as each call is awaited. A closed
 * reader (`| head`) is no error: {@link closed} becomes true, and later lines are dropped.
 */
export class Output {
  #pending = ''
  #flushing: NodeJS.Immediate | undefined
  #closed = false
  #failure: AuditError | undefined

  constructor(readonly stream: MaybeTerminal) {
    stream.on('error', (error: NodeJS.ErrnoException) => this.#onError(error))
  }

  /** True once the reader has closed the stream; a command that only prints may stop then. */
  get closed(): boolean {
    return this.#closed
  }

  /** What the stream can show now: a terminal may have been resized. */
  get screen(): Screen {
    return screenOf(this.stream)
  }

  get style(): Style {
    return styleOf(this.screen)
  }

  /** Writes one line of safe text. Returns false if the reader is gone; rejects with `output_failed`. */
  async line(text: string): Promise<boolean> {
    return this.lines([text])
  }

  /** Writes lines as {@link line} does, and waits for room once for all of them. */
  async lines(texts: readonly string[]): Promise<boolean> {
    for (const text of texts) this.#pending += `${text}\n`
    if (this.#pending.length >= CHUNK) await this.#write()
    else this.#flushing ??= setImmediate(() => void this.#write())
    this.#check()
    return !this.#closed
  }

  /** Writes one JSON document on its own line: a whole answer, or an item of a stream (NDJSON). */
  async json(value: unknown): Promise<boolean> {
    return this.line(jsonText(value))
  }

  /** Resolves when everything written so far was passed to the operating system. */
  async drained(): Promise<void> {
    await this.#write()
    if (!this.#closed) await new Promise<void>((resolve) => this.stream.write('', () => resolve()))
    this.#check()
  }

  /** Passes everything written so far to the stream, without waiting for room. */
  flush(): void {
    void this.#write()
  }

  async #write(): Promise<void> {
    clearImmediate(this.#flushing)
    this.#flushing = undefined
    const text = this.#pending
    this.#pending = ''
    if (!this.#closed && text !== '') await this.#give(text)
  }

  /**
   * Resolves when there is room for more. Uses the callback, not the events drain and error: a failed write never
   * drains, and a listener that throws (oclif's does) hides the event.
   */
  #give(text: string): Promise<void> {
    return new Promise((resolve) => {
      const room = this.stream.write(text, (error) => {
        if (error) this.#onError(error)
        resolve()
      })
      if (room) resolve()
    })
  }

  #onError(error: NodeJS.ErrnoException): void {
    this.#closed = true
    if (!isReaderGone(error)) {
      this.#failure ??= new AuditError(
        'output_failed',
        `cannot write the output: ${error.code ?? error.name}`,
      )
    }
  }

  #check(): void {
    const failure = this.#failure
    this.#failure = undefined
    if (failure !== undefined) throw failure
  }
}

function isReaderGone(error: unknown): boolean {
  return ['EPIPE', 'ERR_STREAM_DESTROYED'].includes(errnoOf(error))
}
