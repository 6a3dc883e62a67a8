import { constants } from 'node:fs'
import { type FileHandle, open } from 'node:fs/promises'
import type { Advice } from '../advice.js'
import { AuditError, errnoOf } from '../errors.js'

/** The length of a key in bytes. */
export const KEY_BYTES = 32

/** Which key a file holds, as the code of the error for a key file that cannot be used. */
export type KeyFileCode = 'pepper_unavailable' | 'log_key_unavailable'

/**
 * Returns the 32 raw bytes of a key file that only its owner can read. A symbolic link is followed. The open file is
 * checked, so that there is no race. Rejects with `code`; the message has the path and the rule, never bytes.
 */
export async function readKeyFile(path: string, code: KeyFileCode): Promise<Buffer> {
  const file = await openKey(path, code)
  try {
    await refuseUnsafe(file, path, code)
    return await readKey(file, path, code)
  } finally {
    await file.close()
  }
}

async function openKey(path: string, code: KeyFileCode): Promise<FileHandle> {
  try {
    // Without O_NONBLOCK, opening a FIFO that has no writer would hang.
    return await open(path, constants.O_RDONLY | constants.O_NONBLOCK)
  } catch (error) {
    throw unavailable(path, code, `cannot be opened (${errnoOf(error)})`)
  }
}

async function refuseUnsafe(file: FileHandle, path: string, code: KeyFileCode): Promise<void> {
  const status = await file.stat()
  if (!status.isFile()) throw unavailable(path, code, 'is not a regular file')
  if ((status.mode & 0o077) !== 0) {
    const mode = (status.mode & 0o777).toString(8).padStart(4, '0')
    const problem = `can be read or written by others: expected mode 0600, got ${mode}`
    throw unavailable(path, code, problem, { code: 'make_private', path })
  }
}

async function readKey(file: FileHandle, path: string, code: KeyFileCode): Promise<Buffer> {
  // Read one byte more than a key has, to check that the file ends after the key.
  const buffer = Buffer.alloc(KEY_BYTES + 1)
  const { bytesRead } = await file.read(buffer, 0, buffer.length, 0).catch((error: unknown) => {
    throw unavailable(path, code, `cannot be read (${errnoOf(error)})`)
  })
  if (bytesRead === KEY_BYTES) return buffer.subarray(0, KEY_BYTES)
  buffer.fill(0)
  const got = bytesRead > KEY_BYTES ? 'more' : bytesRead
  throw unavailable(path, code, `expected exactly ${KEY_BYTES} raw bytes, got ${got}`)
}

export function unavailable(path: string, code: KeyFileCode, problem: string, advice?: Advice): AuditError {
  return new AuditError(code, `key file ${path}: ${problem}`, { advice })
}
