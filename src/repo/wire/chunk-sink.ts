import type { ChunkSink } from './copy-out.js'

/**
 * A sink of what takes chunks and returns, with the last of them, the messages that are the driver's. What `push`
 * throws ends the copy. `flow`: may return a promise that resolves when more can be taken.
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
