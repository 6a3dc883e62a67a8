import { createHash } from 'node:crypto'
import { once } from 'node:events'
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'

/** How a bucket treats `If-None-Match`. AWS honours it; RGW honours it only in buckets without versioning. */
export interface BucketOptions {
  readonly versions?: boolean
  readonly ignoresConditions?: boolean
  /** The answer to every PUT with the header, in place of creating the object. */
  readonly refusesConditions?: { readonly status: number; readonly code: string }
  /** The status that says that the object exists. Default: 412. */
  readonly existsStatus?: number
}

/** What happens to a request in place of its response. */
export type Fault =
  /** Not applied: the connection is cut. */
  | { readonly kind: 'cut' }
  /** Applied, and then the connection is cut. */
  | { readonly kind: 'cut_after' }
  | { readonly kind: 'error'; readonly status: number; readonly code: string }
  /** No response ever comes. */
  | { readonly kind: 'hang' }
  /** The headers and half of the body. */
  | { readonly kind: 'half' }
  /** Half of the body and a proper end: in chunks, or with the header that is given. */
  | { readonly kind: 'short'; readonly headers?: Readonly<Record<string, string>> }
  /** Status 200 with this body, like a proxy that does not speak S3. */
  | { readonly kind: 'body'; readonly body: string; readonly etag?: string }
  /** Status 200 and one byte every 20 ms, without an end. */
  | { readonly kind: 'drip' }

/** A request, as faults are chosen by and as logged: `PUT key`, `HEAD key`, `GET key`, `LIST`, `VERSIONS`, `COPY key`. */
export interface Seen {
  readonly verb: 'PUT' | 'COPY' | 'GET' | 'HEAD' | 'LIST' | 'VERSIONS'
  readonly key: string
}

interface Version {
  readonly id: string
  readonly bytes: Buffer
  readonly time: number
  /** A delete marker. */
  readonly isDeleted: boolean
}

interface Bucket extends BucketOptions {
  /** Versions by key, oldest first. */
  readonly objects: Map<string, Version[]>
}

interface Answer {
  readonly status: number
  readonly headers?: Readonly<Record<string, string>>
  readonly body?: Buffer
}

const PAGE = 1000

/**
 * A small S3 server in this process, for behaviour that a real server cannot be made to show. It implements what the
 * mirror uses: PUT with If-None-Match and Content-MD5, server-side copy, GET, HEAD, and ListObjectsV2 and
 * ListObjectVersions in pages, URL-encoded. Its clock advances by one second per write. It checks no signature.
 */
export class S3Server {
  readonly seen: Seen[] = []
  /** Returns the fault for each request. Default: no fault. */
  fault: (request: Seen) => Fault | undefined = () => undefined
  /** Called after a PUT was applied and before it is answered. */
  onPut: (key: string) => void = () => {}
  /** Changes a page of a listing, to make the server lie. */
  listing: (keys: string[]) => string[] = (keys) => keys
  readonly #buckets = new Map<string, Bucket>()
  readonly #server: Server
  #clock = Date.parse('2026-04-28T10:00:00Z')
  #versions = 0

  private constructor() {
    this.#server = createServer((request, response) => void this.#serve(request, response))
  }

