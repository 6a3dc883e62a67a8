import * as Flags from '@oclif/core/flags'
import { AuditError } from '../../base/errors.js'
import type { JwtOptions, SpicedbOptions } from '../../compose/access-types.js'
import { readPem } from '../flags/read-pem.js'
import { CommandError } from '../shell/command-error.js'

const helpGroup = 'ACCESS'

/** The flags that choose the authorizer. Read with {@link parseSpicedb}. */
export const spicedbFlags = {
  'spicedb-endpoint': Flags.string({
    helpGroup,
    helpValue: 'HOST:PORT',
    env: 'AUDIT_SPICEDB_ENDPOINT',
    summary:
      'the SpiceDB that decides who may do what; its token is in AUDIT_SPICEDB_TOKEN; default: relations in the database',
  }),
  'spicedb-ca': Flags.string({
    helpGroup,
    helpValue: 'FILE',
    env: 'AUDIT_SPICEDB_CA',
    summary: 'CA certificates (PEM) for the TLS certificate of SpiceDB; default: those of the system',
  }),
  'spicedb-insecure': Flags.boolean({
    helpGroup,
    env: 'AUDIT_SPICEDB_INSECURE',
    summary: 'connect without TLS: anyone on the network path can read the token and forge answers',
  }),
}

/** The flags that accept JWTs as credentials. Read with {@link parseJwt}. */
export const jwtFlags = {
  'jwks-url': Flags.string({
    helpGroup,
    helpValue: 'URL',
    env: 'AUDIT_JWKS_URL',
    summary: 'also accept JWTs that are signed with a key of this JWKS; https only, except on this machine',
  }),
  'jwt-issuer': Flags.string({
    helpGroup,
    helpValue: 'TEXT',
    env: 'AUDIT_JWT_ISSUER',
    summary: 'the value that iss must have in JWTs',
  }),
  'jwt-audience': Flags.string({
    helpGroup,
    helpValue: 'TEXT',
    env: 'AUDIT_JWT_AUDIENCE',
    summary: 'the audience that aud must name in JWTs',
  }),
  'jwt-algorithm': Flags.string({
    helpGroup,
    multiple: true,
    helpValue: 'NAME',
    options: ['RS256', 'RS384', 'RS512', 'PS256', 'PS384', 'PS512', 'ES256', 'ES384', 'ES512', 'EdDSA'],
    summary: 'a signature algorithm to accept in JWTs; default: RS256, PS256, ES256, EdDSA',
  }),
}

/** What oclif's parser returns of these flags. */
export interface SpicedbFlags {
  readonly 'spicedb-endpoint'?: string | undefined
  readonly 'spicedb-ca'?: string | undefined
  readonly 'spicedb-insecure'?: boolean
}

export interface JwtFlags {
  readonly 'jwks-url'?: string | undefined
  readonly 'jwt-issuer'?: string | undefined
  readonly 'jwt-audience'?: string | undefined
  readonly 'jwt-algorithm'?: readonly string[] | undefined
}

/** Returns the settings of SpiceDB. Reads the token from the environment only: any user can read a flag's value. Throws `usage`. */
export function parseSpicedb(flags: SpicedbFlags, environment = process.env): SpicedbOptions | undefined {
  const { 'spicedb-endpoint': endpoint, 'spicedb-ca': ca, 'spicedb-insecure': insecure = false } = flags
  if (endpoint === undefined) {
    if (ca === undefined && !insecure) return undefined
    throw new AuditError('usage', '--spicedb-ca and --spicedb-insecure need --spicedb-endpoint')
  }
  if (!/^[A-Za-z0-9.-]+:\d{1,5}$|^\[[0-9a-fA-F:]+\]:\d{1,5}$/.test(endpoint)) {
    throw new AuditError('usage', '--spicedb-endpoint: expected host:port')
  }
  if (insecure && ca !== undefined) {
    throw new AuditError('usage', '--spicedb-ca and --spicedb-insecure exclude each other')
  }
  const token = environment.AUDIT_SPICEDB_TOKEN
  if (token) return { endpoint, token, ca: pemReader('--spicedb-ca', ca), isInsecure: insecure }
  throw new CommandError('usage', 'no token for SpiceDB', 'set AUDIT_SPICEDB_TOKEN')
}

function pemReader(flag: string, path: string | undefined): (() => Promise<Buffer>) | undefined {
  return path === undefined ? undefined : () => readPem(flag, path)
}

const ALGORITHMS = ['RS256', 'PS256', 'ES256', 'EdDSA']

/** Returns the settings for JWTs. Throws `usage`: without an issuer and an audience, any token that the issuer signed would pass. */
export function parseJwt(flags: JwtFlags): JwtOptions | undefined {
  const { 'jwks-url': jwksUrl, 'jwt-issuer': issuer, 'jwt-audience': audience } = flags
  const algorithms = flags['jwt-algorithm'] ?? []
  if (jwksUrl === undefined && issuer === undefined && audience === undefined && algorithms.length === 0) {
    return undefined
  }
  if (!jwksUrl || !issuer || !audience) {
    throw new AuditError('usage', '--jwks-url, --jwt-issuer and --jwt-audience need each other')
  }
  assertJwksUrl(jwksUrl)
  return { jwksUrl, issuer, audience, algorithms: algorithms.length > 0 ? algorithms : ALGORITHMS }
}

/** Throws `usage` for a URL without TLS: someone who answers in place of the issuer could sign for every user. */
function assertJwksUrl(text: string): void {
  const url = URL.canParse(text) ? new URL(text) : undefined
  const isHere = /^(?:localhost|127(?:\.\d+){3}|\[::1\])$/.test(url?.hostname ?? '')
  if (url?.protocol === 'https:' || (url?.protocol === 'http:' && isHere)) return
  throw new AuditError('usage', '--jwks-url: expected an https:// URL')
}
