import type { VerifySignature } from '../note/signers.js'
import { KEY_TYPE, keyIdOf } from '../note/vkey.js'
import { PLATFORM_ANCHOR } from '../uuid.js'
import { rowMessage, selfSigned } from './row-signature.js'
import { type LogKeyRow, parseSignedRow, SIGNED_RELATION, type SignableRow } from './signed-row.js'

/**
 * Returns the log that a platform key names itself in: the log of the first row that names this key and that it has signed.
 * Undefined where it has signed no such row. The rows ascend by seq.
 */
export function logNamedBy(
  publicKey: Uint8Array,
  rows: readonly SignableRow[],
  verify: VerifySignature,
): string | undefined {
  return rows.map(keyRowOf).find((row) => row !== undefined && isOwn(row, publicKey, verify))?.log
}

/** Returns the platform keys that sign the rows that name them, without `except`. Each key occurs once. */
export function selfSignedKeys(
  rows: readonly SignableRow[],
  except: Uint8Array | undefined,
  verify: VerifySignature,
): readonly Uint8Array[] {
  const keys: Uint8Array[] = []
  for (const row of rows) {
    const key = keyRowOf(row)
    const publicKey = key && selfSigned(key, verify)?.publicKey
    const known = except === undefined ? keys : [...keys, except]
    if (publicKey !== undefined && !known.some((one) => isSame(one, publicKey))) keys.push(publicKey)
  }
  return keys
}

function keyRowOf(row: SignableRow): LogKeyRow | undefined {
  const signed = parseSignedRow(row)
  return signed?.relation === SIGNED_RELATION.logKey ? signed : undefined
}

function isOwn(row: LogKeyRow, publicKey: Uint8Array, verify: VerifySignature): boolean {
  const isNamed = row.keys.some((key) => key.domainId === PLATFORM_ANCHOR && isSame(key.publicKey, publicKey))
  if (!isNamed) return false
  const platformOrigin = `${row.log}/${PLATFORM_ANCHOR}`
  const keyId = keyIdOf(platformOrigin, KEY_TYPE.ed25519, publicKey)
  const message = rowMessage(platformOrigin, row)
  return row.signatures.some((sig) => sig.keyId === keyId && verify(publicKey, message, sig.signature))
}

function isSame(one: Uint8Array, other: Uint8Array): boolean {
  return one.length === other.length && one.every((byte, at) => byte === other[at])
}
