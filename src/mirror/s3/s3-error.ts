import { AuditError } from '../../base/errors.js'

const DENIED_STATUS: ReadonlySet<number> = new Set([401, 403])
/** Refusals with another status, or before a request is sent. */
const DENIED_NAMES: ReadonlySet<string> = new Set([
  'CredentialsProviderError',
  'ExpiredToken',
  'InvalidToken',
])
/** Errors with status 403 that do not concern the caller's permissions. */
const NOT_DENIED: ReadonlySet<string> = new Set([
  'InvalidObjectState',
  'RequestTimeTooSkewed',
  'RequestTimeout',
])

/** The part of a failed request that may be shown. The SDK's own message and error may quote keys and signatures. */
export interface S3Failure {
  /** The server's error code, or the system's. Any other text is left out. */
  readonly name: string
  readonly status: number | undefined
}

export function failureOf(error: unknown): S3Failure {
  const fields: Readonly<Record<string, unknown>> = isObject(error) ? { ...error } : {}
  const own = error instanceof Error ? error.name : undefined
  // The SDK calls every broken connection a TimeoutError, so the system's own code comes first.
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

/** Returns the error for a failed request to the mirror at `url`. Returns the reason of an aborted signal unchanged. */
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
