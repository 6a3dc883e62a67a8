import type { FileHandle } from 'node:fs/promises'
import { AuditError, errnoOf } from '../base/errors.js'
import { damaged } from './bundle-format.js'
import { BLOCK, type MemberHead, paddingOf, readHeader, TAR_END } from './ustar.js'

export interface ReadMember extends MemberHead {
  readonly content: Buffer
}

/**
 * The members of a bundle in their order, each read whole, for {@link readHeader} bounds it. The file is read once, from
 * its beginning. Rejects with `bundle_malformed` for a file that is cut, or has something after its end, and with
 * `file_unreadable`.
 */
export async function* readMembers(file: FileHandle): AsyncGenerator<ReadMember> {
  for (;;) {
    const block = await readExactly(file, BLOCK)
    const head = readHeader(block)
    if (head === undefined) {
      await assertEnd(file)
      return
    }
    const padding = paddingOf(head.size)
    const bytes = await readExactly(file, head.size + padding)
    if (bytes.subarray(head.size).some((byte) => byte !== 0))
      throw damaged('a member is not padded with zeros')
    yield { ...head, content: bytes.subarray(0, head.size) }
  }
}

/** A second block of zeros, and the end of the file. */
async function assertEnd(file: FileHandle): Promise<void> {
  const block = await readExactly(file, TAR_END.length - BLOCK)
  if (!block.every((byte) => byte === 0)) throw damaged('its end is not two blocks of zeros')
  if ((await readUpTo(file, Buffer.alloc(1))) > 0) throw damaged('something follows its end')
}

async function readExactly(file: FileHandle, length: number): Promise<Buffer> {
  const bytes = Buffer.allocUnsafe(length)
  const read = await readUpTo(file, bytes)
  if (read < length) throw damaged('it is cut short')
  return bytes
}

/** Fills the buffer as far as the file goes. By its own position, so that a pipe can be read too. */
async function readUpTo(file: FileHandle, bytes: Buffer): Promise<number> {
  let length = 0
  try {
    while (length < bytes.length) {
      const { bytesRead } = await file.read(bytes, length, bytes.length - length, null)
      if (bytesRead === 0) break
      length += bytesRead
    }
  } catch (error) {
    throw unreadable(error)
  }
  return length
}

export function unreadable(error: unknown): AuditError {
  return new AuditError('file_unreadable', `the bundle cannot be read (${errnoOf(error)})`, { cause: error })
}
