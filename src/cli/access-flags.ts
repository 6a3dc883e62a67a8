import * as Flags from '@oclif/core/flags'
import { AuditError } from '../errors.js'

const helpGroup = 'ACCESS'

/** JWTs as credentials. Read with {@link jwtOf}. */
export const jwtFlags = {
  'jwks-url': Flags.string({
    helpGroup,
    helpValue: 'URL',
    env: 'AUDIT_JWKS_URL',
    summary: 'also take JWTs that are signed with a key of this JWKS; https alone, but on this machine',
  }),
  'jwt-issuer': Flags.string({
    helpGroup,
    helpValue: 'TEXT',
    env: 'AUDIT_JWT_ISSUER',
    summary: 'what their iss must be',
  }),
  'jwt-audience': Flags.string({
    helpGroup,
    helpValue: 'TEXT',
    env: 'AUDIT_JWT_AUDIENCE',
    summary: 'what their aud must name',
  }),
  'jwt-algorithm': Flags.string({
    helpGroup,
    multiple: true,
    helpValue: 'NAME',
    options: ['RS256', 'RS384', 'RS512', 'PS256', 'PS384', 'PS512', 'ES256', 'ES384', 'ES512', 'EdDSA'],
    summary: 'what they may be signed with; default: RS256, PS256, ES256, EdDSA',
  }),
}

export interface JwtOptions {
  readonly jwksUrl: string
  readonly issuer: string
  readonly audience: string
  readonly algorithms: readonly string[]
}

export interface AccessOptions {
  readonly jwt?: JwtOptions | undefined
}

/** What oclif's parser returns of these flags. */
export interface JwtFlags {
  readonly 'jwks-url'?: string | undefined
  readonly 'jwt-issuer'?: string | undefined
  readonly 'jwt-audience'?: string | undefined
  readonly 'jwt-algorithm'?: readonly string[] | undefined
}

const ALGORITHMS = ['RS256', 'PS256', 'ES256', 'EdDSA']

/** Throws `usage`: without an issuer and an audience, a token of anybody's that is signed there would do. */
export function jwtOf(flags: JwtFlags): JwtOptions | undefined {
  const { 'jwks-url': jwksUrl, 'jwt-issuer': issuer, 'jwt-audience': audience } = flags
  const algorithms = flags['jwt-algorithm'] ?? []
  if (jwksUrl === undefined && issuer === undefined && audience === undefined && algorithms.length === 0) {
    return undefined
  }
  if (!jwksUrl || !issuer || !audience) {
    throw new AuditError('usage', '--jwks-url, --jwt-issuer and --jwt-audience come together')
  }
  assertJwksUrl(jwksUrl)
  return { jwksUrl, issuer, audience, algorithms: algorithms.length > 0 ? algorithms : ALGORITHMS }
}

/** Whoever could answer in place of the issuer could sign for everybody. */
function assertJwksUrl(text: string): void {
  const url = URL.canParse(text) ? new URL(text) : undefined
  const isHere = /^(?:localhost|127(?:\.\d+){3}|\[::1\])$/.test(url?.hostname ?? '')
  if (url?.protocol === 'https:' || (url?.protocol === 'http:' && isHere)) return
  throw new AuditError('usage', '--jwks-url: expected a URL https://…')
}
