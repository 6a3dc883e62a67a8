import { constants } from 'node:fs'
import { type FileHandle, open } from 'node:fs/promises'
import type { Advice } from '../base/advice.js'
import { AuditError, errnoOf } from '../base/errors.js'

/** The length of a key in bytes. */
export const KEY_BYTES = 32

/**
 * Returns the 32 raw bytes of a key file that only its owner can read. A symbolic link is followed. The open file is
 * checked, so that there is no race. Rejects with `pepper_unavailable`; the message has the path and the rule, never bytes.
 */
export async function readKeyFile(path: string): Promise<Buffer> {
  const file = await openKey(path)
  try {
    await refuseUnsafe(file, path)
    return await readKey(file, path)
  } finally {
    await file.close()
  }
}

async function openKey(path: string): Promise<FileHandle> {
  try {
    // Without O_NONBLOCK, opening a FIFO that has no writer would hang.
    return await open(path, constants.O_RDONLY | constants.O_NONBLOCK)
  } catch (error) {
    throw unavailable(path, `cannot be opened (${errnoOf(error)})`)
  }
}

async function refuseUnsafe(file: FileHandle, path: string): Promise<void> {
  const status = await file.stat()
  if (!status.isFile()) throw unavailable(path, 'is not a regular file')
  if ((status.mode & 0o077) !== 0) {
    const mode = (status.mode & 0o777).toString(8).padStart(4, '0')
    throw unavailable(path, `can be read or written by others: expected mode 0600, got ${mode}`, {
      code: 'make_private',
      path,
    })
  }
}

async function readKey(file: FileHandle, path: string): Promise<Buffer> {
  // Read one byte more than a key has, to check that the file ends after the key.
  const buffer = Buffer.alloc(KEY_BYTES + 1)
  const { bytesRead } = await file.read(buffer, 0, buffer.length, 0).catch((error: unknown) => {
    throw unavailable(path, `cannot be read (${errnoOf(error)})`)
  })
  if (bytesRead === KEY_BYTES) return buffer.subarray(0, KEY_BYTES)
  buffer.fill(0)
  throw unavailable(
    path,
    `expected exactly ${KEY_BYTES} raw bytes, got ${bytesRead > KEY_BYTES ? 'more' : bytesRead}`,
  )
}

export function unavailable(path: string, problem: string, advice?: Advice): AuditError {
  return new AuditError('pepper_unavailable', `key file ${path}: ${problem}`, { advice })
}
