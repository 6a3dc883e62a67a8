import { access } from 'node:fs/promises'
import { join } from 'node:path'
import { AuditError } from '../base/errors.js'
import { mintKeyFile } from '../base/files/mint-key-file.js'

export interface KeyFileOptions {
  readonly hasRows: () => Promise<boolean>
  /** Whether a home without rows may get a new key file. */
  readonly mint: boolean
}

/**
 * Returns the path of a home's key file. Creates the file only where there is neither a key nor a row: a new key beside
 * old rows would give every person a second pseudonym. Rejects with `pepper_unavailable`.
 */
export async function keyFileOfHome(home: string, { hasRows, mint }: KeyFileOptions): Promise<string> {
  const path = join(home, 'pepper.key')
  if (await exists(path)) return path
  // Another process may have created the key and the first rows since the check above, so check for the key again.
  if ((await hasRows()) && !(await exists(path))) {
    throw new AuditError(
      'pepper_unavailable',
      `${path} does not exist, and the rows of this home were made with it`,
      {
        advice: { code: 'restore_key_file' },
      },
    )
  }
  if (!mint) {
    throw new AuditError('pepper_unavailable', `${path} does not exist, and only the first append makes it`, {
      advice: { code: 'give_first_pepper' },
    })
  }
  await mintKeyFile(path, 'pepper_unavailable')
  return path
}

async function exists(path: string): Promise<boolean> {
  return access(path).then(
    () => true,
    () => false,
  )
}
