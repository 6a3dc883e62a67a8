import { webcrypto } from 'node:crypto'

/** In hexadecimal, of what is long enough to be worth a thread. */
export async function sha256Of(content: Uint8Array): Promise<string> {
  return Buffer.from(await webcrypto.subtle.digest('SHA-256', content)).toString('hex')
}
