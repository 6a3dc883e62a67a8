import { createHmac } from 'node:crypto'

/**
 * Returns the header `Audit-Signature`: the time in seconds since 1970, and the HMAC-SHA256, in hex, of that time, a full
 * stop and the body (docs/alerts.md). The time is signed so that a receiver can refuse a replayed alert. `v1` is the
 * version of this scheme.
 */
export function signatureHeader(secret: string, body: string, unixSeconds: number): string {
  const mac = createHmac('sha256', secret).update(`${unixSeconds}.${body}`).digest('hex')
  return `t=${unixSeconds},v1=${mac}`
}
