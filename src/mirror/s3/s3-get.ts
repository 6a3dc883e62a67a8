import { Readable } from 'node:stream'
import { setTimeout as sleep } from 'node:timers/promises'
import { type _Object, GetObjectCommand } from '@aws-sdk/client-s3'
import { backOff } from '../../base/back-off.js'
import { AuditError } from '../../base/errors.js'
import type { MirrorObject } from '../../ports/mirror.js'
import { beginsLikeFrame, frameProblem } from '../object/frame.js'
import { readBody } from './s3-body.js'
import type { S3Bucket } from './s3-bucket.js'
import { failureOf } from './s3-error.js'
import { s3Index } from './s3-index.js'
import { PageReader, urlDecoded } from './s3-page.js'

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
        const object = { bytes: await bytesOf(bucket, key, answer, maxBytes), etag: answer.etag }
        await assertStored(bucket, key, object, maxBytes, signal)
        return object
      } catch (error) {
        const isFinal = error instanceof AuditError && !(error instanceof CutAnswer)
        if (attempt === ATTEMPTS || signal.aborted || isFinal) throw error
        await sleep(backOff(AFTER_BREAK, attempt), undefined, { signal })
      }
    }
  })
}

/** An answer that has fewer bytes than the object. Requested again: a proxy or a server may have cut only this one. */
class CutAnswer extends AuditError {
  constructor(bucket: S3Bucket, key: string, got: number, expected: number, said: string) {
    const problem = `the answer has ${got} bytes, and ${said} says ${expected}`
    super('mirror_unavailable', `mirror ${bucket.url}: ${key} cannot be read (${problem})`)
  }
}

interface Answer {
  readonly body: Readable
  /** Bytes, as the headers say; undefined for an answer in chunks. */
  readonly length: number | undefined
  readonly etag: string
}

async function request(bucket: S3Bucket, key: string, signal: AbortSignal): Promise<Answer | undefined> {
  const command = new GetObjectCommand({ Bucket: bucket.name, Key: bucket.nameOf(key) })
  try {
    const { Body, ContentLength, ContentRange, ETag } = await bucket.client.send(command, {
      abortSignal: signal,
    })
    const body = Body instanceof Readable ? Body : Readable.from([])
    // No range is asked for, so the whole object must come.
    return { body, length: sizeIn(ContentRange) ?? ContentLength, etag: ETag ?? '' }
  } catch (error) {
    const { name, status } = failureOf(error)
    if (name === 'NoSuchKey') return undefined
    // A 404 without S3's own code may come from a proxy or a wrong endpoint. The listing shows whether the object is there.
    const isUnclear = status === 404 && name !== 'NoSuchBucket'
    if (isUnclear && (await s3Index(bucket).storedAt(key, signal)) === undefined) return undefined
    throw error
  }
}

/** Returns the size of the object in a header like `bytes 0-99/200`. */
function sizeIn(range: string | undefined): number | undefined {
  const [, size] = /\/(\d{1,15})$/.exec(range ?? '') ?? []
  return size === undefined ? undefined : Number(size)
}

/** Rejects for an answer that breaks before its end. */
async function bytesOf(
  bucket: S3Bucket,
  key: string,
  { body, length }: Answer,
  maxBytes: number,
): Promise<Buffer> {
  const bytes = await readBody(bucket.url, body, maxBytes, bucket.patience.stall)
  if (bytes.length <= maxBytes && length !== undefined && bytes.length < length)
    throw new CutAnswer(bucket, key, bytes.length, length, 'its header')
  return bytes
}

/**
 * Rejects where what was read is not the object. Every object of ours is one zstd frame, and no part of a frame is one, so
 * anything else is damage, a cut answer, or the page of a proxy, a console or a login. The listing decides: its size is not
 * above the bytes that came, and what is not even the beginning of a frame has its etag. A store that may not be listed
 * answers with an error of S3, which no such page is.
 */
async function assertStored(
  bucket: S3Bucket,
  key: string,
  { bytes, etag }: MirrorObject,
  maxBytes: number,
  signal: AbortSignal,
): Promise<void> {
  if (bytes.length > maxBytes ? beginsLikeFrame(bytes) : frameProblem(bytes) === undefined) return
  const listed = await listedObject(bucket, bucket.nameOf(key), signal)
  if (listed === 'denied') return
  const { Size = 0, ETag } = listed ?? {}
  if (bytes.length <= maxBytes && bytes.length < Size)
    throw new CutAnswer(bucket, key, bytes.length, Size, 'the listing')
  if (beginsLikeFrame(bytes) || (ETag !== undefined && bareEtag(ETag) === bareEtag(etag))) return
  const problem = `${key} cannot be read (the answer is not the object that the listing names)`
  throw new AuditError('mirror_unavailable', `mirror ${bucket.url}: ${problem}`)
}

async function listedObject(
  bucket: S3Bucket,
  name: string,
  signal: AbortSignal,
): Promise<_Object | 'denied' | undefined> {
  try {
    const { contents } = await new PageReader(bucket, { Prefix: name, MaxKeys: 1 }, signal).read(undefined)
    return contents.find(({ Key }) => Key !== undefined && urlDecoded(Key) === name)
  } catch (error) {
    if (error instanceof AuditError && error.code === 'mirror_permission_denied') return 'denied'
    throw error
  }
}

/** Servers differ in the quotes, and a proxy that compresses marks an etag as weak. */
function bareEtag(etag: string): string {
  return etag.replace(/^W\//, '').replaceAll('"', '')
}
