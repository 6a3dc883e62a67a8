import type { IndexedMirror, MirrorIndex, MirrorListed, MirrorObject } from '../../ports/mirror.js'
import { type Env, S3Bucket, type S3Patience } from './s3-bucket.js'
import { type Created, S3Creator } from './s3-create.js'
import { getObject } from './s3-get.js'
import { s3Index } from './s3-index.js'
import { listObjects } from './s3-list.js'

/**
 * A mirror in a bucket of any S3-compatible server, `s3://bucket[/prefix]`. `env` gives AUDIT_S3_ENDPOINT, AWS_REGION and
 * AWS_DEFAULT_REGION; the SDK's own chain gives the credentials. Throws `usage` for an invalid endpoint.
 */
export class S3Mirror implements IndexedMirror {
  readonly #bucket: S3Bucket
  readonly #creator: S3Creator
  readonly folders: MirrorIndex['folders']
  readonly storedAt: MirrorIndex['storedAt']
  readonly urlOf: MirrorIndex['urlOf']

  /** `onUnenforced` is called once if the server refuses conditional PUTs. */
  constructor(bucket: string, prefix: string, env: Env, patience?: S3Patience, onUnenforced?: () => void) {
    this.#bucket = new S3Bucket(bucket, prefix, env, patience)
    this.#creator = new S3Creator(this.#bucket, onUnenforced)
    const { folders, storedAt, urlOf } = s3Index(this.#bucket)
    this.folders = folders
    this.storedAt = storedAt
    this.urlOf = urlOf
  }

  get url(): string {
    return this.#bucket.url
  }

  list(prefix: string, signal: AbortSignal, after?: string): AsyncIterable<MirrorListed> {
    return listObjects(this.#bucket, { prefix, after }, signal)
  }

  async get(key: string, maxBytes: number, signal: AbortSignal): Promise<MirrorObject | undefined> {
    return getObject(this.#bucket, key, maxBytes, signal)
  }

  async create(key: string, bytes: Uint8Array, signal: AbortSignal): Promise<Created> {
    return this.#creator.create(key, bytes, signal)
  }

  /** A PUT that has succeeded is durable with its name. */
  async syncNames(): Promise<void> {}

  close(): void {
    this.#bucket.client.destroy()
  }
}
