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
 * Returns the known key of the platform chain that signs the row; undefined where none does. The first platform key signs the row
 * that names it. A row that replaces a key is signed by that key first, and then by its successor, which the row names: one of the
 * two must be known. Keys of other chains among the known ones sign no row.
 */
export function signerOf(
  row: SignedRow,
  platformOrigin: string,
  known: readonly VerifierKey[],
  verify: VerifySignature,
): VerifierKey | undefined {
  const origin = parseOrigin(platformOrigin)
  if (origin?.domainId !== PLATFORM_ANCHOR || origin.incarnation !== 1) return undefined
  const signers = known.filter(({ name, type }) => name === platformOrigin && type === KEY_TYPE.ed25519)
  const message = rowMessage(platformOrigin, row)
  const signer = (sig: SigItem | undefined, keys: readonly VerifierKey[]) =>
    keys.find(({ id, publicKey }) => id === sig?.keyId && verify(publicKey, message, sig.signature))
  const [first, second] = row.signatures
  if (row.relation !== SIGNED_RELATION.logKey) return signer(first, signers)
  const named = platformKeysIn(row, platformOrigin)
  const { log, replaces } = row
  if (log !== origin.logName || (replaces !== undefined && isAmong(named, replaces))) return undefined
  if (replaces === undefined)
    return signer(first, named.length === 0 ? signers : signers.filter((key) => isIn(named, key)))
  const replaced = platformKey(platformOrigin, replaces)
  if (!isIn(signers, replaced) && !named.some((key) => isIn(signers, key))) return undefined
  const isSigned = signer(second, named) !== undefined && signer(first, [replaced]) !== undefined
  return isSigned ? signers.find((key) => isIn([replaced, ...named], key)) : undefined
}

/** Returns whether a known key of the platform chain signs the row, as {@link signerOf} says. */
export function isSignedBy(
  row: SignedRow,
  platformOrigin: string,
  known: readonly VerifierKey[],
  verify: VerifySignature,
): boolean {
  return signerOf(row, platformOrigin, known, verify) !== undefined
}

/** Returns the key of the platform chain that signs the very row that names it; undefined where the row has no such key. */
export function selfSigned(row: LogKeyRow, verify: VerifySignature): VerifierKey | undefined {
  const platformOrigin = `${row.log}/${PLATFORM_ANCHOR}`
  const [key] = platformKeysIn(row, platformOrigin)
  return key !== undefined && isSignedBy(row, platformOrigin, [key], verify) ? key : undefined
}

/** Returns the keys of the platform chain that a row names. */
export function platformKeysIn({ keys }: LogKeyRow, platformOrigin: string): VerifierKey[] {
  return keys
    .filter(({ domainId, incarnation }) => domainId === PLATFORM_ANCHOR && incarnation === 1)
    .map(({ publicKey }) => platformKey(platformOrigin, publicKey))
}

function platformKey(platformOrigin: string, publicKey: Uint8Array): VerifierKey {
  return verifierKey(platformOrigin, KEY_TYPE.ed25519, publicKey)
}

function isIn(keys: readonly VerifierKey[], { publicKey }: VerifierKey): boolean {
  return isAmong(keys, publicKey)
}

function isAmong(keys: readonly VerifierKey[], publicKey: Uint8Array): boolean {
  return keys.some((key) => isSame(key.publicKey, publicKey))
}

function isSame(one: Uint8Array, other: Uint8Array): boolean {
  return one.length === other.length && one.every((byte, at) => byte === other[at])
}
