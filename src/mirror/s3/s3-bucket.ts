import { setMaxListeners } from 'node:events'
import { S3Client, type S3ClientConfig } from '@aws-sdk/client-s3'
import { AuditError } from '../../base/errors.js'
import { MAX_UPLOADS_IN_FLIGHT } from '../../ports/archive.js'
import { guardAnswer } from './s3-answer.js'
import { s3Error } from './s3-error.js'

export type Env = Readonly<Record<string, string | undefined>>

/** How long to wait for a server, in milliseconds. A test sets its own times. */
export interface S3Patience {
  readonly connect: number
  /** The limit of one attempt, to the end of the response headers, and of a socket without data. */
  readonly request: number
  /**
   * Attempts in all. Each retry waits up to 0.1 s, or up to 0.5 s where the server is overloaded; the bound doubles with
   * each retry, and the wait has jitter.
   */
  readonly attempts: number
  /**
   * The limit of a wait without progress: for a listing, until the next new key; for any body, until the next 16 KiB or
   * its end.
   */
  readonly stall: number
}

const DEFAULT_LIMITS: S3Patience = { connect: 5_000, request: 15_000, attempts: 5, stall: 30_000 }
/** Callers limit their own calls. This leaves room for reads beside the uploads, so that no call queues inside the SDK. */
const SOCKETS = 2 * MAX_UPLOADS_IN_FLIGHT

/** One bucket and prefix, and its client. Every failure is an AuditError that shows no secret. */
export class S3Bucket {
  readonly url: string
  readonly client: S3Client
  /** Empty, or ends with a slash. */
  readonly prefix: string
  /** Whether the server is AWS itself; false until a request was sent. */
  isAws = false

  constructor(
    readonly name: string,
    prefix: string,
    env: Env,
    readonly patience: S3Patience = DEFAULT_LIMITS,
  ) {
    this.url = prefix === '' ? `s3://${name}` : `s3://${name}/${prefix}`
    this.prefix = prefix === '' ? '' : `${prefix}/`
    this.client = new S3Client(configOf(env, patience))
    this.client.middlewareStack.add(
      (next) => (args) => {
        this.isAws = isAwsHost(args.request)
        return next(args)
      },
      { step: 'finalizeRequest', name: 'auditHost' },
    )
    // The innermost step: it sees the answer before the SDK parses it.
    this.client.middlewareStack.add(
      (next, context) => async (args) => {
        const result = await next(args)
        await guardAnswer(this.url, patience.stall, context.commandName, result.response)
        return result
      },
      { step: 'deserialize', priority: 'low', name: 'auditAnswer' },
    )
  }

  /** Returns the name of a key's object in the bucket. */
  nameOf(key: string): string {
    return this.prefix + key
  }

  /** Runs a request. Rejects with its error as {@link s3Error} converts it. */
  async attempt<T>(what: string, signal: AbortSignal, request: () => Promise<T>): Promise<T> {
    signal.throwIfAborted()
    // Each request in flight listens to the signal, and Node warns of a leak at eleven listeners.
    setMaxListeners(0, signal)
    try {
      return await request()
    } catch (error) {
      throw s3Error(this.url, what, error, signal)
    }
  }
}

function configOf(env: Env, patience: S3Patience): S3ClientConfig {
  // Otherwise the SDK prints on stderr, which belongs to this program, that a later version will need a newer Node.
  process.env.AWS_SDK_JS_NODE_VERSION_SUPPORT_WARNING_DISABLED ??= 'true'
  const endpoint = endpointOf(env)
  return {
    ...(endpoint === undefined ? {} : { endpoint }),
    region: env.AWS_REGION || env.AWS_DEFAULT_REGION || 'us-east-1',
    forcePathStyle: true,
    followRegionRedirects: true,
    // Other servers refuse or ignore the checksums of AWS. All of them check ContentMD5.
    requestChecksumCalculation: 'WHEN_REQUIRED',
    responseChecksumValidation: 'WHEN_REQUIRED',
    retryMode: 'standard',
    maxAttempts: patience.attempts,
    requestHandler: {
      connectionTimeout: patience.connect,
      requestTimeout: patience.request,
      throwOnRequestTimeout: true,
      socketTimeout: patience.request,
      httpAgent: { keepAlive: true, maxSockets: SOCKETS },
      httpsAgent: { keepAlive: true, maxSockets: SOCKETS },
    },
    logger: SILENT,
  }
}

const SILENT = { trace: () => {}, debug: () => {}, info: () => {}, warn: () => {}, error: () => {} }

function endpointOf(env: Env): string | undefined {
  const text = env.AUDIT_S3_ENDPOINT
  if (text === undefined || text === '') return undefined
  const url = URL.canParse(text) ? new URL(text) : undefined
  const isHttp = url !== undefined && /^https?:$/.test(url.protocol)
  // The message does not show the text, which may hold credentials.
  if (!isHttp || url.username !== '' || url.password !== '') {
    throw new AuditError('usage', 'AUDIT_S3_ENDPOINT: expected http://host[:port] or https://host[:port]')
  }
  return text
}

function isAwsHost(request: unknown): boolean {
  const isRequest = typeof request === 'object' && request !== null && 'hostname' in request
  return isRequest && /(^|\.)amazonaws\.com(\.cn)?$/.test(String(request.hostname))
}
