import { GetObjectCommand, S3Client } from '@aws-sdk/client-s3'

/** GETs a chain's objects with the SDK at the given concurrency, drops them, and prints the seconds. */
const [url = '', domainId = '', count = '0', concurrency = '1'] = process.argv.slice(2)
const [, bucket = '', prefix = ''] = /^s3:\/\/([^/]+)\/(.*)$/.exec(url) ?? []
process.env.AWS_SDK_JS_NODE_VERSION_SUPPORT_WARNING_DISABLED ??= 'true'
const client = new S3Client({
  endpoint: process.env.AUDIT_S3_ENDPOINT ?? '',
  region: process.env.AWS_REGION ?? 'us-east-1',
  forcePathStyle: true,
  requestChecksumCalculation: 'WHEN_REQUIRED',
  responseChecksumValidation: 'WHEN_REQUIRED',
  requestHandler: { httpAgent: { keepAlive: true, maxSockets: Number(concurrency) } },
})
const begun = performance.now()
let next = 1
const work = async () => {
  while (next <= Number(count)) {
    const name = `${String(next++).padStart(20, '0')}.json.zst`
    const command = new GetObjectCommand({ Bucket: bucket, Key: `${prefix}/audit/${domainId}/${name}` })
    await (await client.send(command)).Body?.transformToByteArray()
  }
}
await Promise.all(Array.from({ length: Number(concurrency) }, work))
console.log((performance.now() - begun) / 1000)
