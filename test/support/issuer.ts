import { createServer, type RequestListener, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { exportJWK, generateKeyPair, type JWTHeaderParameters, SignJWT } from 'jose'

const ISSUER = 'https://issuer.example'
const AUDIENCE = 'audit'

export type SigningKey = Awaited<ReturnType<typeof generateKeyPair>>

/** An issuer of JWTs that serves its key set on a local port. Its answer can be replaced. */
export class Issuer {
  readonly settings
  /** Requests for the key set. */
  requests = 0
  /** Answers instead of the key set. */
  answer: RequestListener | undefined
  readonly #keys = new Map<string, object>()

  private constructor(
    readonly server: Server,
    readonly url: string,
  ) {
    this.settings = {
      jwksUrl: url,
      issuer: ISSUER,
      audience: AUDIENCE,
      algorithms: ['ES256', 'RS256', 'EdDSA'] as string[],
    }
  }

  static async make(): Promise<Issuer> {
    const server = createServer((request, response) => issuer.#serve(request, response))
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
    const { port } = server.address() as AddressInfo
    const issuer = new Issuer(server, `http://127.0.0.1:${port}/jwks`)
    return issuer
  }

  /** Adds a key to the set. */
  async addKey(kid: string, alg = 'ES256', patch: object = {}): Promise<SigningKey> {
    const pair = await generateKeyPair(alg, { extractable: true })
    this.#keys.set(kid, { ...(await exportJWK(pair.publicKey)), kid, alg, use: 'sig', ...patch })
    return pair
  }

  jwk(kid: string): object | undefined {
    return this.#keys.get(kid)
  }

  putKey(kid: string, jwk: object): void {
    this.#keys.set(kid, jwk)
  }

  async close(): Promise<void> {
    this.server.closeAllConnections()
    await new Promise((resolve) => this.server.close(resolve))
  }

  #serve: RequestListener = (request, response) => {
    this.requests += 1
    if (this.answer !== undefined) return this.answer(request, response)
    response.setHeader('content-type', 'application/json')
    response.end(JSON.stringify({ keys: [...this.#keys.values()] }))
  }
}

/** Returns a token of the issuer. Leaves out `claims` that are undefined. */
export async function token(
  key: Parameters<SignJWT['sign']>[0],
  claims: Record<string, unknown> = {},
  header: Partial<JWTHeaderParameters> = {},
): Promise<string> {
  const now = Math.floor(Date.now() / 1000)
  const all = { iss: ISSUER, aud: AUDIENCE, sub: 'alice', exp: now + 300, ...claims }
  const given = Object.fromEntries(Object.entries(all).filter(([, value]) => value !== undefined))
  return new SignJWT(given).setProtectedHeader({ alg: 'ES256', kid: 'one', ...header }).sign(key)
}
