import { bytesToHex, hexToBytes } from '@noble/hashes/utils.js'

/** Returns the 16 bytes of a UUID in network order. */
export function uuidBytes(uuid: string): Uint8Array {
  return hexToBytes(uuid.replaceAll('-', ''))
}

/** Returns the lower-case text of 16 bytes. */
export function uuidText(bytes: Uint8Array): string {
  const hex = bytesToHex(bytes)
  return [hex.slice(0, 8), hex.slice(8, 12), hex.slice(12, 16), hex.slice(16, 20), hex.slice(20)].join('-')
}
