import { type FileHandle, open, unlink } from 'node:fs/promises'
import { AuditError, errnoOf } from '../../base/errors.js'

const NEWLINE = Uint8Array.of(0x0a)

/** The file of `append --rejects`, with the refused lines as they were read. An existing file is never overwritten. */
export class Rejects {
  count = 0
  readonly path: string
  readonly #file: FileHandle

  private constructor(path: string, file: FileHandle) {
    this.path = path
    this.#file = file
  }

  static async create(path: string): Promise<Rejects> {
    try {
      return new Rejects(path, await open(path, 'wx', 0o600))
    } catch (error) {
      const code = errnoOf(error)
      if (code === 'EEXIST') throw new AuditError('usage', `--rejects: ${path} already exists`)
      throw new AuditError('output_failed', `--rejects: ${path} cannot be made (${code})`)
    }
  }

  /** Rejects with `output_failed`. */
  async add(raw: Uint8Array): Promise<void> {
    this.count += 1
    // One write of both: writev may write only a part.
    await this.#file.appendFile(Buffer.concat([raw, NEWLINE])).catch((error: unknown) => this.#fail(error))
  }

  /** Syncs and closes the file, and deletes an empty one. Rejects with `output_failed`. */
  async close(): Promise<void> {
    await this.#file.sync().catch((error: unknown) => this.#fail(error))
    await this.#file.close()
    if (this.count === 0) await unlink(this.path)
  }

  #fail(error: unknown): never {
    throw new AuditError('output_failed', `--rejects: ${this.path} cannot be written (${errnoOf(error)})`)
  }
}
