import { ListObjectsV2Command, type ListObjectsV2CommandOutput } from '@aws-sdk/client-s3'
import { AuditError } from '../../base/errors.js'
import type { S3Bucket } from './s3-bucket.js'

/** Pages in a row that may bring no new name. A bucket with many delete markers has such pages. */
const MAX_EMPTY_PAGES = 1_000
/** Pages of one listing, at most: a thousand times a million keys. No chain has more rows. */
const MAX_PAGES = 1_000_000
/** Names of access points, which answer with the name of their bucket. */
const ALIAS = /-s3alias$|--ol-s3$/

export interface PageQuery {
  /** In the bucket. */
  readonly Prefix: string
  readonly Delimiter?: string
  readonly MaxKeys?: number
  /** In the bucket. Only names after this one. */
  readonly StartAfter?: string | undefined
}

/** One page of a listing, checked. */
export interface Page {
  readonly contents: NonNullable<ListObjectsV2CommandOutput['Contents']>
  /** The names of the objects, in the order of the server. */
  readonly keys: readonly string[]
  /** The common prefixes, in the order of the server. None without a delimiter. */
  readonly folders: readonly string[]
  readonly next: string | undefined
}

/**
 * Reads the pages of one listing. Each page must be a complete answer about this bucket and prefix, and the waits for pages
 * that bring no new name have one limit together.
 */
export class PageReader {
  readonly #tokens = new Set<string>()
  #waited = 0
  #empty = 0
  #pages = 0

  constructor(
    readonly bucket: S3Bucket,
    readonly query: PageQuery,
    readonly signal: AbortSignal,
  ) {}

  async read(token: string | undefined): Promise<Page> {
    const begun = performance.now()
    const page = await this.#request(token)
    const isNew = page.keys.length + page.folders.length > 0
    this.#waited = isNew ? 0 : this.#waited + performance.now() - begun
    this.#empty = isNew ? 0 : this.#empty + 1
    if (isNew) this.#tokens.clear()
    this.#pages += 1
    if (this.#pages > MAX_PAGES) throw unreadable(this.bucket, `has more than ${MAX_PAGES} pages`)
    if (this.#empty > MAX_EMPTY_PAGES)
      throw unreadable(this.bucket, `has ${MAX_EMPTY_PAGES} empty pages in a row`)
    if (page.next !== undefined) this.#assertNew(page.next)
    return page
  }

  #assertNew(token: string): void {
    if (this.#tokens.has(token)) throw unreadable(this.bucket, 'begins again with a page that came before')
    this.#tokens.add(token)
  }

  async #request(token: string | undefined): Promise<Page> {
    const { bucket, query, signal } = this
    const { stall } = bucket.patience
    const late = AbortSignal.timeout(Math.max(1, Math.round(stall - this.#waited)))
    const command = new ListObjectsV2Command({
      Bucket: bucket.name,
      // A key may hold control characters, which XML cannot encode: one such key would make the mirror unreadable.
      EncodingType: 'url',
      ContinuationToken: token,
      ...query,
    })
    const both = AbortSignal.any([signal, late])
    const below = query.Prefix.slice(bucket.prefix.length)
    return bucket.attempt(`${below} cannot be listed`.trimStart(), signal, async () => {
      try {
        return checked(bucket, query, await bucket.client.send(command, { abortSignal: both }), token)
      } catch (error) {
        if (late.aborted && !signal.aborted) throw unreadable(bucket, `brought no new key in ${stall} ms`)
        throw error
      }
    })
  }
}

function checked(
  bucket: S3Bucket,
  query: PageQuery,
  answer: ListObjectsV2CommandOutput,
  token: string | undefined,
): Page {
  const { IsTruncated, NextContinuationToken, Contents = [], CommonPrefixes = [], KeyCount } = answer
  assertOfQuery(bucket, query, answer)
  if (KeyCount !== undefined && KeyCount > Contents.length + CommonPrefixes.length)
    throw unreadable(bucket, 'has fewer keys than it counts')
  // Otherwise pages without a key of an object would count as progress.
  if (query.Delimiter === undefined && CommonPrefixes.length > 0)
    throw unreadable(bucket, 'has folders that were not asked for')
  const decoded = (name: string | undefined) => decodedBelow(bucket, query, name)
  const keys = Contents.map(({ Key }) => decoded(Key))
  const folders = CommonPrefixes.map(({ Prefix }) => decoded(Prefix))
  if (IsTruncated !== true) return { contents: Contents, keys, folders, next: undefined }
  if (!NextContinuationToken || NextContinuationToken === token) throw unreadable(bucket, 'ends early')
  return { contents: Contents, keys, folders, next: NextContinuationToken }
}

function decodedBelow(bucket: S3Bucket, { Prefix }: PageQuery, name: string | undefined): string {
  const decoded = urlDecoded(name ?? '')
  if (name === undefined || !decoded.startsWith(Prefix))
    throw unreadable(bucket, 'has keys outside the prefix')
  return decoded
}

/** Throws for a listing of another bucket or prefix. Some servers leave out both. */
function assertOfQuery(
  bucket: S3Bucket,
  query: PageQuery,
  { Name, Prefix }: ListObjectsV2CommandOutput,
): void {
  if (Name !== undefined && Name !== bucket.name && !ALIAS.test(bucket.name))
    throw unreadable(bucket, 'is about another bucket')
  if (Prefix !== undefined && Prefix !== query.Prefix && urlDecoded(Prefix) !== query.Prefix)
    throw unreadable(bucket, 'is about another prefix')
}

/** Decodes a name, in which AWS writes a space as +. A name that is not UTF-8 is returned unchanged: it is no object of ours. */
export function urlDecoded(text: string): string {
  try {
    return decodeURIComponent(text.replaceAll('+', ' '))
  } catch {
    return text
  }
}

export function unreadable(bucket: S3Bucket, problem: string): AuditError {
  return new AuditError('mirror_unavailable', `mirror ${bucket.url}: the server's listing ${problem}`)
}
