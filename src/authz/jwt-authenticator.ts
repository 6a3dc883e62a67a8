import { errors, type JWTPayload, type JWTVerifyOptions, jwtVerify } from 'jose'
import { LIMITS, textProblem } from '../chain/limits.js'
import type { Authenticator, Principal } from '../ports/access.js'
import { JWKS_TIMES, type JwksTimes, type KeyOf, remoteKeys } from './jwks.js'

export interface JwtSettings {
  readonly jwksUrl: string
  readonly issuer: string
  readonly audience: string
  /** Of signatures by a private key alone: with a shared secret, the public key would be one. */
  readonly algorithms: readonly string[]
}

/** Seconds by which clocks may differ. */
const LEEWAY = 10

/**
 * JWTs of one issuer, for one audience, signed with a key of its JWKS and one of the algorithms; `sub` is a user. A token
 * without exp or sub is none. Which of it all was wrong is not told.
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
        // TypeError: a key that is too short for its algorithm.
        if (error instanceof errors.JOSEError || error instanceof TypeError) return undefined
        throw error
      }
    },
  }
}

/** A token need not name its key (RFC 7515, section 4.1.4): then each of the set that could be it is tried. */
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

/** Undefined where it is another key's signature. */
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

/** SpiceDB takes `*` for everybody. */
function principalOf(sub: unknown): Principal | undefined {
  if (typeof sub !== 'string' || sub === '*' || /[\p{Cc}\p{Z}]/u.test(sub)) return undefined
  if (textProblem(sub, 1, LIMITS.subjectIdBytes) !== undefined) return undefined
  return { subject: `user:${sub}`, subjectId: sub, readOnly: false, ownerOnly: false }
}

/** A JWT is of three parts with dots between them, an API key has none. */
export function eitherAuthenticator(keys: Authenticator, jwts: Authenticator): Authenticator {
  return {
    authenticate: (bearer, signal) => {
      const { authenticate } = bearer.split('.').length === 3 ? jwts : keys
      return authenticate(bearer, signal)
    },
  }
}
