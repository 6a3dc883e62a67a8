import type { FileHandle } from 'node:fs/promises'
import { AuditError, errnoOf } from '../base/errors.js'
import { damaged } from './bundle-format.js'
import { BLOCK, type MemberHead, paddingOf, readHeader, TAR_END } from './ustar.js'

export interface ReadMember extends MemberHead {
  readonly content: Buffer
}

/**
 * Yields the members of a bundle in order, each read as a whole; {@link readHeader} limits the size. Reads the file once,
 * from the beginning. Rejects with `bundle_malformed` where the file is cut or has data after its end, and with
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

/** Expects a second block of zeros, and the end of the file. */
async function assertEnd(file: FileHandle): Promise<void> {
  const block = await readExactly(file, TAR_END.length - BLOCK)
  if (!block.every((byte) => byte === 0)) throw damaged('it does not end with two blocks of zeros')
  if ((await readUpTo(file, Buffer.alloc(1))) > 0) throw damaged('something follows its end')
}

async function readExactly(file: FileHandle, length: number): Promise<Buffer> {
  const bytes = Buffer.allocUnsafe(length)
  const read = await readUpTo(file, bytes)
  if (read < length) throw damaged('it is cut short')
  return bytes
}

/** Fills the buffer up to the end of the file. Reads at the current position, so that a pipe works too. */
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

export function unreadable(error: unknown, bundle = 'the bundle'): AuditError {
  return new AuditError('file_unreadable', `${bundle} cannot be read (${errnoOf(error)})`, { cause: error })
}
