import { FormatError } from '../../chain/format-error.js'
import { LIMITS } from '../../chain/limits.js'
import { NIL_UUID, parseDomainId } from '../../chain/uuid.js'

/** What all keys of rows begin with. */
export const AUDIT_PREFIX = 'audit/'

const KEY = /^audit\/([0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12})\/([0-9]{20})\.json\.zst$/

/** The place of a row that an object's key names. */
export interface ObjectPlace {
  /** Lower-case. */
  readonly domainId: string
  readonly seq: number
}

/** What all keys of one chain begin with; nothing else below it belongs there. Throws FormatError for no Domain. */
export function domainPrefix(domainId: string): string {
  return `${AUDIT_PREFIX}${parseDomainId(domainId)}/`
}

/** The key of a row's object (format.md, "Mirror object"). Throws FormatError for a place that no row can have. */
export function objectKey(domainId: string, seq: number): string {
  if (!Number.isSafeInteger(seq) || seq < 1) throw new FormatError('seq', 'expected 1 to 2^53-1')
  return `${domainPrefix(domainId)}${nameOfSeq(seq)}`
}

const NAME_LENGTH = 20 + '.json.zst'.length

/** What the key of a row ends with. */
export function nameOfSeq(seq: number): string {
  return `${String(seq).padStart(20, '0')}.json.zst`
}

/** The inverse of {@link nameOfSeq}: undefined for every name that it does not make. */
export function seqOfName(name: string): number | undefined {
  if (name.length !== NAME_LENGTH) return undefined
  const seq = Number.parseInt(name, 10)
  return Number.isSafeInteger(seq) && nameOfSeq(seq) === name ? seq : undefined
}

/** The inverse of {@link objectKey}: undefined for every key that it does not make. Total. */
export function parseKey(key: string): ObjectPlace | undefined {
  const [, domainId, digits] = KEY.exec(key) ?? []
  if (domainId === undefined || domainId === NIL_UUID) return undefined
  const seq = Number(digits)
  // Beyond 2^53-1 a number is rounded, perhaps to one that is in range: no two keys may name one row.
  return seq >= 1 && seq <= LIMITS.maxSeq ? { domainId, seq } : undefined
}
