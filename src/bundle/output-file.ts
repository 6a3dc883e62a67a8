import { randomBytes } from 'node:crypto'
import { type FileHandle, link, lstat, open, rename, unlink } from 'node:fs/promises'
import { basename, dirname, join } from 'node:path'
import { AuditError, errnoOf } from '../base/errors.js'

/** A file that gets its name when it is whole, and not before. */
export class OutputFile {
  readonly #path: string
  readonly #draft: string
  readonly #replace: boolean

  /** `replace`: whether a file that has the name already may go. */
  constructor(path: string, replace: boolean) {
    this.#path = path
    this.#replace = replace
    this.#draft = join(dirname(path), `.audit-export-${randomBytes(8).toString('hex')}.tmp`)
  }

  /** Rejects with `output_exists`, before any work is done. */
  async assertFree(): Promise<void> {
    const there = await lstat(this.#path).catch(() => undefined)
    if (there?.isDirectory()) throw new AuditError('usage', `${basename(this.#path)} is a directory`)
    if (there !== undefined && !this.#replace) throw exists(this.#path)
  }

  /** A file beside it that has no name: it is gone with whoever made it, however that ends. */
  async scratch(): Promise<FileHandle> {
    const path = `${this.#draft}.rows`
    return this.guarded(async () => {
      const file = await open(path, 'wx+', 0o600)
      await unlink(path)
      return file
    })
  }

  /**
   * Lets `write` fill a draft, and gives it its name, durably. Dying anywhere leaves what had the name before, and at
   * most a draft, `.audit-export-*.tmp`.
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
        // Dying before this line leaves a draft; dying after it, a whole file.
        await this.#name()
        await syncFolder(dirname(this.#path))
      })
    } finally {
      await unlink(this.#draft).catch(() => undefined)
    }
  }

  /** link(2) never replaces a file that somebody else has put there meanwhile. FAT and some shares have no links. */
  async #name(): Promise<void> {
    if (!this.#replace) {
      const isLinked = await done(link(this.#draft, this.#path))
      if (isLinked) return
      await this.assertFree()
    }
    await rename(this.#draft, this.#path)
  }

  /** Runs what writes to either of them: what the file system refuses is `output_failed`. */
  async guarded<T>(call: () => Promise<T>): Promise<T> {
    try {
      return await call()
    } catch (error) {
      if (!(error instanceof Error && 'code' in error) || error instanceof AuditError) throw error
      if (error.code === 'EEXIST') throw exists(this.#path)
      throw new AuditError('output_failed', `cannot write ${basename(this.#path)}: ${String(error.code)}`, {
        cause: error,
      })
    }
  }
}

function exists(path: string): AuditError {
  return new AuditError('output_exists', `${basename(path)} is there already`, {
    advice: { code: 'choose_other_output' },
  })
}

/** What a file system says of a call that it does not have. */
const NO_SUCH_CALL: ReadonlySet<string> = new Set(['EPERM', 'ENOTSUP', 'EOPNOTSUPP', 'ENOSYS', 'EINVAL'])

/** False where the file system cannot do it. */
async function done(call: Promise<void>): Promise<boolean> {
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
    await done(folder.sync())
  } finally {
    await folder.close()
  }
}
