import { compress, decompress } from '@mongodb-js/zstd'
import { bufferOf } from '../../base/buffer-of.js'
import { AuditError } from '../../base/errors.js'
import type { ChainedEntry } from '../../chain/entry.js'
import { FormatError } from '../../chain/format-error.js'
import { type DecodedObject, MAX_OBJECT_BYTES, type MirrorCodec } from '../../ports/mirror.js'
import { frameProblem } from './frame.js'
import { AUDIT_PREFIX, domainPrefix, type ObjectPlace, objectKey, parseKey } from './key.js'
import { readObject, writeObject } from './object-json.js'

const utf8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true })

/**
 * The object of a row as it is uploaded: the same entry always gives the same bytes. Rejects with `entry_malformed` for
 * a row that the format cannot hold. Does not judge its hashes: the archiver does, before.
 */
export async function encodeObject(entry: ChainedEntry): Promise<Uint8Array> {
  // Level 3 of zstd 1.5.2 for good: this package's index.js takes no level, and a test pins the bytes.
  const frame = await compress(Buffer.from(jsonOf(entry), 'utf8'))
  const problem = frameProblem(frame)
  // An object that no reader takes would stand in a create-only store for ever.
  if (problem !== undefined) throw new AuditError('internal', `own mirror object: ${problem}`)
  return frame
}

/**
 * Reads the object found at a key that names `place`, trusting none of it (format.md, "Mirror object"). Never rejects:
 * what is wrong with the bytes is the result.
 */
export async function decodeObject(bytes: Uint8Array, place: ObjectPlace): Promise<DecodedObject> {
  const content = await decompressed(bytes)
  if (typeof content === 'string') return { problem: content }
  const json = textOf(content)
  return json === undefined ? { problem: 'not well-formed UTF-8' } : readObject(json, place)
}

/** Whether two objects hold the same decompressed bytes. Never rejects: what does not decompress is the same as nothing. */
export async function sameContent(a: Uint8Array, b: Uint8Array): Promise<boolean> {
  if (Buffer.compare(a, b) === 0) return true
  const [left, right] = await Promise.all([decompressed(a), decompressed(b)])
  return typeof left !== 'string' && typeof right !== 'string' && left.equals(right)
}

function jsonOf(entry: ChainedEntry): string {
  try {
    return writeObject(entry)
  } catch (error) {
    if (!(error instanceof FormatError)) throw error
    throw new AuditError('entry_malformed', `row ${entry.seq} of ${entry.domainId}: ${error.message}`)
  }
}

/** The content of a frame, or what is wrong with it. decompress has no bound of its own: the walk comes first. */
async function decompressed(bytes: Uint8Array): Promise<Buffer | string> {
  // A directory hands out no bytes of what is no regular file, and whoever reads this must know to look.
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

/** The format of the mirror as features are given it. */
export const mirrorCodec: MirrorCodec = {
  encode: encodeObject,
  decode: decodeObject,
  same: sameContent,
  key: objectKey,
  parseKey,
  prefix: (domainId) => (domainId === undefined ? AUDIT_PREFIX : domainPrefix(domainId)),
}
