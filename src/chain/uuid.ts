import { FormatError } from './format-error.js'

const UUID = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/i

export const NIL_UUID = '00000000-0000-0000-0000-000000000000'

/** The id of the platform chain, whose rows belong to no Domain: the ASCII letters "platform" (FORMAT.md, "Hashes"). */
export const PLATFORM_ANCHOR = '706c6174-666f-726d-8000-000000000000'

export function isUuid(text: string): boolean {
  return UUID.test(text)
}

/** Returns whether a text is the id of a chain as it is stored: a UUID in lower case, not the nil UUID. */
export function isChainId(text: string): boolean {
  return isUuid(text) && text === text.toLowerCase() && text !== NIL_UUID
}

/** Returns whether a text is the id of a Domain as it is stored: the id of a chain other than the platform chain. */
export function isDomainId(text: string): boolean {
  return isChainId(text) && text !== PLATFORM_ANCHOR
}

/** Returns what is wrong with the id of a chain in any case, or undefined. */
export function domainIdProblem(text: string): string | undefined {
  if (!isUuid(text)) return 'expected a UUID of 36 characters'
  return text === NIL_UUID ? 'the nil UUID is never a Domain' : undefined
}

/** Returns a Domain's id in lower case. Throws FormatError for other texts and for the nil UUID, which an unset variable may hold. */
export function parseDomainId(text: string): string {
  const problem = domainIdProblem(text)
  if (problem !== undefined) throw new FormatError('domain_id', problem)
  return text.toLowerCase()
}
