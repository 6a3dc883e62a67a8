import type { IndexedMirror } from '../ports/mirror.js'
import { DirectoryMirror } from './directory/directory.js'
import { parseMirrorUrl } from './mirror-url.js'

/**
 * The store that a mirror URL names. Nothing is looked up yet: a place that is not there shows at the first call.
 * `env` gives AUDIT_S3_ENDPOINT and the region; credentials come by the SDK's own chain. Rejects with `usage`.
 */
export async function openMirror(
  url: string,
  env: Readonly<Record<string, string | undefined>> = process.env,
): Promise<IndexedMirror> {
  const place = parseMirrorUrl(url)
  if (place.kind === 'directory') return new DirectoryMirror(place.path)
  // The SDK takes 0.2 s to load.
  const { S3Mirror } = await import('./s3/s3.js')
  return new S3Mirror(place.bucket, place.prefix, env)
}
