import { FormatError } from '../../chain/format-error.js'
import { LIMITS } from '../../chain/limits.js'
import { NIL_UUID, parseDomainId } from '../../chain/uuid.js'
import type { RowId } from '../../ports/mirror.js'

/** The prefix of the keys of all rows. */
export const AUDIT_PREFIX = 'audit/'

const KEY = /^audit\/([0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12})\/([0-9]{20})\.json\.zst$/

/** Returns the prefix of the keys of one chain. Throws FormatError for an invalid id. */
export function domainPrefix(domainId: string): string {
  return `${AUDIT_PREFIX}${parseDomainId(domainId)}/`
}

/** Returns the key of a row's object: `audit/<domain_id>/<seq, 20 digits>.json.zst`. Throws FormatError for an invalid id or seq. */
export function objectKey(domainId: string, seq: number): string {
  if (!Number.isSafeInteger(seq) || seq < 1) throw new FormatError('seq', 'expected 1 to 2^53-1')
  return `${domainPrefix(domainId)}${nameOfSeq(seq)}`
}

const NAME_LENGTH = 20 + '.json.zst'.length

/** Returns the last part of a row's key. */
export function nameOfSeq(seq: number): string {
  return `${String(seq).padStart(20, '0')}.json.zst`
}

/** The inverse of {@link nameOfSeq}. Returns undefined for a name that `nameOfSeq` cannot have made. */
export function seqOfName(name: string): number | undefined {
  if (name.length !== NAME_LENGTH) return undefined
  const seq = Number.parseInt(name, 10)
  return Number.isSafeInteger(seq) && nameOfSeq(seq) === name ? seq : undefined
}

/** Returns whether a key has the form of a row's key: 20 digits and `.json.zst` below the folder of a chain. */
export function hasRowForm(key: string): boolean {
  return KEY.test(key)
}

/** The inverse of {@link objectKey}. Returns undefined for a key that `objectKey` cannot have made. Never throws. */
export function parseKey(key: string): RowId | undefined {
  const [, domainId, digits] = KEY.exec(key) ?? []
  if (domainId === undefined || domainId === NIL_UUID) return undefined
  const seq = Number(digits)
  // A number beyond 2^53-1 is rounded, and two keys must never name one row.
  return seq >= 1 && seq <= LIMITS.maxSeq ? { domainId, seq } : undefined
}
