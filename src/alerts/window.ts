import { mkdir, open, stat, unlink } from 'node:fs/promises'
import { join } from 'node:path'
import { errnoOf } from '../base/errors.js'

/** Milliseconds after an alert in which the same alert is not sent again. */
const WINDOW = 60_000

/**
 * Remembers which alerts were sent within the last minute: by this process, and by other processes of this machine through
 * files in one folder. It does not use the database, because an attacker who can write there could suppress every alert.
 * If the folder cannot be used, the alert is sent.
 */
export class AlertWindow {
  readonly #sent = new Map<string, number>()

  /** `folder` is created when it is needed. Without it, only this process is remembered. */
  constructor(
    readonly folder: string | undefined,
    readonly now: () => number = Date.now,
  ) {}

  /** Claims an alert for sending. Returns false if it was claimed within the last minute. */
  async claim(key: string): Promise<boolean> {
    const now = this.now()
    const sentAt = this.#sent.get(key)
    if (sentAt !== undefined && now - sentAt < WINDOW) return false
    this.#sent.set(key, now)
    if (this.folder === undefined || (await this.#claimFile(this.folder, key, now))) return true
    this.#sent.delete(key)
    return false
  }

  /** Releases an alert that could not be delivered, so that the next run sends it. */
  async release(key: string): Promise<void> {
    const sentAt = this.#sent.get(key)
    this.#sent.delete(key)
    if (this.folder === undefined || sentAt === undefined) return
    await unlink(fileOf(this.folder, key, minuteOf(sentAt))).catch(() => undefined)
  }

  /** Creates the file of this minute, which only one process can do. */
  async #claimFile(folder: string, key: string, now: number): Promise<boolean> {
    const minute = minuteOf(now)
    try {
      await mkdir(folder, { recursive: true, mode: 0o700 })
      await this.#createFile(fileOf(folder, key, minute), now)
      const before = await stat(fileOf(folder, key, minute - 1)).catch(() => undefined)
      await unlink(fileOf(folder, key, minute - 2)).catch(() => undefined)
      if (before === undefined || now - before.mtimeMs >= WINDOW) return true
      // Remove the claim of an alert that is not sent: otherwise a run every 50 seconds would suppress the alert for ever.
      await unlink(fileOf(folder, key, minute)).catch(() => undefined)
      return false
    } catch (error) {
      return errnoOf(error) !== 'EEXIST'
    }
  }

  async #createFile(path: string, now: number): Promise<void> {
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
