import { int32 } from '../../chain/big-endian.js'
import type { FieldValue, RowFields } from '../../chain/evidence/finding-evidence.js'
import { RECORDED_AT_BYTES } from '../../chain/layout.js'
import { reasonName } from '../../chain/reason.js'
import { formatTimestamp, MAX_MICROS, MIN_MICROS } from '../../chain/timestamp.js'

/** Longer values are not read: a row that was forced into the table may hold a gigabyte. */
const MAX_BYTES = 64 * 1024

/** Microseconds from 1970-01-01 to 2000-01-01, the epoch of a timestamptz on the wire. */
const EPOCH = 946_684_800_000_000n

/** The columns of {@link COPY_COLUMNS} that are read as fields, by their place. */
const COLUMNS: readonly (readonly [number, keyof RowFields, (value: Buffer) => FieldValue | undefined])[] = [
  [1, 'subject_pseudonym', (value) => value.toString('hex')],
  [2, 'relation', textOf],
  [3, 'object', textOf],
  [4, 'reason', reasonOf],
  [5, 'relation_path', listOf],
  [6, 'caveat_context', listOf],
  [7, 'correlation_id', textOf],
  [8, 'zedtoken', textOf],
  [9, 'recorded_at', timeOf],
]

/** Returns the fields of a row without canonical bytes, as far as they can be shown. `column` returns the bytes of a column that is not NULL. */
export function oddFields(column: (place: number) => Buffer | undefined): RowFields {
  const fields = COLUMNS.flatMap(([place, name, read]): [string, FieldValue][] => {
    const bytes = column(place)
    const value = bytes === undefined || bytes.length > MAX_BYTES ? undefined : read(bytes)
    return value === undefined ? [] : [[name, value]]
  })
  return Object.fromEntries(fields)
}

function textOf(value: Buffer): string {
  return value.toString('utf8')
}

function reasonOf(value: Buffer): FieldValue | undefined {
  if (value.length !== 2) return undefined
  const ordinal = value.readInt16BE(0)
  return reasonName(ordinal) ?? ordinal
}

/** Returns the elements of an array with one dimension and no NULL. */
function listOf(value: Buffer): readonly string[] | undefined {
  if (value.length === 12 && int32(value, 0) === 0) return []
  if (value.length < 20 || int32(value, 0) !== 1) return undefined
  const items: string[] = []
  for (let at = 20; at < value.length; ) {
    const length = at + 4 > value.length ? -1 : int32(value, at)
    if (length < 0 || at + 4 + length > value.length) return undefined
    items.push(value.toString('utf8', at + 4, at + 4 + length))
    at += 4 + length
  }
  return items
}

function timeOf(value: Buffer): string | undefined {
  if (value.length !== RECORDED_AT_BYTES) return undefined
  const micros = value.readBigInt64BE(0)
  if (micros === 2n ** 63n - 1n) return 'infinity'
  if (micros === -(2n ** 63n)) return '-infinity'
  const time = micros + EPOCH
  return time < MIN_MICROS || time > MAX_MICROS ? time.toString() : formatTimestamp(time)
}
