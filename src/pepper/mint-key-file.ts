import { randomBytes } from 'node:crypto'
import { link, mkdir, open, unlink } from 'node:fs/promises'
import { basename, dirname, join } from 'node:path'
import { errnoOf } from '../base/errors.js'
import { KEY_BYTES, unavailable } from './read-key-file.js'

/**
 * Creates a key file of 32 random bytes with mode 0600, and its directory. Returns true if this call created the file,
 * false if there was one; an existing file is never changed. Of concurrent calls exactly one creates it: link(2) either
 * puts a complete, synced file in place or fails. Rejects with `pepper_unavailable`.
 */
export async function mintKeyFile(path: string): Promise<boolean> {
  const directory = dirname(path)
  const draft = join(directory, `.${basename(path)}.${randomBytes(8).toString('hex')}.tmp`)
  try {
    await mkdir(directory, { recursive: true, mode: 0o700 })
    await writeDraft(draft)
    // If the process dies before the next line, a draft remains from which no pepper was ever derived.
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

/** Syncs the directory. If a power cut lost the key file's name, rows hashed with its key would look like rows of a wrong pepper. */
async function syncDirectory(directory: string): Promise<void> {
  const handle = await open(directory, 'r')
  try {
    await handle.sync()
  } finally {
    await handle.close()
  }
}
