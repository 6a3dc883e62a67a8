import type { ChunkSink } from './copy-out.js'

/**
 * Makes a sink from a function that takes chunks. With the last chunk, `push` returns the driver's messages. An error
 * that `push` throws ends the copy. `flow` may return a promise that resolves when the sink can take more.
 */
export function chunkSink(
  push: (chunk: Buffer) => Buffer | undefined,
  flow: () => void | Promise<void> = () => undefined,
): ChunkSink {
  let finish: (rest: Buffer) => void = () => undefined
  const done = new Promise<Buffer>((resolve) => {
    finish = resolve
  })
  return {
    done,
    push(chunk) {
      try {
        const rest = push(chunk)
        if (rest !== undefined) finish(rest)
        return flow()
      } catch (error) {
        return Promise.reject(error)
      }
    },
  }
}
