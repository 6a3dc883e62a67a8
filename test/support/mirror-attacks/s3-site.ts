import { randomBytes } from 'node:crypto'
import { mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import {
  CreateBucketCommand,
  GetObjectCommand,
  PutObjectCommand,
  paginateListObjectsV2,
  S3Client,
} from '@aws-sdk/client-s3'
import { S3Server } from '../s3-server.js'

const REAL = process.env.AUDIT_TEST_S3_ENDPOINT

/** The name of the server, for test titles. */
export const S3_SERVER =
  REAL === undefined ? 'the suite’s own server' : 'the server of AUDIT_TEST_S3_ENDPOINT'

/** The S3 server of AUDIT_TEST_S3_ENDPOINT, with its AWS variables, or else the suite's own server. */
export class S3Site {
  readonly #client: S3Client
  readonly #bucket = `audit-test-${randomBytes(6).toString('hex')}`

  private constructor(
    /** Undefined where the real server is used. */
    readonly own: S3Server | undefined,
    readonly env: Readonly<Record<string, string>>,
  ) {
    const { AUDIT_S3_ENDPOINT: endpoint = '', AWS_ACCESS_KEY_ID = '', AWS_SECRET_ACCESS_KEY = '' } = env
    const credentials = { accessKeyId: AWS_ACCESS_KEY_ID, secretAccessKey: AWS_SECRET_ACCESS_KEY }
    this.#client = new S3Client({ endpoint, region: 'us-east-1', forcePathStyle: true, credentials })
  }

  static async start(): Promise<S3Site> {
    const own = REAL === undefined ? await S3Server.start() : undefined
    const { AWS_ACCESS_KEY_ID = 'key', AWS_SECRET_ACCESS_KEY = 'secret' } =
      own === undefined ? process.env : {}
    const endpoint = REAL ?? own?.url ?? ''
    const site = new S3Site(own, { AUDIT_S3_ENDPOINT: endpoint, AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY })
    await site.#makeBucket()
    return site
  }

  get bucket(): string {
    return this.#bucket
  }

  url(prefix: string): string {
    return `s3://${this.#bucket}/${prefix}`
  }

  /** Uploads every file of a directory, like `aws s3 sync`. */
  async sync(dir: string, prefix: string): Promise<void> {
    const files = readdirSync(dir, { recursive: true, withFileTypes: true }).filter((entry) => entry.isFile())
    for (const { parentPath, name } of files) {
      const path = join(parentPath, name)
      const key = `${prefix}/${path.slice(dir.length + 1)}`
      if (this.own === undefined) await this.#put(key, readFileSync(path))
      else this.own.put(this.#bucket, key, readFileSync(path))
    }
  }

  /** Downloads every object below a prefix into a directory, like `aws s3 sync`. */
  async syncTo(prefix: string, dir: string): Promise<void> {
    for await (const { Contents = [] } of paginateListObjectsV2(
      { client: this.#client },
      { Bucket: this.#bucket, Prefix: `${prefix}/` },
    )) {
      for (const { Key = '' } of Contents) {
        const { Body } = await this.#client.send(new GetObjectCommand({ Bucket: this.#bucket, Key }))
        const path = join(dir, Key.slice(prefix.length + 1))
        mkdirSync(dirname(path), { recursive: true })
        writeFileSync(path, (await Body?.transformToByteArray()) ?? Buffer.alloc(0))
      }
    }
  }

  async stop(): Promise<void> {
    this.#client.destroy()
    await this.own?.stop()
  }

  async #makeBucket(): Promise<void> {
    if (this.own === undefined) await this.#client.send(new CreateBucketCommand({ Bucket: this.#bucket }))
    else this.own.addBucket(this.#bucket)
  }

  async #put(key: string, body: Buffer): Promise<void> {
    await this.#client.send(new PutObjectCommand({ Bucket: this.#bucket, Key: key, Body: body }))
  }
}
