import { AuditError } from '../errors.js'

/** 0 to 65535. Throws `usage`. */
export function portOf(text: string): number {
  const port = /^\d{1,5}$/.test(text) ? Number(text) : -1
  if (port >= 0 && port <= 65_535) return port
  throw new AuditError('usage', '--port: expected 0 to 65535')
}

/** 1 to 64. Throws `usage`. */
export function maxVerifiesOf(text: string): number {
  const max = /^\d{1,2}$/.test(text) ? Number(text) : 0
  if (max >= 1 && max <= 64) return max
  throw new AuditError('usage', '--max-verifies: expected 1 to 64')
}

/** Both or neither. Throws `usage`. */
export function assertTlsPair(cert: string | undefined, key: string | undefined): void {
  if ((cert === undefined) === (key === undefined)) return
  throw new AuditError('usage', '--tls-cert and --tls-key come together')
}
