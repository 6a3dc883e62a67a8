import { randomBytes } from 'node:crypto'
import {
  access,
  constants,
  type FileHandle,
  open,
  readFile,
  realpath,
  rename,
  stat,
  unlink,
} from 'node:fs/promises'
import { dirname } from 'node:path'
import { AuditError, errnoOf } from '../../../base/errors.js'
import { safe } from '../../output/safe-text.js'
import { withLock } from './file-lock.js'

/** A small file that one run replaces at a time. */
export class RememberFile {
  constructor(readonly path: string) {}

  /**
   * Returns the text of the file; an empty text where there is no such file. Rejects with `file_unreadable`, also where the
   * folder does not exist, because the file could not be written later.
   */
  async read(): Promise<string> {
    try {
      const { isFile } = await this.#kind()
      if (!isFile) throw unreadable(this.path, 'it is no regular file')
      return await readFile(this.path, 'utf8')
    } catch (error) {
      if (error instanceof AuditError) throw error
      if (errnoOf(error) !== 'ENOENT') throw unreadable(this.path, errnoOf(error))
      await assertFolder(this.path)
      return ''
    }
  }

  /**
   * Replaces the text by what `change` makes of the text that is there now, durably: a process that dies leaves the old
   * text or the new one. Runs at the same time wait for each other. The mode is kept; a new file has 0600. Rejects with
   * `output_failed` where it cannot be written.
   */
  async update(change: (text: string) => string): Promise<void> {
    // A link keeps pointing to the file: the file is replaced, not the link.
    const path = await realpath(this.path).catch(() => this.path)
    try {
      // The lock would be tried again and again in a folder that is not writable.
      await access(dirname(path), constants.W_OK)
      await withLock(path, async () => {
        const before = await this.read()
        const after = change(before)
        if (after !== before) await replace(path, after)
      })
    } catch (error) {
      if (error instanceof AuditError) throw error
      throw unwritable(this.path, errnoOf(error))
    }
  }

  async #kind(): Promise<{ isFile: boolean }> {
    return { isFile: (await stat(this.path)).isFile() }
  }
}

async function assertFolder(path: string): Promise<void> {
  const isFolder = await stat(dirname(path)).then(
    (folder) => folder.isDirectory(),
    () => false,
  )
  if (!isFolder) throw unreadable(path, 'its folder does not exist')
}

/** Writes a draft beside the file, syncs it, gives it the name of the file, and syncs the folder. */
async function replace(path: string, text: string): Promise<void> {
  const mode = await stat(path).then(
    (old) => old.mode & 0o7777,
    () => 0o600,
  )
  const draft = `${path}.${randomBytes(6).toString('hex')}.tmp`
  try {
    await using(await open(draft, 'wx', 0o600), async (file) => {
      await file.writeFile(text)
      await file.chmod(mode)
      await file.sync()
    })
    await rename(draft, path)
    await using(await open(dirname(path), 'r'), (folder) => folder.sync())
  } finally {
    await unlink(draft).catch(() => undefined)
  }
}

async function using(file: FileHandle, work: (file: FileHandle) => Promise<void>): Promise<void> {
  try {
    await work(file)
  } finally {
    await file.close()
  }
}

function unreadable(path: string, why: string): AuditError {
  return new AuditError('file_unreadable', safe`--remember: ${path} cannot be read (${why})`)
}

function unwritable(path: string, why: string): AuditError {
  const message = safe`--remember: the verdict is valid, but its heads could not be written to ${path} (${why})`
  return new AuditError('output_failed', message, {
    hint: 'the folder of the file must be writable too; to compare without writing: --expect-heads FILE',
  })
}
