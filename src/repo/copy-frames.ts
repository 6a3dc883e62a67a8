const COPY_DATA = 0x64 // d
const COPY_OUT_RESPONSE = 0x48 // H
const READY_FOR_QUERY = 0x5a // Z
const HEADER = 5

/**
 * Takes the CopyData payloads out of a backend's byte stream (PostgreSQL manual, "Message Formats"). Everything that
 * is not the copy's own (CommandComplete, ErrorResponse, notices, ReadyForQuery) is kept as it came for the driver.
 */
export class CopyFrames {
  readonly #onPayload: (bytes: Buffer, from: number, to: number) => void
  readonly #rest: Buffer[] = []
  #carry: Buffer | undefined

  constructor(onPayload: (bytes: Buffer, from: number, to: number) => void) {
    this.#onPayload = onPayload
  }

  /** Returns the messages for the driver once the server is ready for the next query, else undefined. */
  push(chunk: Buffer): Buffer | undefined {
    const bytes = this.#carry === undefined ? chunk : Buffer.concat([this.#carry, chunk])
    let at = 0
    while (at + HEADER <= bytes.length) {
      const end = at + 1 + bytes.readUInt32BE(at + 1)
      if (end > bytes.length) break
      const type = bytes[at]
      if (type === COPY_DATA) this.#onPayload(bytes, at + HEADER, end)
      else if (type !== COPY_OUT_RESPONSE) this.#rest.push(bytes.subarray(at, end))
      if (type === READY_FOR_QUERY) return Buffer.concat(this.#rest)
      at = end
    }
    this.#carry = at < bytes.length ? bytes.subarray(at) : undefined
    return undefined
  }
}
