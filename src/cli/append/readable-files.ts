import { access, constants } from 'node:fs/promises'
import { AuditError, errnoOf } from '../../base/errors.js'

/**
 * Rejects with `file_unreadable` where a run cannot append anything, before it creates or opens a database: the first file
 * cannot be read or, in a tolerant run, none can.
 */
export async function assertReadable(paths: readonly string[], isTolerant: boolean): Promise<void> {
  const problems = await Promise.all((isTolerant ? paths : paths.slice(0, 1)).map(problemOf))
  const [first] = problems
  if (first !== undefined && !problems.includes(undefined)) throw first
}

async function problemOf(path: string): Promise<AuditError | undefined> {
  try {
    await access(path, constants.R_OK)
    return undefined
  } catch (cause) {
    return new AuditError('file_unreadable', `${path}: cannot be read (${errnoOf(cause)})`, { cause })
  }
}
