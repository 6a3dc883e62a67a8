import { constants, createReadStream, openSync } from 'node:fs'
import { stat } from 'node:fs/promises'
import { Socket } from 'node:net'
import { addAbortSignal, type Readable } from 'node:stream'
import { AuditError, errnoOf } from '../errors.js'

/** Yields the bytes of a file, or of a FIFO such as a shell's `<(…)`, until its end or until `until` aborts. Rejects with `file_unreadable`. */
export async function* readInput(path: string, until?: AbortSignal): AsyncGenerator<Uint8Array> {
  try {
    const input = await open(path)
    yield* until === undefined ? input : addAbortSignal(until, input)
  } catch (error) {
    until?.throwIfAborted()
    throw unreadable(path, error)
  }
}

/** Opens a FIFO without blocking and polls it: a blocking open or read would hold a thread, and the process could not exit. */
async function open(path: string): Promise<Readable> {
  const status = await stat(path)
  if (!status.isFIFO()) return createReadStream(path)
  const fd = openSync(path, constants.O_RDONLY | constants.O_NONBLOCK)
  return new Socket({ fd, readable: true, writable: false })
}

/**
 * Returns the bytes of a file, or of stdin for `-`, up to the first chunk beyond `limit`: the reader of the bytes refuses more than
 * that. Rejects with `file_unreadable`.
 */
export async function readUpTo(limit: number, path: string): Promise<Uint8Array> {
  const chunks: Uint8Array[] = []
  let size = 0
  for await (const chunk of path === '-' ? readStdin() : readInput(path)) {
    chunks.push(chunk)
    size += chunk.length
    if (size > limit) break
  }
  return Buffer.concat(chunks)
}

async function* readStdin(): AsyncGenerator<Uint8Array> {
  try {
    yield* process.stdin
  } catch (error) {
    throw unreadable('stdin', error)
  }
}

function unreadable(path: string, error: unknown): AuditError {
  return new AuditError('file_unreadable', `${path}: cannot be read (${errnoOf(error)})`, { cause: error })
}
