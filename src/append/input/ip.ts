import { isIP, isIPv6 } from 'node:net'

/** What is wrong with an address; Postgres's inet has no zone ids, so `fe80::1%eth0` is none. */
export function ipProblem(text: string): string | undefined {
  return isAddress(text) ? undefined : 'expected an IPv4 or IPv6 address without a zone id'
}

export function isAddress(text: string): boolean {
  return isIP(text) !== 0 && !text.includes('%')
}

/** One spelling for each address; an IPv4 address mapped into IPv6 is that IPv4 address. Takes addresses only. */
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
