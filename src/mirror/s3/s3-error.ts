import { AuditError } from '../../base/errors.js'

const DENIED_STATUS: ReadonlySet<number> = new Set([401, 403])
/** Refusals that come with another status, or before a request is sent. */
const DENIED_NAMES: ReadonlySet<string> = new Set([
  'CredentialsProviderError',
  'ExpiredToken',
  'InvalidToken',
])
/** 403 for another reason than who is asking. */
const NOT_DENIED: ReadonlySet<string> = new Set([
  'InvalidObjectState',
  'RequestTimeTooSkewed',
  'RequestTimeout',
])

/** A failed request as its caller may show it. The SDK's own message and error may quote keys and signatures. */
export interface S3Failure {
  /** The server's code or the system's; a text of neither kind is not passed on. */
  readonly name: string
  readonly status: number | undefined
}

export function failureOf(error: unknown): S3Failure {
  const fields: Readonly<Record<string, unknown>> = isObject(error) ? { ...error } : {}
  const own = error instanceof Error ? error.name : undefined
  // The SDK calls every broken connection a TimeoutError, so the system's own code goes first.
  const name = [fields.code, own].find(
    (text) => typeof text === 'string' && /^[A-Za-z0-9_.]{1,64}$/.test(text),
  )
  const metadata = isObject(fields.$metadata) ? fields.$metadata : {}
  const status = 'httpStatusCode' in metadata ? metadata.httpStatusCode : undefined
  return {
    name: typeof name === 'string' ? name : 'unknown error',
    status: typeof status === 'number' ? status : undefined,
  }
}

/** What a failed request to the mirror at `url` means. The reason of an aborted signal stays as it is. */
export function s3Error(url: string, what: string, error: unknown, signal: AbortSignal): unknown {
  if (error instanceof AuditError) return error
  if (signal.aborted) return signal.reason
  const { name, status } = failureOf(error)
  if (name === 'NoSuchBucket') {
    return new AuditError('mirror_unavailable', `mirror ${url}: the bucket does not exist`)
  }
  const isDenied = DENIED_NAMES.has(name) || (status !== undefined && DENIED_STATUS.has(status))
  const code = isDenied && !NOT_DENIED.has(name) ? 'mirror_permission_denied' : 'mirror_unavailable'
  const reason = status === undefined ? name : `${name}, HTTP ${status}`
  return new AuditError(code, `mirror ${url}: ${what} (${reason})`)
}

function isObject(value: unknown): value is object {
  return typeof value === 'object' && value !== null
}
