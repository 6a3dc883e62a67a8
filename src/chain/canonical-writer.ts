/** Writes the field types of format.md, big-endian, into a buffer of exactly the size that is needed. */
export class CanonicalWriter {
  readonly bytes: Uint8Array
  readonly #view: DataView
  #at = 0

  constructor(size: number) {
    this.bytes = new Uint8Array(size)
    this.#view = new DataView(this.bytes.buffer)
  }

  raw(bytes: Uint8Array): void {
    this.bytes.set(bytes, this.#at)
    this.#at += bytes.length
  }

  u8(value: number): void {
    this.#view.setUint8(this.#at, value)
    this.#at += 1
  }

  u32(value: number): void {
    this.#view.setUint32(this.#at, value)
    this.#at += 4
  }

  u64(value: bigint): void {
    this.#view.setBigUint64(this.#at, value)
    this.#at += 8
  }

  i64(value: bigint): void {
    this.#view.setBigInt64(this.#at, value)
    this.#at += 8
  }

  strings(items: readonly Uint8Array[]): void {
    for (const item of items) {
      this.u32(item.length)
      this.raw(item)
    }
  }

  list(items: readonly Uint8Array[]): void {
    this.u32(items.length)
    this.strings(items)
  }
}
