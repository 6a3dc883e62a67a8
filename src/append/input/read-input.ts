import { constants, createReadStream, openSync } from 'node:fs'
import { stat } from 'node:fs/promises'
import { Socket } from 'node:net'
import { addAbortSignal, type Readable } from 'node:stream'
import { AuditError, errnoOf } from '../../base/errors.js'

/** Yields the bytes of a file, or of a FIFO such as a shell's `<(…)`, until its end or until `until` aborts. Rejects with `file_unreadable`. */
export async function* readInput(path: string, until?: AbortSignal): AsyncGenerator<Uint8Array> {
  try {
    const input = await open(path)
    yield* until === undefined ? input : addAbortSignal(until, input)
  } catch (error) {
    until?.throwIfAborted()
    throw new AuditError('file_unreadable', `${path}: cannot be read (${errnoOf(error)})`, { cause: error })
  }
}

/** Opens a FIFO without blocking and polls it: a blocking open or read would hold a thread, and the process could not exit. */
async function open(path: string): Promise<Readable> {
  const status = await stat(path)
  if (!status.isFIFO()) return createReadStream(path)
  const fd = openSync(path, constants.O_RDONLY | constants.O_NONBLOCK)
  return new Socket({ fd, readable: true, writable: false })
}
