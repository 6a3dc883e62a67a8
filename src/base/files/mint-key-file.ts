import { randomBytes } from 'node:crypto'
import { mkdir } from 'node:fs/promises'
import { dirname } from 'node:path'
import { errnoOf } from '../errors.js'
import { createFile } from './create-file.js'
import { KEY_BYTES, type KeyFileCode, unavailable } from './read-key-file.js'

/**
 * Creates a key file of 32 random bytes with mode 0600, and its directory. Returns true if this call created the file,
 * false if there was one; an existing file is never changed. Rejects with `code`.
 */
export async function mintKeyFile(path: string, code: KeyFileCode): Promise<boolean> {
  const key = randomBytes(KEY_BYTES)
  try {
    await mkdir(dirname(path), { recursive: true, mode: 0o700 })
    return await createFile(path, key, 0o600)
  } catch (error) {
    throw unavailable(path, code, `cannot be made (${errnoOf(error)})`)
  } finally {
    key.fill(0)
  }
}
