import { randomBytes } from 'node:crypto'
import { S3Server } from '../support/s3-server.js'
import { audit, baseline, median, report } from './subject.js'

/** The concurrency of verify's GETs. */
const CONCURRENCY = '64'
const ROUNDS = 3

/** An S3 server, and a new bucket in it. */
export interface BenchBucket {
  readonly url: string
  /** The server's name in the report. */
  readonly name: string
  stop(): Promise<void>
}

/** Opens the server of AUDIT_TEST_S3_ENDPOINT, or the suite's own, and sets AUDIT_S3_ENDPOINT to its endpoint. */
export async function benchBucket(): Promise<BenchBucket> {
  const Bucket = `bench-${randomBytes(4).toString('hex')}`
  const url = `s3://${Bucket}/bench`
  const { AUDIT_TEST_S3_ENDPOINT: endpoint } = process.env
  if (endpoint === undefined) {
    const own = await S3Server.start()
    own.addBucket(Bucket)
    process.env.AWS_ACCESS_KEY_ID ??= 'KEYID'
    process.env.AWS_SECRET_ACCESS_KEY ??= 'SECRET'
    process.env.AUDIT_S3_ENDPOINT = own.url
    return { url, name: 'the suite’s S3', stop: () => own.stop() }
  }
  process.env.AUDIT_S3_ENDPOINT = endpoint
  const { CreateBucketCommand, S3Client } = await import('@aws-sdk/client-s3')
  const region = process.env.AWS_REGION ?? 'us-east-1'
  const client = new S3Client({ endpoint, region, forcePathStyle: true })
  await client.send(new CreateBucketCommand({ Bucket }))
  client.destroy()
  return { url, name: 'S3', stop: async () => undefined }
}

/** Compares `audit verify --source mirror` of a chain in a bucket with GETs of its objects, alternately. */
export async function benchVerifyS3(
  home: string,
  bucket: BenchBucket,
  domainId: string,
  rows: number,
): Promise<void> {
  const mirror = ['verify', '--source', 'mirror', '--mirror', bucket.url, '--domain', domainId, '--json']
  const ours: number[] = []
  const base: number[] = []
  let megabytes = 0
  for (let round = 0; round < ROUNDS; round += 1) {
    const args = [bucket.url, domainId, String(rows), CONCURRENCY]
    base.push(Number((await baseline('baseline-get', args, { keepOutput: true })).stdout))
    const ran = await audit(home, mirror)
    const { stats } = JSON.parse(ran.stdout) as { stats: { duration_ms: number } }
    ours.push(stats.duration_ms / 1000)
    megabytes = Math.max(megabytes, ran.megabytes)
  }
  const [rate, baseRate] = [rows / median(ours), rows / median(base)]
  report(
    `verify ${rows} objects of ${bucket.name}`,
    `${Math.round(rate)} objects/s`,
    `bare GET ${Math.round(baseRate)}/s`,
    rate / baseRate,
    'at least 0.8',
  )
  report(
    'verify of S3, peak memory',
    `${Math.round(megabytes)} MB`,
    'limit 250 MB',
    megabytes / 250,
    'at most 1',
  )
}
