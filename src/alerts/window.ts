import { mkdir, open, stat, unlink } from 'node:fs/promises'
import { join } from 'node:path'
import { errnoOf } from '../base/errors.js'

const WINDOW = 60_000

/**
 * Which alerts were told within the last minute: by this process, and by others of this machine through files in one
 * folder. Not through the database: whoever may write there could keep every alert from being sent. Where the folder
 * cannot be used an alert is sent rather than not.
 */
export class Window {
  readonly #told = new Map<string, number>()

  /** `folder` is made when it is needed; undefined: this process alone. */
  constructor(
    readonly folder: string | undefined,
    readonly now: () => number = Date.now,
  ) {}

  /** Whether nobody has told this one within a minute; if so, this call does. */
  async claim(key: string): Promise<boolean> {
    const now = this.now()
    const told = this.#told.get(key)
    if (told !== undefined && now - told < WINDOW) return false
    this.#told.set(key, now)
    if (this.folder === undefined || (await this.#claimFile(this.folder, key, now))) return true
    this.#told.delete(key)
    return false
  }

  /** For one that could not be delivered: the next run tells it. */
  async release(key: string): Promise<void> {
    const told = this.#told.get(key)
    this.#told.delete(key)
    if (this.folder === undefined || told === undefined) return
    await unlink(fileOf(this.folder, key, minuteOf(told))).catch(() => undefined)
  }

  /** A file a minute: making it is what only one process can do. */
  async #claimFile(folder: string, key: string, now: number): Promise<boolean> {
    const minute = minuteOf(now)
    try {
      await mkdir(folder, { recursive: true, mode: 0o700 })
      await this.#make(fileOf(folder, key, minute), now)
      const before = await stat(fileOf(folder, key, minute - 1)).catch(() => undefined)
      await unlink(fileOf(folder, key, minute - 2)).catch(() => undefined)
      if (before === undefined || now - before.mtimeMs >= WINDOW) return true
      // What was not told must not count as told, or a run every 50 seconds would keep the next from telling.
      await unlink(fileOf(folder, key, minute)).catch(() => undefined)
      return false
    } catch (error) {
      return errnoOf(error) !== 'EEXIST'
    }
  }

  async #make(path: string, now: number): Promise<void> {
    const file = await open(path, 'wx', 0o600)
    try {
      await file.utimes(now / 1000, now / 1000)
    } finally {
      await file.close()
    }
  }
}

function minuteOf(time: number): number {
  return Math.floor(time / WINDOW)
}

function fileOf(folder: string, key: string, minute: number): string {
  return join(folder, `${key}.${minute}`)
}
