import { ListObjectsV2Command, type ListObjectsV2CommandOutput } from '@aws-sdk/client-s3'
import { AuditError } from '../../base/errors.js'
import type { MirrorIndex } from '../../ports/mirror.js'
import type { S3Bucket } from './s3-bucket.js'
import { urlDecoded } from './s3-list.js'

/** See MirrorIndex. A folder is a common prefix of keys up to a slash; one request returns a thousand of them. */
export function s3Index(bucket: S3Bucket): MirrorIndex {
  return {
    folders: (prefix, signal) => folders(bucket, prefix, signal),
    storedAt: async (key, signal) => {
      const { Contents = [] } = await list(bucket, { Prefix: bucket.nameOf(key), MaxKeys: 1 }, signal)
      const [object] = Contents
      const isIt = object?.Key !== undefined && urlDecoded(object.Key) === bucket.nameOf(key)
      return isIt ? object.LastModified?.getTime() : undefined
    },
  }
}

async function folders(bucket: S3Bucket, prefix: string, signal: AbortSignal): Promise<string[]> {
  const found: string[] = []
  const base = bucket.nameOf(prefix)
  let token: string | undefined
  do {
    const page = await list(bucket, { Prefix: base, Delimiter: '/', ContinuationToken: token }, signal)
    for (const { Prefix = '' } of page.CommonPrefixes ?? []) {
      const name = urlDecoded(Prefix)
      if (name.startsWith(base) && name.endsWith('/')) found.push(name.slice(base.length, -1))
    }
    const next = page.IsTruncated === true ? page.NextContinuationToken : undefined
    if (page.IsTruncated === true && (next === undefined || next === token)) {
      throw new AuditError('mirror_unavailable', `mirror ${bucket.url}: the server's listing ends early`)
    }
    token = next
  } while (token !== undefined)
  return found
}

interface Query {
  readonly Prefix: string
  readonly Delimiter?: string
  readonly MaxKeys?: number
  readonly ContinuationToken?: string | undefined
}

function list(bucket: S3Bucket, query: Query, signal: AbortSignal): Promise<ListObjectsV2CommandOutput> {
  const command = new ListObjectsV2Command({ Bucket: bucket.name, EncodingType: 'url', ...query })
  return bucket.attempt('cannot be listed', signal, () =>
    bucket.client.send(command, { abortSignal: signal }),
  )
}
