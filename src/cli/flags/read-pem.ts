import { readFile } from 'node:fs/promises'
import { AuditError } from '../../base/errors.js'

/** Reads the file that a flag names. Rejects with `file_unreadable`. */
export async function readPem(flag: string, path: string): Promise<Buffer> {
  return readFile(path).catch((error: NodeJS.ErrnoException) => {
    throw new AuditError('file_unreadable', `${flag}: ${path} cannot be read (${error.code ?? error.name})`)
  })
}
