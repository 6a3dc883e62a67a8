import { bytesToHex } from '@noble/hashes/utils.js'
import { reasonName } from '../reason.js'
import { formatTimestamp, MAX_MICROS, MIN_MICROS } from '../timestamp.js'
import { uuidText } from '../uuid-bytes.js'
import type { FieldValue, RowFields } from './finding-evidence.js'

/** The parts of a stored row that its fields are read from. */
export interface ReadableRow {
  readonly seq: number
  readonly canonical?: Uint8Array | undefined
  readonly prevHash?: string | undefined
  readonly entryHash?: string | undefined
  /** The fields of a row without canonical bytes, as far as its source could read them. */
  readonly fields?: RowFields | undefined
}

/**
 * Returns the fields of a stored row, also of a forged one: reads canonical bytes up to the first byte that fits no field,
 * and checks no limits. A text that is not UTF-8 gets replacement characters. Never throws.
 */
export function rowFields({ canonical, prevHash, entryHash, fields = {} }: ReadableRow): RowFields {
  const hashes = {
    ...(prevHash !== undefined && { prev_hash: prevHash }),
    ...(entryHash !== undefined && { entry_hash: entryHash }),
  }
  return { ...(canonical === undefined ? fields : looseFields(canonical)), ...hashes }
}

function looseFields(canonical: Uint8Array): RowFields {
  const reader = new LooseReader(canonical)
  const fields: [string, FieldValue][] = []
  for (const [name, read] of LAYOUT) {
    const value = read(reader)
    if (value === undefined) break
    if (name !== undefined) fields.push([name, value])
  }
  return Object.fromEntries(fields)
}

/** The fields in the order of the canonical bytes. The magic has no name. */
const LAYOUT: readonly (readonly [string | undefined, (reader: LooseReader) => FieldValue | undefined])[] = [
  [undefined, (reader) => reader.hex(4)],
  ['domain_id', (reader) => reader.uuid()],
  ['seq', (reader) => reader.seq()],
  ['subject_pseudonym', (reader) => reader.hex(32)],
  ['relation', (reader) => reader.text()],
  ['object', (reader) => reader.text()],
  ['reason', (reader) => reader.reason()],
  ['relation_path', (reader) => reader.list()],
  ['caveat_context', (reader) => reader.list()],
  ['correlation_id', (reader) => reader.text()],
  ['zedtoken', (reader) => reader.text()],
  ['recorded_at', (reader) => reader.time()],
]

/** Reads the field types of the format from any bytes. A read over the end returns undefined. */
class LooseReader {
  static readonly #utf8 = new TextDecoder('utf-8', { ignoreBOM: true })
  readonly #view: DataView
  #at = 0

  constructor(readonly bytes: Uint8Array) {
    this.#view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  }

  hex(length: number): string | undefined {
    const at = this.#skip(length)
    return at === undefined ? undefined : bytesToHex(this.bytes.subarray(at, at + length))
  }

  uuid(): string | undefined {
    const at = this.#skip(16)
    return at === undefined ? undefined : uuidText(this.bytes.subarray(at, at + 16))
  }

  seq(): FieldValue | undefined {
    const at = this.#skip(8)
    if (at === undefined) return undefined
    const value = this.#view.getBigUint64(at)
    return value > BigInt(Number.MAX_SAFE_INTEGER) ? value.toString() : Number(value)
  }

  /** Returns the name of a reason, or the number that is stored in place of one. */
  reason(): FieldValue | undefined {
    const at = this.#skip(1)
    if (at === undefined) return undefined
    const ordinal = this.#view.getUint8(at)
    return reasonName(ordinal) ?? ordinal
  }

  text(): string | undefined {
    const lengthAt = this.#skip(4)
    if (lengthAt === undefined) return undefined
    const length = this.#view.getUint32(lengthAt)
    const at = this.#skip(length)
    return at === undefined ? undefined : LooseReader.#utf8.decode(this.bytes.subarray(at, at + length))
  }

  list(): string[] | undefined {
    const at = this.#skip(4)
    if (at === undefined) return undefined
    const items: string[] = []
    for (let left = this.#view.getUint32(at); left > 0; left -= 1) {
      const item = this.text()
      if (item === undefined) return undefined
      items.push(item)
    }
    return items
  }

  /** Returns RFC 3339, or the microseconds since 1970 of a time that RFC 3339 cannot write. */
  time(): string | undefined {
    const at = this.#skip(8)
    if (at === undefined) return undefined
    const micros = this.#view.getBigInt64(at)
    return micros < MIN_MICROS || micros > MAX_MICROS ? micros.toString() : formatTimestamp(micros)
  }

  /** Returns where the next `length` bytes begin, and goes behind them; undefined where the bytes end before. */
  #skip(length: number): number | undefined {
    const at = this.#at
    if (length > this.bytes.length - at) return undefined
    this.#at = at + length
    return at
  }
}
