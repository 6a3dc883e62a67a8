import { closeSync, constants, openSync } from 'node:fs'
import { mkdir } from 'node:fs/promises'
import { dirname } from 'node:path'
import { assertFolder } from './folder-entries.js'
import { type NameCalls, nameCallsOf } from './name-calls.js'

/**
 * One folder at or below `root` that objects are created in. Each sync is a journal commit of the file system, so calls of
 * `sync` that come while one runs share the next one.
 */
export class Folder {
  #made: Promise<NameCalls> | undefined
  #running: Promise<void> = Promise.resolve()
  #next: Promise<void> | undefined

  constructor(
    readonly path: string,
    readonly root: string,
    /** Returns the calls that create files in a folder. */
    readonly callsOf: (path: string) => Promise<NameCalls> = nameCallsOf,
  ) {}

  /**
   * Creates the folder where it is missing, and makes its name and its parents' names durable; does so only once. Resolves
   * with the calls that create files in it.
   */
  async make(): Promise<NameCalls> {
    this.#made ??= makeFolder(this.path, this.root, this.callsOf)
    try {
      return await this.#made
    } catch (error) {
      this.#made = undefined
      throw error
    }
  }

  /** Makes the next call of `make` check the folder again. */
  forget(): void {
    this.#made = undefined
  }

  /** Resolves once every name that was in the folder at the call is durable. */
  async sync(): Promise<void> {
    this.#next ??= this.#syncAfter(this.#running)
    await this.#next
  }

  async #syncAfter(before: Promise<void>): Promise<void> {
    await before.catch(() => undefined)
    this.#running = this.#next ?? Promise.resolve()
    this.#next = undefined
    const calls = await (this.#made ?? this.callsOf(this.path))
    await syncFolder(this.path, calls)
  }
}

async function makeFolder(path: string, root: string, callsOf: Folder['callsOf']): Promise<NameCalls> {
  // The root is never created here: a root that is missing is mistyped, or not mounted.
  await assertFolder(root)
  const first = await mkdir(path, { recursive: true, mode: 0o700 })
  const calls = await callsOf(path)
  // Sync also where the folder existed: the process that created it may have died before its name was durable.
  const top = first === undefined || first.length > root.length ? root : dirname(first)
  for (let at = path; at.length > top.length; at = dirname(at)) await syncFolder(dirname(at), calls)
  return calls
}

async function syncFolder(path: string, { sync }: NameCalls): Promise<void> {
  // On a folder that is in use, open and close need no disk.
  const folder = openSync(path, constants.O_RDONLY | constants.O_DIRECTORY)
  try {
    await sync(folder)
  } finally {
    closeSync(folder)
  }
}
