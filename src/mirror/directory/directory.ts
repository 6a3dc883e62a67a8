import { hash } from 'node:crypto'
import { lstat } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { AuditError, errnoOf } from '../../base/errors.js'
import type { IndexedMirror, MirrorListed, MirrorObject } from '../../ports/mirror.js'
import { directoryError } from './directory-error.js'
import { createFile, readStored } from './directory-file.js'
import { foldersIn } from './directory-index.js'
import { isName, listKeys } from './directory-list.js'
import { Folder } from './folder.js'
import { assertFolder, isAbsent, latin1 } from './folder-entries.js'
import type { NameCalls } from './name-calls.js'

/** Bytes that an etag is computed from, at most: no object of ours is larger, and a hostile file may have no end. */
const MAX_ETAG_BYTES = 16 * 1024 * 1024

/**
 * A mirror in a directory, `file:///dir`: a key is a path below it. A directory that does not exist is mistyped or not
 * mounted: it is unreachable, and no create makes it. Files have mode 0600 and folders 0700. A listing has no sizes and
 * etags, because the files would have to be read. An etag is the quoted md5 of the bytes that were read.
 */
export class DirectoryMirror implements IndexedMirror {
  readonly url: string
  readonly #folders = new Map<string, Folder>()

  /**
   * `root` is an absolute path. `mayBeMissing`: until something creates the root, the mirror is empty. `callsOf` returns the
   * calls that create files in a folder; by default they depend on its file system.
   */
  constructor(
    readonly root: string,
    readonly mayBeMissing = false,
    readonly callsOf?: (path: string) => Promise<NameCalls>,
  ) {
    this.url = pathToFileURL(root).href
  }

  async *list(prefix: string, signal: AbortSignal, after?: string): AsyncGenerator<MirrorListed> {
    signal.throwIfAborted()
    try {
      if (!(await this.#exists())) return
      for await (const { keys, total } of listKeys(this.root, { prefix, after }, signal)) {
        for (const key of keys) {
          yield { key, total }
          signal.throwIfAborted()
        }
      }
    } catch (error) {
      throw directoryError(this.url, cannotList(prefix), error, signal)
    }
  }

  async get(key: string, maxBytes: number, signal: AbortSignal): Promise<MirrorObject | undefined> {
    signal.throwIfAborted()
    const path = this.#pathOf(key)
    if (path === undefined) return undefined
    try {
      const bytes = await readStored(path, maxBytes)
      if (bytes !== undefined) return { bytes, etag: etagOf(bytes) }
      await this.#exists()
      return undefined
    } catch (error) {
      throw directoryError(this.url, `${key} cannot be read`, error, signal)
    }
  }

  async create(
    key: string,
    bytes: Uint8Array,
    signal: AbortSignal,
    { nameLater } = { nameLater: false },
  ): Promise<{ created: boolean; etag: string }> {
    signal.throwIfAborted()
    const path = this.#pathOf(key)
    if (path === undefined) throw new AuditError('internal', 'a mirror key that is no path')
    const folder = this.#folderOf(dirname(path))
    try {
      const calls = await folder.make()
      // Dying in createFile leaves a draft at most. Dying after it leaves the object, and the next create finds it.
      const created = await createFile(path, bytes, calls)
      const etag = created ? etagOf(bytes) : await this.#existingEtag(path, calls)
      // Sync also for an existing file: the process that created it may have died before its name was durable.
      if (!nameLater) await folder.sync()
      return { created, etag }
    } catch (error) {
      if (errnoOf(error) === 'ENOENT') folder.forget()
      throw directoryError(this.url, `${key} cannot be written`, error, signal)
    }
  }

  async syncNames(folder: string, signal: AbortSignal): Promise<void> {
    signal.throwIfAborted()
    const path = this.#pathOf(folder.slice(0, -1))
    if (path === undefined) throw new AuditError('internal', 'a folder of a mirror that is no path')
    const at = this.#folderOf(path)
    try {
      await at.sync()
    } catch (error) {
      if (errnoOf(error) === 'ENOENT') at.forget()
      throw directoryError(this.url, `the names in ${folder} cannot be synced`, error, signal)
    }
  }

  async folders(prefix: string, signal: AbortSignal): Promise<string[]> {
    signal.throwIfAborted()
    try {
      if (!(await this.#exists())) return []
      return await foldersIn(latin1(join(this.root, prefix)), signal)
    } catch (error) {
      throw directoryError(this.url, cannotList(prefix), error, signal)
    }
  }

  async storedAt(key: string, signal: AbortSignal): Promise<number | undefined> {
    signal.throwIfAborted()
    try {
      return Math.floor((await lstat(join(this.root, key))).mtimeMs)
    } catch (error) {
      if (isAbsent(error)) return undefined
      throw directoryError(this.url, `${key} cannot be read`, error, signal)
    }
  }

  urlOf(folder: string): string {
    return pathToFileURL(join(this.root, folder)).href
  }

  close(): void {}

  /** Rejects where the directory is missing, unless it may be. */
  async #exists(): Promise<boolean> {
    try {
      await assertFolder(this.root)
      return true
    } catch (error) {
      if (this.mayBeMissing && isAbsent(error)) return false
      throw error
    }
  }

  async #existingEtag(path: string, { sync }: NameCalls): Promise<string> {
    const bytes = await readStored(path, MAX_ETAG_BYTES, sync)
    if (bytes === undefined) {
      throw new AuditError('mirror_unavailable', `mirror ${this.url}: a folder is in the place of an object`)
    }
    return etagOf(bytes)
  }

  #folderOf(path: string): Folder {
    const known = this.#folders.get(path) ?? new Folder(path, this.root, this.callsOf)
    this.#folders.set(path, known)
    return known
  }

  /** Returns undefined for a key that is no path below the root: one with an empty part, `.`, `..` or U+0000. */
  #pathOf(key: string): string | undefined {
    return key.split('/').every(isName) ? join(this.root, key) : undefined
  }
}

function cannotList(prefix: string): string {
  return `${prefix} cannot be listed`.trimStart()
}

function etagOf(bytes: Uint8Array): string {
  return `"${hash('md5', bytes, 'hex')}"`
}
