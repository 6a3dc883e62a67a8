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
  /** Until a fetch is given up. */
  readonly timeout: number
  /** As long as keys are taken for what the issuer has: one that it withdrew is good that long. */
  readonly maxAge: number
  /** Between two fetches for the sake of a key that is not there: anybody can ask for one. */
  readonly floor: number
  /** Between two fetches while they fail. */
  readonly failureFloor: number
}

export const JWKS_TIMES: JwksTimes = { timeout: 3_000, maxAge: 600_000, floor: 30_000, failureFloor: 2_000 }

/** Of a key set, which has a few keys of some hundred bytes. */
const MAX_BYTES = 256 * 1024

export type KeyOf = (
  header: JWTHeaderParameters,
  token: FlattenedJWSInput,
) => ReturnType<ReturnType<typeof createRemoteJWKSet>>

/**
 * The key that a token says it is signed with, from the issuer's key set, which is fetched when it is wanted. Rejects with
 * `authenticator_unavailable` where it cannot be had, and with an error of jose's where the set has no such key.
 */
export function remoteKeys(url: string, times: JwksTimes = JWKS_TIMES): KeyOf {
  const keys = createRemoteJWKSet(new URL(url), {
    timeoutDuration: times.timeout,
    cacheMaxAge: times.maxAge,
    cooldownDuration: times.floor,
    [customFetch]: patientFetch(times.failureFloor),
  })
  return async (header, token) => {
    try {
      return await keys(header, token)
    } catch (error) {
      if (isOfToken(error)) throw error
      throw new AuditError('authenticator_unavailable', 'the keys of the JWKS cannot be had', {
        cause: error,
      })
    }
  }
}

/** Rather than of the key set. */
function isOfToken(error: unknown): boolean {
  return (
    error instanceof errors.JWKSNoMatchingKey ||
    error instanceof errors.JWKSMultipleMatchingKeys ||
    error instanceof errors.JOSENotSupported
  )
}

type Fetch = (url: string, options: RequestInit) => Promise<Response>

/** jose waits between two fetches that succeed; while they fail it would try for every token that comes along. */
function patientFetch(floor: number): Fetch {
  let failedAt = Number.NEGATIVE_INFINITY
  return async (url, options) => {
    if (performance.now() - failedAt < floor) throw new Error('it failed a moment ago')
    try {
      return await fetchKeySet(url, options)
    } catch (error) {
      failedAt = performance.now()
      throw error
    }
  }
}

/** Rejects for what is no key set. */
async function fetchKeySet(url: string, options: RequestInit): Promise<Response> {
  const response = await fetch(url, options)
  if (response.status !== 200) throw new Error(`answered with ${response.status}`)
  const text = await boundedText(response)
  const { keys }: { keys?: unknown } = JSON.parse(text)
  if (!Array.isArray(keys)) throw new Error('no key set')
  return new Response(text)
}

async function boundedText({ body }: Response): Promise<string> {
  const chunks: Uint8Array[] = []
  let length = 0
  for await (const chunk of body ?? []) {
    length += chunk.length
    if (length > MAX_BYTES) throw new Error('too large for a key set')
    chunks.push(chunk)
  }
  return Buffer.concat(chunks).toString('utf8')
}
