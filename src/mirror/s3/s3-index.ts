import type { MirrorIndex } from '../../ports/mirror.js'
import { mirrorUrlOf } from '../mirror-url.js'
import type { S3Bucket } from './s3-bucket.js'
import { NameOrder } from './s3-order.js'
import { PageReader, unreadable, urlDecoded } from './s3-page.js'

/** Folders of one listing, at most. */
const MAX_FOLDERS = 1_000_000

/** See MirrorIndex. A folder is a common prefix of keys up to a slash; one request returns a thousand of them. */
export function s3Index(bucket: S3Bucket): MirrorIndex {
  return {
    folders: (prefix, signal) => folders(bucket, prefix, signal),
    storedAt: async (key, signal) => {
      const query = { Prefix: bucket.nameOf(key), MaxKeys: 1 }
      const { contents } = await new PageReader(bucket, query, signal).read(undefined)
      const [object] = contents
      const isIt = object?.Key !== undefined && urlDecoded(object.Key) === bucket.nameOf(key)
      return isIt ? object.LastModified?.getTime() : undefined
    },
    urlOf: (folder) => mirrorUrlOf(bucket.name, bucket.prefix + folder),
  }
}

async function folders(bucket: S3Bucket, prefix: string, signal: AbortSignal): Promise<string[]> {
  const found = new Set<string>()
  const base = bucket.nameOf(prefix)
  const reader = new PageReader(bucket, { Prefix: base, Delimiter: '/' }, signal)
  // A server lists objects and folders of one page apart.
  const [orderOfKeys, orderOfFolders] = [new NameOrder(bucket), new NameOrder(bucket)]
  let token: string | undefined
  do {
    const page = await reader.read(token)
    for (const name of page.keys) orderOfKeys.add(name)
    for (const name of page.folders) orderOfFolders.add(name)
    for (const name of [...page.keys, ...page.folders]) {
      // A server that ignores the delimiter lists the objects themselves.
      const slash = name.indexOf('/', base.length)
      if (slash > base.length) found.add(name.slice(base.length, slash))
    }
    if (found.size > MAX_FOLDERS) throw unreadable(bucket, `has more than ${MAX_FOLDERS} folders`)
    token = page.next
  } while (token !== undefined)
  return [...found]
}
