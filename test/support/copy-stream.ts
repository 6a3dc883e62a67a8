import type { ChainedEntry } from '../../src/chain/entry.js'
import { reasonOrdinal } from '../../src/chain/reason.js'

/** The bytes of a column on the wire; null is NULL. */
export type Field = Uint8Array | null

/** The columns of a row that are read (COPY_COLUMNS), by name and in their order. */
export interface WireRow {
  seq: Field
  subject: Field
  relation: Field
  object: Field
  reason: Field
  relationPath: Field
  caveatContext: Field
  correlationId: Field
  zedtoken: Field
  recordedAt: Field
  generation: Field
  prevHash: Field
  entryHash: Field
}

const EPOCH_2000 = 946_684_800_000_000n
const TEXT_OID = 25

export const text = (value: string): Buffer => Buffer.from(value, 'utf8')
export const bytes = (hex: string): Buffer => Buffer.from(hex, 'hex')

export function int2(value: number): Buffer {
  const buffer = Buffer.alloc(2)
  buffer.writeInt16BE(value)
  return buffer
}

export function int4(value: number): Buffer {
  const buffer = Buffer.alloc(4)
  buffer.writeInt32BE(value)
  return buffer
}

export function int8(value: bigint): Buffer {
  const buffer = Buffer.alloc(8)
  buffer.writeBigInt64BE(value)
  return buffer
}

/** Does what array_send does for text[]: no dimension for an empty array, otherwise each with size and lower bound. */
export function textArray(
  items: readonly (string | null)[],
  dimensions: readonly { size: number; lower: number }[] = items.length === 0
    ? []
    : [{ size: items.length, lower: 1 }],
): Buffer {
  const head = [int4(dimensions.length), int4(items.includes(null) ? 1 : 0), int4(TEXT_OID)]
  const sizes = dimensions.flatMap(({ size, lower }) => [int4(size), int4(lower)])
  return Buffer.concat([...head, ...sizes, ...items.map((item) => field(item === null ? null : text(item)))])
}

export function wireRow(row: ChainedEntry): WireRow {
  return {
    seq: int8(BigInt(row.seq)),
    subject: bytes(row.subjectPseudonym),
    relation: text(row.relation),
    object: text(row.object),
    reason: int2(reasonOrdinal(row.reason)),
    relationPath: textArray(row.relationPath),
    caveatContext: textArray(row.caveatContext),
    correlationId: text(row.correlationId),
    zedtoken: text(row.zedtoken),
    recordedAt: int8(row.recordedAt - EPOCH_2000),
    generation: int2(1),
    prevHash: bytes(row.prevHash),
    entryHash: bytes(row.entryHash),
  }
}

/** Returns a binary COPY file (PostgreSQL manual, COPY, "Binary Format") in the pieces that a server sends: header, rows, trailer. */
export function copyFile(rows: readonly object[], extension = Buffer.alloc(0)): Buffer[] {
  const header = Buffer.concat([
    Buffer.from('PGCOPY\n\xff\r\n\0', 'latin1'),
    int4(0),
    int4(extension.length),
    extension,
  ])
  return [header, ...rows.map(tuple), int2(-1)]
}

/** Returns what a backend sends for a COPY: CopyOutResponse, one CopyData for each piece, then the driver's messages. */
export function backendStream(pieces: readonly Buffer[], rest: Buffer = REST): Buffer {
  const columns = Buffer.concat([Buffer.of(1), int2(13), ...Array.from({ length: 13 }, () => int2(1))])
  return Buffer.concat([message('H', columns), ...pieces.map((piece) => message('d', piece)), rest])
}

export function message(type: string, body: Buffer): Buffer {
  return Buffer.concat([text(type), int4(body.length + 4), body])
}

/** CopyDone, CommandComplete, ReadyForQuery. */
export const REST = Buffer.concat([
  message('c', Buffer.alloc(0)),
  message('C', text('COPY 1\0')),
  message('Z', text('T')),
])

function tuple(row: object): Buffer {
  const fields = Object.values(row) as Field[]
  return Buffer.concat([int2(fields.length), ...fields.map(field)])
}

function field(value: Field): Buffer {
  return value === null ? int4(-1) : Buffer.concat([int4(value.length), value])
}
