import { FormatError } from './format-error.js'

const UUID = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/i

export const NIL_UUID = '00000000-0000-0000-0000-000000000000'

/** The id of the platform chain, whose rows belong to no Domain: the ASCII letters "platform" (FORMAT.md, "Hashes"). */
export const PLATFORM_ANCHOR = '706c6174-666f-726d-8000-000000000000'

export function isUuid(text: string): boolean {
  return UUID.test(text)
}

/** Returns a Domain's id in lower case. Throws FormatError for other texts and for the nil UUID, which an unset variable may hold. */
export function parseDomainId(text: string): string {
  if (!isUuid(text)) throw new FormatError('domain_id', 'expected a UUID of 36 characters')
  const lower = text.toLowerCase()
  if (lower === NIL_UUID) throw new FormatError('domain_id', 'the nil UUID is never a Domain')
  return lower
}
