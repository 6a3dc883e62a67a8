import type { Dirent } from 'node:fs'
import { access, lstat, opendir } from 'node:fs/promises'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import type { MirrorIndex } from '../ports.js'
import { directoryError, errnoOf } from './directory-error.js'
import { isDraft } from './directory-file.js'

const ABSENT: ReadonlySet<string> = new Set(['ENOENT', 'ENOTDIR'])

/** See MirrorIndex. `root` is an absolute path. */
export function fileIndex(root: string): MirrorIndex {
  const url = pathToFileURL(root).href
  return {
    folders: async (prefix, signal) => {
      signal.throwIfAborted()
      try {
        // A directory that is not there, or not mounted, is out of reach.
        await access(root)
        return await foldersIn(join(root, prefix), signal)
      } catch (error) {
        throw directoryError(url, 'cannot be listed', error, signal)
      }
    },
    storedAt: async (key, signal) => {
      signal.throwIfAborted()
      try {
        return Math.floor((await lstat(join(root, key))).mtimeMs)
      } catch (error) {
        if (ABSENT.has(errnoOf(error))) return undefined
        throw directoryError(url, `${key} cannot be read`, error, signal)
      }
    },
  }
}

async function foldersIn(path: string, signal: AbortSignal): Promise<string[]> {
  const names = await folderNames(path)
  const found: string[] = []
  for (const name of names) {
    signal.throwIfAborted()
    if (await holdsSomething(join(path, name))) found.push(name)
  }
  return found.sort()
}

/** None where there is no such folder: nothing was put into it yet, or it went meanwhile. */
async function folderNames(path: string): Promise<string[]> {
  const names: string[] = []
  for await (const entry of entriesOf(path)) if (entry.isDirectory()) names.push(entry.name)
  return names
}

/** An archiver that died may leave a folder with nothing, or with a draft in it; a bucket has no such folders. */
async function holdsSomething(path: string): Promise<boolean> {
  for await (const entry of entriesOf(path)) {
    if (!entry.isDirectory() && !isDraft(entry.name)) return true
    if (entry.isDirectory() && (await holdsSomething(join(path, entry.name)))) return true
  }
  return false
}

async function* entriesOf(path: string): AsyncGenerator<Dirent> {
  try {
    yield* await opendir(path)
  } catch (error) {
    if (!ABSENT.has(errnoOf(error))) throw error
  }
}
