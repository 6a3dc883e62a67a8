import { createReadStream } from 'node:fs'
import { AuditError, errnoOf } from '../../base/errors.js'

/** Reads a file, or stdin for `-`, up to the first chunk beyond `limit` bytes, which its reader then refuses. Rejects with `file_unreadable`. */
export async function readUpTo(limit: number, path: string): Promise<Uint8Array> {
  const chunks: Buffer[] = []
  let size = 0
  try {
    for await (const chunk of path === '-' ? process.stdin : createReadStream(path)) {
      chunks.push(Buffer.from(chunk))
      size += chunk.length
      if (size > limit) break
    }
  } catch (error) {
    throw new AuditError('file_unreadable', `${path}: cannot be read (${errnoOf(error)})`, { cause: error })
  }
  return Buffer.concat(chunks)
}
