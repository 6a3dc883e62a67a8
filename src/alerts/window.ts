import { mkdir, open, stat, unlink } from 'node:fs/promises'
import { join } from 'node:path'

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
    return this.folder === undefined || this.#claimFile(this.folder, key, now)
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
      await (await open(fileOf(folder, key, minute), 'wx', 0o600)).close()
      const before = await stat(fileOf(folder, key, minute - 1)).catch(() => undefined)
      await unlink(fileOf(folder, key, minute - 2)).catch(() => undefined)
      return before === undefined || now - before.mtimeMs >= WINDOW
    } catch (error) {
      return !(error instanceof Error && 'code' in error && error.code === 'EEXIST')
    }
  }
}

function minuteOf(time: number): number {
  return Math.floor(time / WINDOW)
}

function fileOf(folder: string, key: string, minute: number): string {
  return join(folder, `${key}.${minute}`)
}
