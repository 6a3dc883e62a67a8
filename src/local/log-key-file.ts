import { lstat } from 'node:fs/promises'
import { errnoOf } from '../base/errors.js'
import { mintKeyFile } from '../base/files/mint-key-file.js'
import { readKeyFile } from '../base/files/read-key-file.js'

/** Returns the 32 raw bytes of the key file of a log. Rejects with `log_key_unavailable`. */
export function readLogKeyFile(path: string): Promise<Uint8Array> {
  return readKeyFile(path, 'log_key_unavailable')
}

/** Creates a key file of 32 random bytes, unless there is one. Rejects with `log_key_unavailable`. */
export function mintLogKeyFile(path: string): Promise<boolean> {
  return mintKeyFile(path, 'log_key_unavailable')
}

/** Returns whether a path has a file. A file that may not be looked at counts as one: it is never created again. */
export async function hasFile(path: string): Promise<boolean> {
  try {
    await lstat(path)
    return true
  } catch (error) {
    return errnoOf(error) !== 'ENOENT'
  }
}
