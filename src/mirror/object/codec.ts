import { compress, decompress } from '@mongodb-js/zstd'
import { bufferOf } from '../../base/buffer-of.js'
import { AuditError } from '../../base/errors.js'
import type { ChainedEntry } from '../../chain/entry.js'
import { FormatError } from '../../chain/format-error.js'
import { type DecodedObject, MAX_OBJECT_BYTES, type MirrorCodec, type RowId } from '../../ports/mirror.js'
import { frameProblem } from './frame.js'
import { AUDIT_PREFIX, domainPrefix, hasRowForm, objectKey, parseKey } from './key.js'
import { readObject, writeObject } from './object-json.js'

const utf8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true })

/**
 * Encodes a row as the object to upload: the same entry always gives the same bytes. Rejects with `entry_malformed` for a
 * row that the format cannot hold. Does not check the hashes: the archiver has done that.
 */
export async function encodeObject(entry: ChainedEntry, canonical?: Uint8Array): Promise<Uint8Array> {
  // Always level 3 of zstd 1.5.2: this package's index.js takes no level, and a test pins the bytes.
  const frame = await compress(Buffer.from(jsonOf(entry, canonical), 'utf8'))
  const problem = frameProblem(frame)
  // In a create-only store, an object that no reader accepts could never be replaced.
  if (problem !== undefined) throw new AuditError('internal', `own mirror object: ${problem}`)
  return frame
}

/** Decodes the hostile object under the key of `row` (docs/mirror.md). Never rejects: a problem with the bytes is the result. */
export async function decodeObject(bytes: Uint8Array, row: RowId): Promise<DecodedObject> {
  const content = await decompressed(bytes)
  if (typeof content === 'string') return { problem: content }
  const json = textOf(content)
  return json === undefined ? { problem: 'not well-formed UTF-8' } : readObject(json, row)
}

/** Returns whether two objects hold the same decompressed bytes. Never rejects: bytes that do not decompress equal nothing. */
export async function sameContent(a: Uint8Array, b: Uint8Array): Promise<boolean> {
  if (Buffer.compare(a, b) === 0) return true
  const [left, right] = await Promise.all([decompressed(a), decompressed(b)])
  return typeof left !== 'string' && typeof right !== 'string' && left.equals(right)
}

function jsonOf(entry: ChainedEntry, canonical?: Uint8Array): string {
  try {
    return writeObject(entry, canonical)
  } catch (error) {
    if (!(error instanceof FormatError)) throw error
    throw new AuditError('entry_malformed', `row ${entry.seq} of ${entry.domainId}: ${error.message}`)
  }
}

/** Returns the content of a frame, or its problem. `decompress` has no limit of its own, so the frame is checked first. */
async function decompressed(bytes: Uint8Array): Promise<Buffer | string> {
  // A directory mirror returns no bytes for anything but a regular file, so the message names that case too.
  if (bytes.length === 0) return 'no bytes: it is empty, or no regular file (a link, a FIFO, a device)'
  if (bytes.length > MAX_OBJECT_BYTES) return 'larger than 1 MiB'
  const problem = frameProblem(bytes)
  if (problem !== undefined) return problem
  try {
    return await decompress(bufferOf(bytes))
  } catch {
    return 'zstd: does not decompress'
  }
}

function textOf(content: Uint8Array): string | undefined {
  try {
    return utf8.decode(content)
  } catch {
    return undefined
  }
}

/** The format of mirror objects, for the features. */
export const mirrorCodec: MirrorCodec = {
  encode: encodeObject,
  decode: decodeObject,
  same: sameContent,
  key: objectKey,
  parseKey,
  hasRowForm,
  prefix: (domainId) => (domainId === undefined ? AUDIT_PREFIX : domainPrefix(domainId)),
}
