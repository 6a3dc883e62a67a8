import { createHmac } from 'node:crypto'

/**
 * The header `Audit-Signature`: the time in seconds since 1970, and the HMAC-SHA256 of that time, a full stop and the
 * body, in hex (docs/alerts.md). The time is signed so that an old alert cannot be sent again.
 */
export function signatureHeader(secret: string, body: string, seconds: number): string {
  const mac = createHmac('sha256', secret).update(`${seconds}.${body}`).digest('hex')
  return `t=${seconds},v1=${mac}`
}
