export interface SpicedbOptions {
  readonly endpoint: string
  readonly token: string
  /** Reads the CA certificates, in PEM; absent: those of the system. */
  readonly ca?: (() => Promise<Buffer>) | undefined
  readonly isInsecure: boolean
}

export interface JwtOptions {
  readonly jwksUrl: string
  readonly issuer: string
  readonly audience: string
  readonly algorithms: readonly string[]
}

export interface AccessOptions {
  readonly spicedb?: SpicedbOptions | undefined
  readonly jwt?: JwtOptions | undefined
}
