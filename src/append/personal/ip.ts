import { isIP, isIPv6 } from 'node:net'

/** Returns what is wrong with an address, or undefined. Zone ids are refused (`fe80::1%eth0`): PostgreSQL's inet has none. */
export function ipProblem(text: string): string | undefined {
  return isAddress(text) ? undefined : 'expected an IPv4 or IPv6 address without a zone id'
}

export function isAddress(text: string): boolean {
  return isIP(text) !== 0 && !text.includes('%')
}

/** Returns one spelling for each address. An IPv4 address mapped into IPv6 becomes the IPv4 address. The argument must be an address. */
export function canonicalAddress(address: string): string {
  if (!isIPv6(address)) return address
  const compressed = new URL(`http://[${address}]`).hostname.slice(1, -1)
  const mapped = /^::ffff:([0-9a-f]{1,4}):([0-9a-f]{1,4})$/.exec(compressed)
  return mapped === null ? compressed : dotted(mapped[1] ?? '', mapped[2] ?? '')
}

function dotted(high: string, low: string): string {
  const [a, b] = [Number.parseInt(high, 16), Number.parseInt(low, 16)]
  return [a >> 8, a & 0xff, b >> 8, b & 0xff].join('.')
}
