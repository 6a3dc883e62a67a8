import { createHash, randomUUID } from 'node:crypto'
import { PLATFORM_ANCHOR } from '../chain/uuid.js'
import { uuidText } from '../chain/uuid-bytes.js'
import type { MarkerRegistry } from '../ports/marker.js'

/**
 * Returns the id that the first marker of a database gets: a UUID from the SHA-256 of the first row of its platform chain,
 * or of its first chain. It is the same at each call, so that a marker whose writer died before it recorded the id is
 * recognised. A database without rows gets a random id.
 */
export async function firstMarkerId(registry: MarkerRegistry): Promise<string> {
  const ids = (await registry.chains()).map(({ domainId }) => domainId).sort()
  const first = ids.includes(PLATFORM_ANCHOR) ? PLATFORM_ANCHOR : ids[0]
  const hash = first === undefined ? undefined : await registry.hashOf(first, 1)
  return hash === undefined ? randomUUID() : idFrom(hash)
}

function idFrom(hash: string): string {
  const digest = createHash('sha256').update(`audit-mirror-1/${hash}`).digest()
  digest[6] = ((digest[6] ?? 0) & 0x0f) | 0x40
  digest[8] = ((digest[8] ?? 0) & 0x3f) | 0x80
  return uuidText(digest.subarray(0, 16))
}
