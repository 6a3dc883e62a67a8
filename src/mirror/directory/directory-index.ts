import { stat } from 'node:fs/promises'
import { errnoOf } from '../../base/errors.js'
import { isDraft } from './directory-file.js'
import { type FolderEntry, isAbsent, readFolder, utf8 } from './folder-entries.js'

/** Entries in one read. For most folders one entry is enough. */
const BATCH = 32

/** See MirrorIndex.folders. */
export async function foldersIn(path: string, signal: AbortSignal): Promise<string[]> {
  const found: string[] = []
  for (const { name, isFolder, isLink } of await entriesOf(path)) {
    signal.throwIfAborted()
    const at = `${path}/${name}`
    // A listing follows a link in place of a chain's folder, so leaving the link out here would hide the chain.
    if ((isFolder || (isLink && (await leadsToFolder(at)))) && (await holdsSomething(at)))
      found.push(utf8(name))
  }
  return found.sort()
}

async function entriesOf(path: string): Promise<FolderEntry[]> {
  let entries: FolderEntry[] = []
  await readFolder(path, BATCH, () => {
    entries = []
    return (entry) => entries.push(entry) > 0
  })
  return entries
}

/**
 * Returns whether a folder holds anything but a draft: an archiver that died may leave a folder that is empty or holds only
 * a draft, and a bucket has no such folders. Returns true for a folder that cannot be read, so that only the listing of
 * that folder fails.
 */
async function holdsSomething(path: string): Promise<boolean> {
  let holds = false
  try {
    await readFolder(path, BATCH, () => ({ name, isFolder }) => {
      holds ||= isFolder || !isDraft(name)
      return !holds
    })
  } catch {
    return true
  }
  return holds
}

/** Returns false for a link that leads nowhere, or in a circle. Returns true for a link that may not be followed. */
async function leadsToFolder(path: string): Promise<boolean> {
  try {
    return (await stat(Buffer.from(path, 'latin1'))).isDirectory()
  } catch (error) {
    return !isAbsent(error) && errnoOf(error) !== 'ELOOP'
  }
}
