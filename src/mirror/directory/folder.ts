import { closeSync, fsync, openSync } from 'node:fs'
import { mkdir } from 'node:fs/promises'
import { dirname } from 'node:path'
import { promisify } from 'node:util'

const syncFile = promisify(fsync)

/**
 * One folder at or below `root` that objects are put into. Calls of `sync` that come while one runs share the next one,
 * for each is a journal commit of the file system.
 */
export class Folder {
  #made: Promise<void> | undefined
  #running: Promise<void> = Promise.resolve()
  #next: Promise<void> | undefined

  constructor(
    readonly path: string,
    readonly root: string,
  ) {}

  /** Makes the folder if it is not there, and its name and its parents' durable; looks only once. */
  async make(): Promise<void> {
    this.#made ??= makeFolder(this.path, this.root)
    try {
      await this.#made
    } catch (error) {
      this.#made = undefined
      throw error
    }
  }

  /** Makes the next call of `make` look again. */
  forget(): void {
    this.#made = undefined
  }

  /** Resolves when every name that was in the folder at the call is durable. */
  async sync(): Promise<void> {
    this.#next ??= this.#syncAfter(this.#running)
    await this.#next
  }

  async #syncAfter(before: Promise<void>): Promise<void> {
    await before.catch(() => undefined)
    this.#running = this.#next ?? Promise.resolve()
    this.#next = undefined
    await syncFolder(this.path)
  }
}

async function makeFolder(path: string, root: string): Promise<void> {
  const first = await mkdir(path, { recursive: true, mode: 0o700 })
  // Also where it was there: whoever made it may have died before its name was durable.
  const top = first === undefined || first.length > root.length ? root : dirname(first)
  for (let at = path; at.length > top.length; at = dirname(at)) await syncFolder(dirname(at))
}

async function syncFolder(path: string): Promise<void> {
  // Of a folder that is in use neither of the two asks the disk.
  const folder = openSync(path, 'r')
  try {
    await syncFile(folder)
  } finally {
    closeSync(folder)
  }
}
