import { randomBytes } from 'node:crypto'
import { link, mkdir, open, unlink } from 'node:fs/promises'
import { basename, dirname, join } from 'node:path'
import { errnoOf } from '../base/errors.js'
import { KEY_BYTES, unavailable } from './read-key-file.js'

/**
 * Makes a key file of 32 random bytes, mode 0600, its directory included. Resolves with true if this call made it, with
 * false if there was one, which is left alone whatever is in it. Of many at once exactly one makes it: link(2) either
 * puts a whole, synced file in place or fails. Rejects with `pepper_unavailable`.
 */
export async function mintKeyFile(path: string): Promise<boolean> {
  const directory = dirname(path)
  const draft = join(directory, `.${basename(path)}.${randomBytes(8).toString('hex')}.tmp`)
  try {
    await mkdir(directory, { recursive: true, mode: 0o700 })
    await writeDraft(draft)
    // Dying before the next line leaves a draft that no pepper was ever derived from.
    const minted = await linkOnce(draft, path)
    await syncDirectory(directory)
    return minted
  } catch (error) {
    throw unavailable(path, `cannot be made (${errnoOf(error)})`)
  } finally {
    await unlink(draft).catch(() => undefined)
  }
}

async function writeDraft(draft: string): Promise<void> {
  const file = await open(draft, 'wx', 0o600)
  const key = randomBytes(KEY_BYTES)
  try {
    await file.chmod(0o600)
    await file.writeFile(key)
    await file.sync()
  } finally {
    key.fill(0)
    await file.close()
  }
}

async function linkOnce(draft: string, path: string): Promise<boolean> {
  try {
    await link(draft, path)
    return true
  } catch (error) {
    if (errnoOf(error) === 'EEXIST') return false
    throw error
  }
}

/** Rows hashed with a key whose name is lost in a power cut could never be told apart from rows with a wrong pepper. */
async function syncDirectory(directory: string): Promise<void> {
  const handle = await open(directory, 'r')
  try {
    await handle.sync()
  } finally {
    await handle.close()
  }
}
