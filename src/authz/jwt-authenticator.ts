import { errors, type JWTPayload, type JWTVerifyOptions, jwtVerify } from 'jose'
import { LIMITS, textProblem } from '../chain/limits.js'
import type { Authenticator, Principal } from '../ports/access.js'
import { JWKS_TIMES, type JwksTimes, type KeyOf, remoteKeys } from './jwks.js'

export interface JwtSettings {
  readonly jwksUrl: string
  readonly issuer: string
  readonly audience: string
  /** Algorithms with a private key only: with a shared-secret algorithm, the public key would be a valid secret. */
  readonly algorithms: readonly string[]
}

/** Seconds that clocks may differ by. */
const LEEWAY = 10

/**
 * Authenticates JWTs of one issuer for one audience, signed with a key of its JWKS and one of the algorithms. `sub` names a
 * user. Refuses a token without exp or sub, and does not report what is wrong with a refused token.
 */
export function jwtAuthenticator(settings: JwtSettings, times: JwksTimes = JWKS_TIMES): Authenticator {
  const keyOf = remoteKeys(settings.jwksUrl, times)
  const rules = {
    issuer: settings.issuer,
    audience: settings.audience,
    algorithms: [...settings.algorithms],
    requiredClaims: ['exp', 'sub'],
    clockTolerance: LEEWAY,
  }
  return {
    async authenticate(bearer) {
      try {
        return principalOf((await claimsOf(bearer, keyOf, rules)).sub)
      } catch (error) {
        // jose throws a TypeError for a key that is too short for its algorithm.
        if (error instanceof errors.JOSEError || error instanceof TypeError) return undefined
        throw error
      }
    },
  }
}

/** Verifies a token. A token need not name its key (RFC 7515, section 4.1.4): then tries each key of the set that fits. */
async function claimsOf(bearer: string, keyOf: KeyOf, rules: JWTVerifyOptions): Promise<JWTPayload> {
  try {
    return (await jwtVerify(bearer, keyOf, rules)).payload
  } catch (error) {
    if (!(error instanceof errors.JWKSMultipleMatchingKeys)) throw error
    for await (const key of error) {
      const claims = await claimsBy(key, bearer, rules)
      if (claims !== undefined) return claims
    }
    throw error
  }
}

/** Resolves with undefined when another key made the signature. */
async function claimsBy(
  key: Awaited<ReturnType<KeyOf>>,
  bearer: string,
  rules: JWTVerifyOptions,
): Promise<JWTPayload | undefined> {
  try {
    return (await jwtVerify(bearer, key, rules)).payload
  } catch (error) {
    if (error instanceof errors.JWSSignatureVerificationFailed) return undefined
    throw error
  }
}

/** Returns the caller, or undefined for a bad `sub`. SpiceDB reads `*` as everybody. */
function principalOf(sub: unknown): Principal | undefined {
  if (typeof sub !== 'string' || sub === '*' || /[\p{Cc}\p{Z}]/u.test(sub)) return undefined
  if (textProblem(sub, 1, LIMITS.subjectIdBytes) !== undefined) return undefined
  return { subject: `user:${sub}`, subjectId: sub, readOnly: false, hasOwnerKey: false }
}

/** Returns an authenticator for both credentials. A JWT has three parts with dots between them, an API key has no dot. */
export function eitherAuthenticator(keys: Authenticator, jwts: Authenticator): Authenticator {
  return {
    authenticate: (bearer, signal) => {
      const { authenticate } = bearer.split('.').length === 3 ? jwts : keys
      return authenticate(bearer, signal)
    },
  }
}
