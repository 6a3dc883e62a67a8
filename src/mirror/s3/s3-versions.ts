import {
  ListObjectVersionsCommand,
  type ListObjectVersionsCommandInput,
  type ListObjectVersionsCommandOutput,
} from '@aws-sdk/client-s3'
import type { S3Bucket } from './s3-bucket.js'
import { unreadable, urlDecoded } from './s3-page.js'

/** Pages of the versions of one key, at most. */
const MAX_PAGES = 1_000

/** One version of an object. */
export interface Version {
  readonly id: string
  readonly etag: string
}

interface Stored extends Version {
  readonly time: number
}

interface History {
  /** Newest first, as the server lists them. */
  readonly versions: readonly Stored[]
  readonly deletions: readonly number[]
}

/**
 * Returns the first version of a key since its last deletion before `mine`, or `mine` where it is the first. All creators of
 * one key find the same version.
 */
export async function firstVersion(
  bucket: S3Bucket,
  key: string,
  mine: Version,
  signal: AbortSignal,
): Promise<Version> {
  const { versions, deletions } = await historyOf(bucket, bucket.nameOf(key), signal)
  const at = versions.findIndex(({ id }) => id === mine.id)
  const own = versions[at]
  if (own === undefined) return mine
  const deleted = Math.max(...deletions.filter((time) => time <= own.time), Number.NEGATIVE_INFINITY)
  // A version created in the second of a deletion counts as deleted: some servers have no finer times.
  return versions.slice(at).findLast(({ time }) => time > deleted) ?? mine
}

async function historyOf(bucket: S3Bucket, name: string, signal: AbortSignal): Promise<History> {
  const pages: ListObjectVersionsCommandOutput[] = []
  let marker: VersionMarker | undefined = {}
  while (marker !== undefined) {
    const page: ListObjectVersionsCommandOutput = await pageAt(bucket, name, marker, signal)
    if (pages.push(page) > MAX_PAGES) throw unreadable(bucket, `has more than ${MAX_PAGES} pages of one key`)
    // Keys are listed in order, and this key is the first with its prefix.
    const isMore = page.IsTruncated === true && isOf(name, page.NextKeyMarker)
    marker = isMore ? { KeyMarker: name, VersionIdMarker: page.NextVersionIdMarker } : undefined
  }
  const versions = pages.flatMap((page) => page.Versions ?? []).filter(({ Key }) => isOf(name, Key))
  const deletions = pages.flatMap((page) => page.DeleteMarkers ?? []).filter(({ Key }) => isOf(name, Key))
  return {
    versions: versions.map(({ VersionId = '', ETag = '', LastModified }) => ({
      id: VersionId,
      etag: ETag,
      time: Number(LastModified ?? 0),
    })),
    deletions: deletions.map(({ LastModified }) => Number(LastModified ?? 0)),
  }
}

type VersionMarker = Pick<ListObjectVersionsCommandInput, 'KeyMarker' | 'VersionIdMarker'>

async function pageAt(
  { client, name: Bucket }: S3Bucket,
  Prefix: string,
  marker: VersionMarker,
  abortSignal: AbortSignal,
): Promise<ListObjectVersionsCommandOutput> {
  const command = new ListObjectVersionsCommand({ Bucket, Prefix, EncodingType: 'url', ...marker })
  return client.send(command, { abortSignal })
}

function isOf(name: string, encoded: string | undefined): boolean {
  return encoded !== undefined && urlDecoded(encoded) === name
}
