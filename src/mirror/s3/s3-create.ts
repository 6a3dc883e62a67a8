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
  /** Undefined in a bucket without versioning. */
  readonly versionId: string | undefined
}

interface Condition {
  readonly IfNoneMatch?: '*'
}

/** A precondition that failed: the object exists. Older MinIO servers answer 304, as to a GET. */
const EXISTS: ReadonlySet<number | undefined> = new Set([412, 304])

/**
 * Refusals of the header itself: 501 NotImplemented (Backblaze B2, older gateways), and the other statuses that a server
 * may choose for a header that it does not know.
 */
const HEADER_REFUSED: ReadonlySet<number | undefined> = new Set([400, 405, 501])

/** AWS answers 409 while another conditional request for the key runs. */
const CONFLICTS = 5
const AFTER_CONFLICT = { first: 100, growth: 'linear', jitter: 1 } as const

/**
 * Creates objects in one bucket and overwrites none. Where the server honours `If-None-Match: *`, each create is one
 * request: on AWS, which documents it, and wherever a request has shown it. Elsewhere a HEAD comes before the PUT and a
 * check after it:
 *
 * - Without versioning, the etag after the PUT shows whose object is there. Between the HEAD and the PUT another creator's
 *   object can be overwritten; such a server offers nothing to prevent that.
 * - A server that refuses the header gets every PUT without it, and is checked in the same way. `onUnenforced` is called once.
 * - With versioning nothing can be lost, and the first version of the key wins. A PUT that comes second with other content
 *   copies the first version back on top. A delete would need a permission that an archiver should not have, and Object
 *   Lock forbids it. If the process dies before the copy, the second version stays on top, and verify finds it.
 */
export class S3Creator {
  #isHonoured = false
  #isProbed = false
  /** Whether the server refuses a PUT with the header. */
  #isRefused = false
  /** The first create. The others wait for it: it shows whether the HEAD and the check are needed at all. */
  #first: Promise<unknown> | undefined

  constructor(
    readonly bucket: S3Bucket,
    readonly onUnenforced: () => void = () => undefined,
  ) {}

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
      const existing = this.#isTrusted() ? undefined : await this.#head(key, signal)
      if (existing !== undefined) return { created: false, etag: existing }
      const put = await this.#put(key, bytes, signal)
      if (put === undefined) return { created: false, etag: await this.#existingEtag(key, signal) }
      if (this.#isTrusted()) return { created: true, etag: put.etag }
      return put.versionId === undefined
        ? this.#checkEtag(key, bytes, put, signal)
        : this.#checkVersions(key, put.etag, put.versionId, signal)
    })
  }

  #isTrusted(): boolean {
    return this.#isHonoured || this.bucket.isAws
  }

  get #condition(): Condition {
    return this.#isRefused ? {} : { IfNoneMatch: '*' }
  }

  /** Resolves with undefined where the server says that the object exists. */
  async #put(key: string, bytes: Uint8Array, signal: AbortSignal): Promise<Put | undefined> {
    for (let attempt = 1; ; attempt += 1) {
      try {
        return await this.#putOnce(key, bytes, this.#condition, signal)
      } catch (error) {
        const { name, status } = failureOf(error)
        if (EXISTS.has(status)) {
          this.#isHonoured = true
          return undefined
        }
        // Without proof that the server honours the header, a HEAD has just shown that there is no object.
        if (HEADER_REFUSED.has(status) && !this.#isTrusted())
          return this.#putUnconditionally(key, bytes, error, signal)
        if (name !== 'ConditionalRequestConflict' || attempt === CONFLICTS) throw error
        await sleep(backOff(AFTER_CONFLICT, attempt), undefined, { signal })
      }
    }
  }

  /** Throws `refusal` where the server refuses this PUT too: then the header was not the reason. */
  async #putUnconditionally(
    key: string,
    bytes: Uint8Array,
    refusal: unknown,
    signal: AbortSignal,
  ): Promise<Put> {
    const put = await this.#putOnce(key, bytes, {}, signal).catch((error: unknown) => {
      throw HEADER_REFUSED.has(failureOf(error).status) ? refusal : error
    })
    this.#isProbed = true
    if (!this.#isRefused) this.onUnenforced()
    this.#isRefused = true
    return put
  }

  async #putOnce(key: string, bytes: Uint8Array, condition: Condition, signal: AbortSignal): Promise<Put> {
    const command = new PutObjectCommand({
      Bucket: this.bucket.name,
      Key: this.bucket.nameOf(key),
      Body: bytes,
      ContentLength: bytes.length,
      ContentMD5: createHash('md5').update(bytes).digest('base64'),
      ...condition,
    })
    const { ETag, VersionId } = await this.bucket.client.send(command, { abortSignal: signal })
    return { etag: this.#etagOf(ETag, 'PUT'), versionId: VersionId === 'null' ? undefined : VersionId }
  }

  async #head(key: string, signal: AbortSignal): Promise<string | undefined> {
    const command = new HeadObjectCommand({ Bucket: this.bucket.name, Key: this.bucket.nameOf(key) })
    try {
      const { ETag } = await this.bucket.client.send(command, { abortSignal: signal })
      return this.#etagOf(ETag, 'HEAD')
    } catch (error) {
      if (failureOf(error).status === 404) return undefined
      throw error
    }
  }

  /** Every S3 server sends an etag. Without one the answer is not about the object: a proxy also answers with 200. */
  #etagOf(etag: string | undefined, request: 'PUT' | 'HEAD'): string {
    if (etag !== undefined && etag !== '') return etag
    const problem = `the server answered a ${request} without an ETag, so it is no S3 server`
    throw new AuditError('mirror_unavailable', `mirror ${this.bucket.url}: ${problem}`)
  }

  async #existingEtag(key: string, signal: AbortSignal): Promise<string> {
    const etag = await this.#head(key, signal)
    if (etag !== undefined) return etag
    throw new AuditError(
      'mirror_unavailable',
      `mirror ${this.bucket.url}: ${key} was deleted while it was being created`,
    )
  }

  async #checkEtag(key: string, bytes: Uint8Array, put: Put, signal: AbortSignal): Promise<Created> {
    const etag = await this.#existingEtag(key, signal)
    if (etag !== put.etag) return { created: false, etag }
    const again = this.#isProbed ? undefined : await this.#probe(key, bytes, signal)
    return { created: true, etag: again?.etag ?? etag }
  }

  /**
   * Finds out, once, whether the server honours the header, by a second PUT of the same bytes to the key that was just
   * created. Not done in a bucket with versioning, where it would leave another version.
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
