import type { IndexedMirror } from '../ports/mirror.js'
import { DirectoryMirror } from './directory/directory.js'
import { parseMirrorUrl } from './mirror-url.js'

export interface OpenOptions {
  /** Is called once if the store refuses conditional PUTs. */
  readonly onUnenforced?: ((url: string) => void) | undefined
  /** Whether a directory that does not exist is an empty mirror. Default: it is unreachable. */
  readonly mayBeMissing?: boolean
}

/**
 * Returns the store that a mirror URL names, without a call to it: a missing bucket or directory shows at the first call.
 * `env` gives AUDIT_S3_ENDPOINT and the region; the SDK's own chain gives the credentials. Rejects with `usage` for an
 * invalid URL.
 */
export async function openMirror(
  url: string,
  env: Readonly<Record<string, string | undefined>> = process.env,
  options: OpenOptions = {},
): Promise<IndexedMirror> {
  const location = parseMirrorUrl(url)
  if (location.kind === 'directory') return new DirectoryMirror(location.path, options.mayBeMissing)
  // The SDK takes 0.2 s to load.
  const { S3Mirror } = await import('./s3/s3.js')
  const store: IndexedMirror = new S3Mirror(location.bucket, location.prefix, env, undefined, () =>
    options.onUnenforced?.(store.url),
  )
  return store
}
