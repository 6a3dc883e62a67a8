import { stat } from 'node:fs/promises'

/** Counts which share of the input files was read, for the progress of an import. */
export class InputShare {
  readonly #sizes: ReadonlyMap<string, number>
  readonly #total: number
  /** Bytes of the files that were read to their end. */
  #ended = 0
  /** Bytes that were read of the file that is being read. */
  #current = 0

  private constructor(sizes: ReadonlyMap<string, number>, total: number) {
    this.#sizes = sizes
    this.#total = total
  }

  /** Looks at the sizes of the files. A pipe has no size, so with one the share is not known. */
  static async of(files: readonly string[]): Promise<InputShare> {
    const sizes = new Map<string, number>()
    let total = 0
    for (const file of files) {
      const status = await stat(file).catch(() => undefined)
      sizes.set(file, status?.size ?? 0)
      total += status === undefined || status.isFile() ? (status?.size ?? 0) : Number.NaN
    }
    return new InputShare(sizes, total)
  }

  /** `bytes`: read since the last call; absent at the end of the file. */
  add(file: string, bytes?: number): void {
    if (bytes !== undefined) this.#current += bytes
    else {
      this.#ended += this.#sizes.get(file) ?? 0
      this.#current = 0
    }
  }

  /** From 0 to 1; undefined where there is no file, or a file without a size. */
  get share(): number | undefined {
    return this.#total > 0 ? Math.min(1, (this.#ended + this.#current) / this.#total) : undefined
  }
}
