import { randomBytes } from 'node:crypto'
import { link, open, unlink } from 'node:fs/promises'
import { basename, dirname, join } from 'node:path'
import { errnoOf } from '../errors.js'

/**
 * Creates a file durably. Returns true if this call created the file, false if there was one; an existing file is never
 * changed. Exactly one of several concurrent calls creates it: link(2) either puts a complete, synced file in place or fails.
 * Rejects with the error of the system.
 */
export async function createFile(path: string, content: Uint8Array, mode: number): Promise<boolean> {
  const directory = dirname(path)
  const draft = join(directory, `.${basename(path)}.${randomBytes(8).toString('hex')}.tmp`)
  try {
    await writeDraft(draft, content, mode)
    // If the process dies before the next line, a draft remains that nothing reads.
    const isCreated = await linkOnce(draft, path)
    await syncDirectory(directory)
    return isCreated
  } finally {
    await unlink(draft).catch(() => undefined)
  }
}

async function writeDraft(draft: string, content: Uint8Array, mode: number): Promise<void> {
  const file = await open(draft, 'wx', mode)
  try {
    // The umask may have cleared bits of the mode.
    await file.chmod(mode)
    await file.writeFile(content)
    await file.sync()
  } finally {
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

/** Syncs a directory. Otherwise a power cut could lose a name in it after others have relied on the content. */
export async function syncDirectory(directory: string): Promise<void> {
  const handle = await open(directory, 'r')
  try {
    await handle.sync()
  } finally {
    await handle.close()
  }
}
