import { utf8 } from '../limits.js'
import type { VerifySignature } from '../note/signers.js'
import { KEY_TYPE, type VerifierKey, verifierKey } from '../note/vkey.js'
import { PLATFORM_OBJECT } from '../self-audit.js'
import { PLATFORM_ANCHOR } from '../uuid.js'
import { parseOrigin } from './origin.js'
import type { SigItem } from './row-items.js'
import { type LogKeyRow, SIGNED_RELATION, type SignedRow } from './signed-row.js'

/** Returns the bytes that the signatures of a row cover. */
export function rowMessage(
  platformOrigin: string,
  { relation, items }: Pick<SignedRow, 'relation' | 'items'>,
) {
  return utf8(
    ['audit-row/v1', platformOrigin, relation, PLATFORM_OBJECT, ...items].map((line) => `${line}\n`).join(''),
  )
}

/**
 * Returns whether the row is signed by a known key of the platform chain. The first platform key signs the row that names it. A
 * row that replaces a key is signed by that key first, and then by its successor, which the row names. Keys of other chains among
 * the known ones sign no row.
 */
export function isSignedBy(
  row: SignedRow,
  platformOrigin: string,
  known: readonly VerifierKey[],
  verify: VerifySignature,
): boolean {
  const origin = parseOrigin(platformOrigin)
  if (origin?.domainId !== PLATFORM_ANCHOR) return false
  const signers = known.filter(({ name, type }) => name === platformOrigin && type === KEY_TYPE.ed25519)
  const message = rowMessage(platformOrigin, row)
  const isSigned = (sig: SigItem | undefined, keys: readonly VerifierKey[]) =>
    keys.some(({ id, publicKey }) => id === sig?.keyId && verify(publicKey, message, sig.signature))
  const [first, second] = row.signatures
  if (row.relation !== SIGNED_RELATION.logKey) return isSigned(first, signers)
  const named = platformKeysIn(row, platformOrigin)
  if (row.log !== origin.logName) return false
  const { replaces } = row
  if (replaces === undefined) {
    return isSigned(
      first,
      named.length === 0 ? signers : signers.filter((key) => isAmong(named, key.publicKey)),
    )
  }
  if (isAmong(named, replaces)) return false
  const replaced = signers.filter(({ publicKey }) => isSame(publicKey, replaces))
  return isSigned(first, replaced) && isSigned(second, named)
}

/** Returns the key of the platform chain that signs the very row that names it; undefined where the row has no such key. */
export function selfSigned(row: LogKeyRow, verify: VerifySignature): VerifierKey | undefined {
  const platformOrigin = `${row.log}/${PLATFORM_ANCHOR}`
  const [key] = platformKeysIn(row, platformOrigin)
  return key !== undefined && isSignedBy(row, platformOrigin, [key], verify) ? key : undefined
}

function platformKeysIn({ keys }: LogKeyRow, platformOrigin: string): VerifierKey[] {
  return keys
    .filter(({ domainId, incarnation }) => domainId === PLATFORM_ANCHOR && incarnation === 1)
    .map(({ publicKey }) => verifierKey(platformOrigin, KEY_TYPE.ed25519, publicKey))
}

function isAmong(keys: readonly VerifierKey[], publicKey: Uint8Array): boolean {
  return keys.some((key) => isSame(key.publicKey, publicKey))
}

function isSame(one: Uint8Array, other: Uint8Array): boolean {
  return one.length === other.length && one.every((byte, at) => byte === other[at])
}
