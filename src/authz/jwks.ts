import {
  createRemoteJWKSet,
  customFetch,
  errors,
  type FlattenedJWSInput,
  type JWTHeaderParameters,
} from 'jose'
import { AuditError } from '../base/errors.js'

/** Milliseconds. */
export interface JwksTimes {
  /** Timeout of a fetch. */
  readonly timeout: number
  /** Age up to which cached keys are used. A key that the issuer withdrew stays valid for that long. */
  readonly maxAge: number
  /** Shortest time between two fetches for an unknown key. Any caller can name one. */
  readonly floor: number
  /** Shortest time between two fetches while they fail. */
  readonly failureFloor: number
}

export const JWKS_TIMES: JwksTimes = { timeout: 3_000, maxAge: 600_000, floor: 30_000, failureFloor: 2_000 }

/** Limit of a key set, which has a few keys of some hundred bytes each. */
const MAX_BYTES = 256 * 1024

export type KeyOf = (
  header: JWTHeaderParameters,
  token: FlattenedJWSInput,
) => ReturnType<ReturnType<typeof createRemoteJWKSet>>

/**
 * Returns a function that finds the key of a token in the issuer's key set, and fetches the set when needed. That function
 * rejects with `authenticator_unavailable` when the set cannot be fetched, and with an error of jose when it has no such key.
 */
export function remoteKeys(url: string, times: JwksTimes = JWKS_TIMES): KeyOf {
  const keys = createRemoteJWKSet(new URL(url), {
    timeoutDuration: times.timeout,
    cacheMaxAge: times.maxAge,
    cooldownDuration: times.floor,
    [customFetch]: throttledFetch(times.failureFloor),
  })
  return async (header, token) => {
    try {
      return await keys(header, token)
    } catch (error) {
      if (isTokenFault(error)) throw error
      throw new AuditError('authenticator_unavailable', 'the JWKS cannot be fetched', {
        cause: error,
      })
    }
  }
}

/** Returns whether the token is at fault and not the key set. */
function isTokenFault(error: unknown): boolean {
  return (
    error instanceof errors.JWKSNoMatchingKey ||
    error instanceof errors.JWKSMultipleMatchingKeys ||
    error instanceof errors.JOSENotSupported
  )
}

type Fetch = (url: string, options: RequestInit) => Promise<Response>

/** Returns a fetch that waits after a failure. jose only waits after a success, and would retry for every token. */
function throttledFetch(floor: number): Fetch {
  let failedAt = Number.NEGATIVE_INFINITY
  return async (url, options) => {
    if (performance.now() - failedAt < floor) throw new Error('the fetch failed a moment ago')
    try {
      return await fetchKeySet(url, options)
    } catch (error) {
      failedAt = performance.now()
      throw error
    }
  }
}

/** Fetches a key set. Rejects if the answer is not a key set. */
async function fetchKeySet(url: string, options: RequestInit): Promise<Response> {
  const response = await fetch(url, options)
  if (response.status !== 200) throw new Error(`the issuer answered ${response.status}`)
  const text = await boundedText(response)
  const { keys }: { keys?: unknown } = JSON.parse(text)
  if (!Array.isArray(keys)) throw new Error('the answer is not a key set')
  return new Response(text)
}

async function boundedText({ body }: Response): Promise<string> {
  const chunks: Uint8Array[] = []
  let length = 0
  for await (const chunk of body ?? []) {
    length += chunk.length
    if (length > MAX_BYTES) throw new Error('the answer is too large for a key set')
    chunks.push(chunk)
  }
  return Buffer.concat(chunks).toString('utf8')
}
