import { webcrypto } from 'node:crypto'

/** Returns the hash in hexadecimal, computed on another thread. Use it for long content only. */
export async function sha256Of(content: Uint8Array): Promise<string> {
  return Buffer.from(await webcrypto.subtle.digest('SHA-256', content)).toString('hex')
}
