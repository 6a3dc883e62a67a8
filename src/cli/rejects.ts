import { type FileHandle, open, unlink } from 'node:fs/promises'
import { AuditError } from '../errors.js'

const NEWLINE = Uint8Array.of(0x0a)

/** The file of `append --rejects`: the refused lines as they came. An existing file is never written over. */
export class Rejects {
  count = 0
  readonly #path: string
  readonly #file: FileHandle

  private constructor(path: string, file: FileHandle) {
    this.#path = path
    this.#file = file
  }

  static async create(path: string): Promise<Rejects> {
    try {
      return new Rejects(path, await open(path, 'wx', 0o600))
    } catch (error) {
      const code = error instanceof Error && 'code' in error ? error.code : undefined
      if (code === 'EEXIST') throw new AuditError('usage', `--rejects: ${path} exists already`)
      throw new AuditError('file_unreadable', `--rejects: ${path} cannot be made (${code ?? 'unknown'})`)
    }
  }

  async add(raw: Uint8Array): Promise<void> {
    this.count += 1
    await this.#file.writev([raw, NEWLINE])
  }

  /** Leaves no empty file behind. */
  async close(): Promise<void> {
    await this.#file.sync()
    await this.#file.close()
    if (this.count === 0) await unlink(this.#path)
  }
}