  static async start(): Promise<S3Server> {
    const server = new S3Server()
    server.#server.listen(0, '127.0.0.1')
    await once(server.#server, 'listening')
    return server
  }

  get url(): string {
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}`
  }

  async stop(): Promise<void> {
    this.#server.closeAllConnections()
    if (this.#server.listening) await new Promise((resolve) => this.#server.close(resolve))
  }

  addBucket(name: string, options: BucketOptions = {}): void {
    this.#buckets.set(name, { ...options, objects: new Map() })
  }

  /** Puts an object without any condition, like another client. */
  put(bucket: string, key: string, bytes: Uint8Array): void {
    this.#write(this.#bucket(bucket), key, Buffer.from(bytes), false)
  }

  /** Deletes an object like another client; with versioning, adds a delete marker. */
  remove(bucket: string, key: string): void {
    this.#write(this.#bucket(bucket), key, Buffer.alloc(0), true)
  }

  /** Returns the bytes of a key's versions, oldest first. */
  versionsOf(bucket: string, key: string): readonly Buffer[] {
    return (this.#bucket(bucket).objects.get(key) ?? []).map(({ bytes }) => bytes)
  }

  /** Returns the log since the last call, as text. */
  takeSeen(): string[] {
    return this.seen.splice(0).map(({ verb, key }) => (key === '' ? verb : `${verb} ${key}`))
  }

  #bucket(name: string): Bucket {
    const bucket = this.#buckets.get(name)
    if (bucket === undefined) throw new Error(`no bucket ${name}`)
    return bucket
  }

  async #serve(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const url = new URL(request.url ?? '/', 'http://host')
    const [, name = '', ...rest] = url.pathname.split('/')
    const key = rest.map(decodeURIComponent).join('/')
    // A client that is killed sends no more data. That is no failure of the test.
    const chunks: Buffer[] | undefined = await request.toArray().catch(() => undefined)
    if (chunks === undefined) return
    const body = Buffer.concat(chunks)
    const seen: Seen = { verb: verbOf(request, url, key), key }
    this.seen.push(seen)
    const fault = this.fault(seen)
    if (fault?.kind === 'cut') request.socket.destroy()
    if (fault?.kind === 'cut' || fault?.kind === 'hang') return
    if (fault?.kind === 'drip') return drip(response)
    const answer =
      fault?.kind === 'error'
        ? problem(fault.status, fault.code)
        : fault?.kind === 'body'
          ? { status: 200, headers: { etag: fault.etag ?? '' }, body: Buffer.from(fault.body) }
          : this.#answer(seen, this.#buckets.get(name), request, url, body)
    if (fault?.kind === 'cut_after') request.socket.destroy()
    else if (fault?.kind === 'short') sendShort(response, answer, fault.headers)
    else send(request, response, answer, fault?.kind === 'half')
  }

  #answer(
    { verb, key }: Seen,
    bucket: Bucket | undefined,
    request: IncomingMessage,
    url: URL,
    body: Buffer,
  ): Answer {
    if (bucket === undefined) return problem(404, 'NoSuchBucket')
    if (verb === 'LIST') return this.#list(bucket, url.searchParams)
    if (verb === 'VERSIONS') return versionList(bucket, url.searchParams)
    if (verb === 'PUT') return this.#put(bucket, key, request, body)
    if (verb === 'COPY') return this.#copy(bucket, key, String(request.headers['x-amz-copy-source']))
    const version = currentVersion(bucket, key)
    if (version === undefined) return problem(404, 'NoSuchKey')
    return { status: 200, headers: { etag: etagOf(version.bytes) }, body: version.bytes }
  }

  #put(bucket: Bucket, key: string, request: IncomingMessage, body: Buffer): Answer {
    if (request.headers['content-md5'] !== md5(body, 'base64')) return problem(400, 'BadDigest')
    const isConditional = request.headers['if-none-match'] === '*' && bucket.ignoresConditions !== true
    const refusal = bucket.refusesConditions
    if (isConditional && refusal !== undefined) return problem(refusal.status, refusal.code)
    if (isConditional && currentVersion(bucket, key) !== undefined)
      return problem(bucket.existsStatus ?? 412, 'PreconditionFailed')
    const version = this.#write(bucket, key, body, false)
    this.onPut(key)
    return { status: 200, headers: written(bucket, version) }
  }

  #copy(bucket: Bucket, key: string, source: string): Answer {
    const id = new URLSearchParams(source.slice(source.indexOf('?'))).get('versionId')
    const from = (bucket.objects.get(key) ?? []).find((version) => version.id === id)
    if (from === undefined) return problem(404, 'NoSuchVersion')
    const version = this.#write(bucket, key, from.bytes, false)
    const body = xml(`<CopyObjectResult><ETag>${escaped(etagOf(from.bytes))}</ETag></CopyObjectResult>`)
    return { status: 200, headers: written(bucket, version), body }
  }

  #write(bucket: Bucket, key: string, bytes: Buffer, isDeleted: boolean): Version {
    this.#clock += 1000
    this.#versions += 1
    const version = { id: `v${this.#versions}`, bytes, time: this.#clock, isDeleted }
    const before = bucket.versions === true ? (bucket.objects.get(key) ?? []) : []
    bucket.objects.set(key, [...before, version])
    return version
  }

  #list(bucket: Bucket, query: URLSearchParams): Answer {
    const token = query.get('continuation-token')
    const after = token === null ? (query.get('start-after') ?? '') : Buffer.from(token, 'base64').toString()
    const prefix = query.get('prefix') ?? ''
    const delimiter = query.get('delimiter')
    const currentKeys = keysOf(bucket, prefix).filter((key) => currentVersion(bucket, key) !== undefined)
    const all = delimiter === null ? currentKeys : foldersOf(currentKeys, prefix, delimiter)
    const rest = all.filter((key) => after === '' || Buffer.compare(Buffer.from(key), Buffer.from(after)) > 0)
    const page = rest.slice(0, PAGE)
    const last = page.at(-1) ?? ''
    const next = `<NextContinuationToken>${Buffer.from(last).toString('base64')}</NextContinuationToken>`
    const contents = this.listing(page).map((key) => {
      const { bytes, time } = currentVersion(bucket, key) ?? { bytes: Buffer.alloc(0), time: 0 }
      if (delimiter !== null && key.endsWith(delimiter))
        return `<CommonPrefixes><Prefix>${urlEncoded(key)}</Prefix></CommonPrefixes>`
      const when = `<LastModified>${new Date(time).toISOString()}</LastModified>`
      const facts = `<ETag>${escaped(etagOf(bytes))}</ETag><Size>${bytes.length}</Size>${when}`
      return `<Contents><Key>${urlEncoded(key)}</Key>${facts}</Contents>`
    })
    const more = page.length < rest.length
    return {
      status: 200,
      body: xml(
        `<ListBucketResult><IsTruncated>${more}</IsTruncated>${more ? next : ''}${contents.join('')}</ListBucketResult>`,
      ),
    }
  }
}

