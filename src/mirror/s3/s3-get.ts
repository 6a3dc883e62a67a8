import { Readable } from 'node:stream'
import { setTimeout as sleep } from 'node:timers/promises'
import { GetObjectCommand } from '@aws-sdk/client-s3'
import { backOff } from '../../base/back-off.js'
import type { MirrorObject } from '../../ports/mirror.js'
import type { S3Bucket } from './s3-bucket.js'
import { failureOf } from './s3-error.js'

/** The SDK retries until the headers arrive. A response that breaks after them is requested again here. */
const ATTEMPTS = 3
const AFTER_BREAK = { first: 200, growth: 'linear', jitter: 1 } as const

/** See MirrorStore.get. */
export async function getObject(
  bucket: S3Bucket,
  key: string,
  maxBytes: number,
  signal: AbortSignal,
): Promise<MirrorObject | undefined> {
  return bucket.attempt(`${key} cannot be read`, signal, async () => {
    for (let attempt = 1; ; attempt += 1) {
      const answer = await request(bucket, key, signal)
      if (answer === undefined) return undefined
      try {
        return { bytes: await readUpTo(answer.body, answer.length, maxBytes), etag: answer.etag }
      } catch (error) {
        if (attempt === ATTEMPTS || signal.aborted) throw error
        await sleep(backOff(AFTER_BREAK, attempt), undefined, { signal })
      }
    }
  })
}

interface Answer {
  readonly body: Readable
  readonly length: number | undefined
  readonly etag: string
}

async function request(bucket: S3Bucket, key: string, signal: AbortSignal): Promise<Answer | undefined> {
  const command = new GetObjectCommand({ Bucket: bucket.name, Key: bucket.nameOf(key) })
  try {
    const { Body, ContentLength, ETag } = await bucket.client.send(command, { abortSignal: signal })
    const body = Body instanceof Readable ? Body : Readable.from([])
    return { body, length: ContentLength, etag: ETag ?? '' }
  } catch (error) {
    if (failureOf(error).name === 'NoSuchKey') return undefined
    throw error
  }
}

/** Reads at most `maxBytes` + 1 bytes. The rest of a larger object is discarded together with its connection. */
async function readUpTo(body: Readable, expected: number | undefined, maxBytes: number): Promise<Buffer> {
  const chunks: Buffer[] = []
  let length = 0
  for await (const chunk of body) {
    const bytes = Buffer.from(chunk)
    chunks.push(bytes)
    length += bytes.length
    // The return destroys the stream.
    if (length > maxBytes) return Buffer.concat(chunks).subarray(0, maxBytes + 1)
  }
  if (expected !== undefined && length !== expected)
    throw new Error('the response is shorter than its Content-Length')
  return Buffer.concat(chunks)
}
