import type { MirrorListed } from '../../ports/mirror.js'
import type { S3Bucket } from './s3-bucket.js'
import { NameOrder } from './s3-order.js'
import { type Page, PageReader, urlDecoded } from './s3-page.js'

/** See MirrorStore.list. Requests the next page before it yields the objects of the current one. */
export async function* listObjects(
  bucket: S3Bucket,
  { prefix, after }: { readonly prefix: string; readonly after?: string | undefined },
  signal: AbortSignal,
): AsyncGenerator<MirrorListed> {
  const base = bucket.nameOf(prefix)
  const behind = after === undefined ? undefined : bucket.nameOf(after)
  const reader = new PageReader(bucket, { Prefix: base, StartAfter: behind }, signal)
  const order = new NameOrder(bucket)
  const joined = new JoinedFolders(base.lastIndexOf('/') + 1, behind)
  let page: Page | undefined = await reader.read(undefined)
  while (page !== undefined) {
    const ahead: Promise<Page> | undefined = page.next === undefined ? undefined : reader.read(page.next)
    // Mark the rejection as handled: a reader that stops or fails never awaits this request.
    ahead?.catch(() => undefined)
    for (const object of page.contents) {
      const name = urlDecoded(object.Key ?? '')
      order.add(name)
      const listed = joined.next(name)
      if (listed === undefined) continue
      const key = listed.slice(bucket.prefix.length)
      yield key.endsWith('/') ? { key } : { key, size: object.Size, etag: object.ETag }
      signal.throwIfAborted()
    }
    page = await ahead
  }
}

/** Joins the keys below one folder into one name. The keys come in order. */
class JoinedFolders {
  #folder: string | undefined

  /** `from`: where the names in the listed folder begin. `behind`: only names after this one. */
  constructor(
    readonly from: number,
    readonly behind: string | undefined,
  ) {}

  /** Returns the key, or its folder where that comes for the first time. */
  next(key: string): string | undefined {
    // Some servers ignore StartAfter.
    if (this.behind !== undefined && Buffer.compare(Buffer.from(key), Buffer.from(this.behind)) <= 0)
      return undefined
    const slash = key.indexOf('/', this.from)
    if (slash < 0) return key
    const folder = key.slice(0, slash + 1)
    if (folder === this.#folder) return undefined
    this.#folder = folder
    return folder
  }
}
