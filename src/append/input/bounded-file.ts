import { promisify } from 'node:util'
import { gunzip } from 'node:zlib'
import { AuditError, errnoOf } from '../../base/errors.js'
import { readInput } from '../../base/files/read-input.js'

/** The limit for a file and for its decompressed content. CloudTrail delivers files of up to about 50 MB; the largest here has 1 MB. */
export const MAX_FILE_BYTES = 64 * 1024 * 1024

const gunzipBytes = promisify(gunzip)

/**
 * Returns the content of a file, decompressed where it begins like gzip, whatever its name. Rejects with
 * `file_unreadable`, or with `invalid_input` where the content is too long or the gzip is damaged.
 */
export async function readBoundedFile(path: string, until?: AbortSignal): Promise<Uint8Array> {
  const bytes = await readAll(path, until)
  return bytes[0] === 0x1f && bytes[1] === 0x8b ? decompressed(bytes, path) : bytes
}

async function readAll(path: string, until: AbortSignal | undefined): Promise<Buffer> {
  const chunks: Uint8Array[] = []
  let size = 0
  for await (const chunk of readInput(path, until)) {
    size += chunk.length
    if (size > MAX_FILE_BYTES) throw tooLong(path)
    chunks.push(chunk)
  }
  return Buffer.concat(chunks)
}

async function decompressed(bytes: Buffer, path: string): Promise<Buffer> {
  try {
    return await gunzipBytes(bytes, { maxOutputLength: MAX_FILE_BYTES })
  } catch (error) {
    if (errnoOf(error) === 'ERR_BUFFER_TOO_LARGE') throw tooLong(path)
    const problem = errnoOf(error) === 'Z_BUF_ERROR' ? 'a truncated gzip' : 'not a whole gzip'
    throw new AuditError('invalid_input', `${path}: ${problem}`)
  }
}

function tooLong(path: string): AuditError {
  return new AuditError(
    'invalid_input',
    `${path}: expected at most ${MAX_FILE_BYTES} bytes, decompressed too`,
  )
}
