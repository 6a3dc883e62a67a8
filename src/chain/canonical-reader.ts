/** Reads the field types of the format. canonicalProblem has accepted the bytes, so no read can run over their end. */
export class CanonicalReader {
  static readonly #utf8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true })
  readonly #view: DataView
  #at = 0

  constructor(readonly bytes: Uint8Array) {
    this.#view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  }

  raw(length: number): Uint8Array {
    this.#at += length
    return this.bytes.subarray(this.#at - length, this.#at)
  }

  u8(): number {
    this.#at += 1
    return this.#view.getUint8(this.#at - 1)
  }

  u32(): number {
    this.#at += 4
    return this.#view.getUint32(this.#at - 4)
  }

  u64(): bigint {
    this.#at += 8
    return this.#view.getBigUint64(this.#at - 8)
  }

  i64(): bigint {
    this.#at += 8
    return this.#view.getBigInt64(this.#at - 8)
  }

  string(): string {
    return CanonicalReader.#utf8.decode(this.raw(this.u32()))
  }

  list(): string[] {
    return Array.from({ length: this.u32() }, () => this.string())
  }
}
