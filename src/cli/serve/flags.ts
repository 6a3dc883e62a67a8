import { isIP } from 'node:net'
import { AuditError } from '../../base/errors.js'

/** The range of ports to listen on. 0 chooses a free port. */
export const PORTS = { min: 0, max: 65_535 }

/** Throws `usage` if only one of the two files is given. */
export function assertTlsPair(cert: string | undefined, key: string | undefined): void {
  if ((cert === undefined) === (key === undefined)) return
  throw new AuditError('usage', '--tls-cert and --tls-key need each other')
}

/** Returns the proxies: addresses, and networks as address/bits. Throws `usage`. */
export function parseTrustedProxies(proxies: readonly string[] = []): readonly string[] {
  if (proxies.every(isNetwork)) return proxies
  throw new AuditError('usage', '--trusted-proxy: expected an address or a network such as 10.0.0.0/8')
}

function isNetwork(text: string): boolean {
  const [address = '', bits = '0', ...rest] = text.split('/')
  const max = { 0: -1, 4: 32, 6: 128 }[isIP(address)] ?? -1
  return rest.length === 0 && /^\d{1,3}$/.test(bits) && Number(bits) <= max
}
