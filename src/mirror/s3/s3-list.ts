import { ListObjectsV2Command, type ListObjectsV2CommandOutput } from '@aws-sdk/client-s3'
import { AuditError } from '../../base/errors.js'
import type { MirrorListed } from '../../ports/mirror.js'
import type { S3Bucket } from './s3-bucket.js'

/** One page of a listing. Its keys are relative to the mirror's prefix. */
interface Page {
  readonly objects: readonly MirrorListed[]
  readonly next: string | undefined
}

/** See MirrorStore.list. Requests the next page before it yields the objects of the current one. */
export async function* listObjects(
  bucket: S3Bucket,
  prefix: string,
  signal: AbortSignal,
): AsyncGenerator<MirrorListed> {
  let page: Page | undefined = await pageAfter(bucket, prefix, undefined, signal)
  let last: Buffer | undefined
  while (page !== undefined) {
    const ahead: Promise<Page> | undefined =
      page.next === undefined ? undefined : pageAfter(bucket, prefix, page.next, signal)
    // Mark the rejection as handled: a reader that stops or fails never awaits this request.
    ahead?.catch(() => undefined)
    for (const object of page.objects) {
      const bytes = Buffer.from(object.key)
      if (last !== undefined && Buffer.compare(last, bytes) >= 0) throw unreadable(bucket, 'is not in order')
      last = bytes
      yield object
      signal.throwIfAborted()
    }
    page = await ahead
  }
}

async function pageAfter(
  bucket: S3Bucket,
  prefix: string,
  token: string | undefined,
  signal: AbortSignal,
): Promise<Page> {
  const command = new ListObjectsV2Command({
    Bucket: bucket.name,
    Prefix: bucket.nameOf(prefix),
    ContinuationToken: token,
    // A key may hold control characters, which XML cannot encode: one such key would make the mirror unreadable.
    EncodingType: 'url',
  })
  const answer = await bucket.attempt('cannot be listed', signal, () =>
    bucket.client.send(command, { abortSignal: signal }),
  )
  const next = answer.IsTruncated === true ? answer.NextContinuationToken : undefined
  if (answer.IsTruncated === true && (next === undefined || next === token)) {
    throw unreadable(bucket, 'ends early')
  }
  return { objects: (answer.Contents ?? []).map((object) => listed(bucket, prefix, object)), next }
}

type Content = NonNullable<ListObjectsV2CommandOutput['Contents']>[number]

function listed(bucket: S3Bucket, prefix: string, object: Content): MirrorListed {
  const name = urlDecoded(object.Key ?? '')
  if (!name.startsWith(bucket.nameOf(prefix))) throw unreadable(bucket, 'has keys outside the prefix')
  return { key: name.slice(bucket.prefix.length), size: object.Size, etag: object.ETag }
}

/** Decodes a name, in which AWS writes a space as +. A name that is not UTF-8 is returned unchanged: it is no object of ours. */
export function urlDecoded(text: string): string {
  try {
    return decodeURIComponent(text.replaceAll('+', ' '))
  } catch {
    return text
  }
}

function unreadable(bucket: S3Bucket, problem: string): AuditError {
  return new AuditError('mirror_unavailable', `mirror ${bucket.url}: the server's listing ${problem}`)
}