/** Returns the keys up to the first delimiter after the prefix, each once. */
function foldersOf(keys: readonly string[], prefix: string, delimiter: string): string[] {
  const cut = (key: string) => {
    const at = key.indexOf(delimiter, prefix.length)
    return at < 0 ? key : key.slice(0, at + 1)
  }
  return [...new Set(keys.map(cut))]
}

/** Pages of three, so that a test sees more than one. */
function versionList(bucket: Bucket, query: URLSearchParams): Answer {
  const prefix = query.get('prefix') ?? ''
  const all = keysOf(bucket, prefix).flatMap((key) =>
    (bucket.objects.get(key) ?? []).map((version) => ({ key, ...version })).reverse(),
  )
  const marker = query.get('version-id-marker')
  const from = all.findIndex(({ id }) => id === marker) + 1
  const page = all.slice(from, from + 3)
  const next = page.at(-1)
  const more = from + 3 < all.length
  const items = page.map(({ key, id, bytes, time, isDeleted }) => {
    const facts = `<Key>${urlEncoded(key)}</Key><VersionId>${id}</VersionId>`
    const when = `<LastModified>${new Date(time).toISOString()}</LastModified>`
    return isDeleted
      ? `<DeleteMarker>${facts}${when}</DeleteMarker>`
      : `<Version>${facts}${when}<ETag>${escaped(etagOf(bytes))}</ETag></Version>`
  })
  const markers = `<NextKeyMarker>${urlEncoded(next?.key ?? '')}</NextKeyMarker><NextVersionIdMarker>${next?.id}</NextVersionIdMarker>`
  return {
    status: 200,
    body: xml(
      `<ListVersionsResult><IsTruncated>${more}</IsTruncated>${more ? markers : ''}${items.join('')}</ListVersionsResult>`,
    ),
  }
}

function verbOf(request: IncomingMessage, url: URL, key: string): Seen['verb'] {
  if (key === '') return url.searchParams.has('versions') ? 'VERSIONS' : 'LIST'
  if (request.method === 'PUT') return request.headers['x-amz-copy-source'] === undefined ? 'PUT' : 'COPY'
  return request.method === 'HEAD' ? 'HEAD' : 'GET'
}

function currentVersion(bucket: Bucket, key: string): Version | undefined {
  const version = bucket.objects.get(key)?.at(-1)
  return version?.isDeleted === true ? undefined : version
}

function keysOf(bucket: Bucket, prefix: string): string[] {
  const keys = [...bucket.objects.keys()].filter((key) => key.startsWith(prefix))
  return keys.sort((a, b) => Buffer.compare(Buffer.from(a), Buffer.from(b)))
}

function written(bucket: Bucket, { bytes, id }: Version): Record<string, string> {
  return { etag: etagOf(bytes), ...(bucket.versions === true ? { 'x-amz-version-id': id } : {}) }
}

/** Returns an error that quotes secrets, like real servers. */
function problem(status: number, code: string): Answer {
  const body = `<Error><Code>${code}</Code><Message>SECRET</Message><AWSAccessKeyId>KEYID</AWSAccessKeyId></Error>`
  return { status, body: xml(body) }
}

function send(request: IncomingMessage, response: ServerResponse, answer: Answer, isHalf: boolean): void {
  const { status, headers, body = Buffer.alloc(0) } = answer
  response.writeHead(status, { ...headers, 'content-length': String(body.length) })
  if (request.method === 'HEAD') response.end()
  else if (isHalf) response.write(body.subarray(0, body.length / 2), () => request.socket.destroy())
  else response.end(body)
}

function sendShort(
  response: ServerResponse,
  { status, headers, body = Buffer.alloc(0) }: Answer,
  more: Readonly<Record<string, string>> = {},
): void {
  response.writeHead(more['content-range'] === undefined ? status : 206, { ...headers, ...more })
  response.write(body.subarray(0, body.length / 2))
  response.end()
}

function drip(response: ServerResponse): void {
  response.writeHead(200, { etag: '"x"' })
  const timer = setInterval(() => response.write(' '), 20)
  response.once('close', () => clearInterval(timer))
}

function xml(text: string): Buffer {
  return Buffer.from(`<?xml version="1.0" encoding="UTF-8"?>${text}`)
}

function escaped(text: string): string {
  return text.replaceAll('&', '&amp;').replaceAll('"', '&quot;')
}

/** Encodes like AWS, with + for a space. */
function urlEncoded(key: string): string {
  return encodeURIComponent(key).replaceAll('%20', '+').replaceAll('%2F', '/')
}

function md5(bytes: Buffer, encoding: 'hex' | 'base64'): string {
  return createHash('md5').update(bytes).digest(encoding)
}

function etagOf(bytes: Buffer): string {
  return `"${md5(bytes, 'hex')}"`
}
