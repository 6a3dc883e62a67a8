import type { S3Bucket } from './s3-bucket.js'
import { unreadable } from './s3-page.js'

/** Checks that the names of a listing ascend by their bytes: then none comes twice, and a listing ends. */
export class NameOrder {
  #last: Buffer | undefined

  constructor(readonly bucket: S3Bucket) {}

  /** Throws `mirror_unavailable` for a name that is not after all names before it. */
  add(name: string): void {
    const bytes = Buffer.from(name)
    if (this.#last !== undefined && Buffer.compare(this.#last, bytes) >= 0)
      throw unreadable(this.bucket, 'is not in order')
    this.#last = bytes
  }
}
