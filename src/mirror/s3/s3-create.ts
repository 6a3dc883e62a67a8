import { createHash } from 'node:crypto'
import { setTimeout as sleep } from 'node:timers/promises'
import { CopyObjectCommand, HeadObjectCommand, PutObjectCommand } from '@aws-sdk/client-s3'
import { backOff } from '../../base/back-off.js'
import { AuditError } from '../../base/errors.js'
import type { S3Bucket } from './s3-bucket.js'
import { failureOf } from './s3-error.js'
import { firstVersion } from './s3-versions.js'

export interface Created {
  readonly created: boolean
  readonly etag: string
}

interface Put {
  readonly etag: string
  /** Undefined in a bucket without versions. */
  readonly versionId: string | undefined
}

/** AWS answers 409 while another conditional request for the key runs. */
const CONFLICTS = 5
const AFTER_CONFLICT = { first: 100, growth: 'linear', jitter: 1 } as const

/**
 * Create-only puts into one bucket. Where `If-None-Match: *` is honoured, one request each: on AWS, which says so, and
 * wherever it was seen to be. Else a HEAD before, and a check after:
 *
 * - Without versions, the etag that stands after the put tells whose object it is. Between the HEAD and the put another
 *   creator's object can be overwritten; nothing that such a server offers prevents it.
 * - With versions, nothing can be lost, and the first version of the key wins. A put that comes second and holds
 *   something else puts the first version back on top, by a copy: a delete would need a right that an archiver should
 *   not have, and Object Lock forbids it. Should the process die before the copy, the second version stays on top, and
 *   verify finds it.
 */
export class S3Creator {
  #isHonoured = false
  #isProbed = false
  /** The first create of all. The others wait for it, for each would look and check where one shows that none need. */
  #first: Promise<unknown> | undefined

  constructor(readonly bucket: S3Bucket) {}

  async create(key: string, bytes: Uint8Array, signal: AbortSignal): Promise<Created> {
    if (this.#first !== undefined) {
      await this.#first
      return this.#create(key, bytes, signal)
    }
    const creating = this.#create(key, bytes, signal)
    this.#first = creating.catch(() => undefined)
    return creating
  }

  async #create(key: string, bytes: Uint8Array, signal: AbortSignal): Promise<Created> {
    return this.bucket.attempt(`${key} cannot be written`, signal, async () => {
      const standing = this.#isTrusted() ? undefined : await this.#head(key, signal)
      if (standing !== undefined) return { created: false, etag: standing }
      const put = await this.#put(key, bytes, signal)
      if (put === undefined) return { created: false, etag: await this.#standing(key, signal) }
      if (this.#isTrusted()) return { created: true, etag: put.etag }
      return put.versionId === undefined
        ? this.#checkEtag(key, bytes, put, signal)
        : this.#checkVersions(key, put.etag, put.versionId, signal)
    })
  }

  #isTrusted(): boolean {
    return this.#isHonoured || this.bucket.isAws
  }

  /** Undefined where the server says that something is there. */
  async #put(key: string, bytes: Uint8Array, signal: AbortSignal): Promise<Put | undefined> {
    for (let attempt = 1; ; attempt += 1) {
      try {
        return await this.#putOnce(key, bytes, signal)
      } catch (error) {
        const { name, status } = failureOf(error)
        if (status === 412) {
          this.#isHonoured = true
          return undefined
        }
        if (name !== 'ConditionalRequestConflict' || attempt === CONFLICTS) throw error
        await sleep(backOff(AFTER_CONFLICT, attempt), undefined, { signal })
      }
    }
  }

  async #putOnce(key: string, bytes: Uint8Array, signal: AbortSignal): Promise<Put> {
    const command = new PutObjectCommand({
      Bucket: this.bucket.name,
      Key: this.bucket.nameOf(key),
      Body: bytes,
      ContentLength: bytes.length,
      ContentMD5: createHash('md5').update(bytes).digest('base64'),
      IfNoneMatch: '*',
    })
    const { ETag = '', VersionId } = await this.bucket.client.send(command, { abortSignal: signal })
    return { etag: ETag, versionId: VersionId === 'null' ? undefined : VersionId }
  }

  async #head(key: string, signal: AbortSignal): Promise<string | undefined> {
    const command = new HeadObjectCommand({ Bucket: this.bucket.name, Key: this.bucket.nameOf(key) })
    try {
      const { ETag = '' } = await this.bucket.client.send(command, { abortSignal: signal })
      return ETag
    } catch (error) {
      if (failureOf(error).status === 404) return undefined
      throw error
    }
  }

  async #standing(key: string, signal: AbortSignal): Promise<string> {
    const etag = await this.#head(key, signal)
    if (etag !== undefined) return etag
    throw new AuditError(
      'mirror_unavailable',
      `mirror ${this.bucket.url}: ${key} went while it was being created`,
    )
  }

  async #checkEtag(key: string, bytes: Uint8Array, put: Put, signal: AbortSignal): Promise<Created> {
    const etag = await this.#standing(key, signal)
    if (etag !== put.etag) return { created: false, etag }
    const again = this.#isProbed ? undefined : await this.#probe(key, bytes, signal)
    return { created: true, etag: again?.etag ?? etag }
  }

  /**
   * Whether the header is honoured, seen once for all by putting the same bytes again where they just came to stand.
   * Not done in a bucket with versions, where it would leave one more.
   */
  async #probe(key: string, bytes: Uint8Array, signal: AbortSignal): Promise<Put | undefined> {
    this.#isProbed = true
    return this.#put(key, bytes, signal)
  }

  async #checkVersions(key: string, etag: string, id: string, signal: AbortSignal): Promise<Created> {
    const first = await firstVersion(this.bucket, key, { id, etag }, signal)
    if (first.id === id) return { created: true, etag }
    if (first.etag !== etag) await this.#putBack(key, first.id, signal)
    return { created: false, etag: first.etag }
  }

  async #putBack(key: string, versionId: string, signal: AbortSignal): Promise<void> {
    const name = this.bucket.nameOf(key)
    const source = `${this.bucket.name}/${name}`.split('/').map(encodeURIComponent).join('/')
    const command = new CopyObjectCommand({
      Bucket: this.bucket.name,
      Key: name,
      CopySource: `${source}?versionId=${encodeURIComponent(versionId)}`,
    })
    await this.bucket.client.send(command, { abortSignal: signal })
  }
}
