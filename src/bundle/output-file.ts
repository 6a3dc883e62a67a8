import { randomBytes } from 'node:crypto'
import { type FileHandle, link, lstat, open, rename, unlink } from 'node:fs/promises'
import { basename, dirname, join } from 'node:path'
import type { PlainAdvice } from '../base/advice.js'
import { AuditError, errnoOf } from '../base/errors.js'

/** A file that gets its name only once it is complete. */
export class OutputFile {
  readonly #path: string
  readonly #draft: string
  readonly #replace: boolean
  readonly #advice: PlainAdvice

  /** `replace` is whether an existing file with the name may be replaced; `advice`, what to do where it may not. */
  constructor(path: string, replace: boolean, advice: PlainAdvice = 'choose_other_output') {
    this.#path = path
    this.#replace = replace
    this.#advice = advice
    this.#draft = join(dirname(path), `.audit-export-${randomBytes(8).toString('hex')}.tmp`)
  }

  /** Rejects with `output_exists` where the file exists. Call it before any work is done. */
  async assertFree(): Promise<void> {
    const there = await lstat(this.#path).catch(() => undefined)
    if (there?.isDirectory()) throw new AuditError('usage', `${this.#path} is a directory`)
    if (there !== undefined && !this.#replace) throw this.#exists()
  }

  /** Opens a file without a name in the same folder. It disappears with the process, however the process ends. */
  async scratch(): Promise<FileHandle> {
    const path = `${this.#draft}.rows`
    return this.guarded(async () => {
      const file = await open(path, 'wx+', 0o600)
      await unlink(path)
      return file
    })
  }

  /**
   * Fills a draft with `write`, then gives it its name, durably. Dying anywhere in here keeps the file that had the name
   * before, and leaves at most a draft, `.audit-export-*.tmp`.
   */
  async write(write: (file: FileHandle) => Promise<void>): Promise<void> {
    try {
      await this.guarded(async () => {
        const file = await open(this.#draft, 'wx', 0o600)
        try {
          await write(file)
          await file.sync()
        } finally {
          await file.close()
        }
        // Dying before this line leaves a draft. Dying after it leaves the complete file.
        await this.#name()
        await syncFolder(dirname(this.#path))
      })
    } finally {
      await unlink(this.#draft).catch(() => undefined)
    }
  }

  /** Names the draft. link(2) never replaces a file that was created meanwhile, but FAT and some shares have no links. */
  async #name(): Promise<void> {
    if (!this.#replace) {
      const isLinked = await isSupported(link(this.#draft, this.#path))
      if (isLinked) return
      await this.assertFree()
    }
    await rename(this.#draft, this.#path)
  }

  /** Runs a call that writes to the file or the scratch file. Rejects with `output_failed` where the file system refuses it. */
  async guarded<T>(call: () => Promise<T>): Promise<T> {
    try {
      return await call()
    } catch (error) {
      if (!(error instanceof Error && 'code' in error) || error instanceof AuditError) throw error
      if (error.code === 'EEXIST') throw this.#exists()
      throw new AuditError(
        'output_failed',
        `cannot write ${this.#path}: ${error.code === 'ENOENT' ? 'its folder does not exist' : String(error.code)}`,
        {
          cause: error,
        },
      )
    }
  }

  #exists(): AuditError {
    return new AuditError('output_exists', `${basename(this.#path)} already exists`, {
      advice: { code: this.#advice },
    })
  }
}

/** The errors of a file system for a call that it does not support. */
const NO_SUCH_CALL: ReadonlySet<string> = new Set(['EPERM', 'ENOTSUP', 'EOPNOTSUPP', 'ENOSYS', 'EINVAL'])

/** Resolves to false where the file system does not support the call. */
async function isSupported(call: Promise<void>): Promise<boolean> {
  try {
    await call
    return true
  } catch (error) {
    if (NO_SUCH_CALL.has(errnoOf(error))) return false
    throw error
  }
}

async function syncFolder(path: string): Promise<void> {
  const folder = await open(path, 'r')
  try {
    await isSupported(folder.sync())
  } finally {
    await folder.close()
  }
}
