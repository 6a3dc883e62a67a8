import { createHash, randomBytes } from 'node:crypto'
import { link, mkdir, open, unlink } from 'node:fs/promises'
import { fileURLToPath } from 'node:url'
import { PutObjectCommand, S3Client } from '@aws-sdk/client-s3'

/**
 * Makes bare create-only PUTs of objects as large as ours at the given concurrency: into a bucket with the SDK, into a
 * directory by a temporary file that is written, synced and linked, with its name synced too, because a PUT must be
 * durable. With `shared syncs`, PUTs that wait for the sync of the directory share the next one. Prints the seconds of the
 * PUTs.
 */
const [url = '', count = '0', concurrency = '1', kind = ''] = process.argv.slice(2)
const BYTES = 480

const put = url.startsWith('s3://') ? bucketPut(url) : await directoryPut(fileURLToPath(url))
const begun = performance.now()
let next = 0
const work = async () => {
  while (next < Number(count)) {
    const name = `${String(next++).padStart(20, '0')}.json.zst`
    await put(name, randomBytes(BYTES))
  }
}
await Promise.all(Array.from({ length: Number(concurrency) }, work))
console.log((performance.now() - begun) / 1000)

type Put = (name: string, bytes: Buffer) => Promise<void>

async function directoryPut(dir: string): Promise<Put> {
  await mkdir(dir, { recursive: true })
  const folder = await open(dir, 'r')
  const syncNames = kind === 'shared syncs' ? shared(() => folder.sync()) : () => folder.sync()
  return async (name, bytes) => {
    const file = await open(`${dir}/${name}.tmp`, 'wx', 0o600)
    await file.writeFile(bytes)
    await file.sync()
    await file.close()
    await link(`${dir}/${name}.tmp`, `${dir}/${name}`)
    await unlink(`${dir}/${name}.tmp`)
    await syncNames()
  }
}

/** Returns a function that runs `call` once for all of its calls that came while the run before was in progress. */
function shared(call: () => Promise<void>): () => Promise<void> {
  let running = Promise.resolve()
  let next: Promise<void> | undefined
  return () => {
    next ??= running.then(() => {
      running = next ?? running
      next = undefined
      return call()
    })
    return next
  }
}

function bucketPut(place: string): Put {
  const [, bucket = '', prefix = ''] = /^s3:\/\/([^/]+)\/(.*)$/.exec(place) ?? []
  process.env.AWS_SDK_JS_NODE_VERSION_SUPPORT_WARNING_DISABLED ??= 'true'
  const client = new S3Client({
    endpoint: process.env.AUDIT_S3_ENDPOINT ?? '',
    region: process.env.AWS_REGION ?? 'us-east-1',
    forcePathStyle: true,
    requestChecksumCalculation: 'WHEN_REQUIRED',
    responseChecksumValidation: 'WHEN_REQUIRED',
    requestHandler: { httpAgent: { keepAlive: true, maxSockets: Number(concurrency) } },
  })
  return async (name, bytes) => {
    await client.send(
      new PutObjectCommand({
        Bucket: bucket,
        Key: `${prefix}/${name}`,
        Body: bytes,
        ContentLength: bytes.length,
        ContentMD5: createHash('md5').update(bytes).digest('base64'),
        IfNoneMatch: '*',
      }),
    )
  }
}
