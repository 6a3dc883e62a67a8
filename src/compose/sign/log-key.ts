import { verifyEd25519 } from '../../base/crypto/node-ed25519.js'
import { AuditError } from '../../base/errors.js'
import { defaultLogName } from '../../chain/log/log-seed.js'
import { logNamedBy, selfSignedKeys } from '../../chain/log/named-log.js'
import { parseOrigin } from '../../chain/log/origin.js'
import { SIGNED_RELATION, type SignableRow } from '../../chain/log/signed-row.js'
import { KEY_TYPE, type VerifierKey, verifierKey } from '../../chain/note/vkey.js'
import { PLATFORM_ANCHOR } from '../../chain/uuid.js'
import type { LogKeys } from '../../ports/signer.js'
import type { Context } from '../context.js'
import { type LogKeySetting, logKeySetting } from './log-key-setting.js'
import { openSignerStore } from './signer-store.js'

/** The keys of the log of a run, and what the rows of the platform chain say of them. */
export interface OpenLogKeys {
  readonly keys: LogKeys
  readonly platformKey: VerifierKey
  /** Whether a row that the platform key signed names it. */
  readonly isInitialised: boolean
  /** Other platform keys that sign the rows that name them. Anybody who may append can write such a row. */
  readonly others: readonly VerifierKey[]
}

/** Why a run has no keys: signing is switched off, or the home has no `log.key` and gets none. */
export type NoLogKeys = { readonly reason: 'off' | 'no_key' }

const PLATFORM = { domainId: PLATFORM_ANCHOR, incarnation: 1 }

/** Where the keys of a log come from, apart from its rows. */
export interface LogKeyPlace {
  readonly setting: LogKeySetting
  /** The directory with `log.vkey`. */
  readonly home: string
  /** The name that was given. */
  readonly logName?: string | undefined
  /** Whether an embedded home without a key gets `log.key`. */
  readonly mint: boolean
}

/**
 * Opens the keys of the log (tlog.md, section 3). `mint`: whether an embedded home without a key gets `log.key`. Rejects with
 * `usage` for settings that contradict each other, and as {@link logKeysAt} does.
 */
export async function openLogKeys(
  context: Context,
  { mint = false }: { readonly mint?: boolean } = {},
): Promise<OpenLogKeys | NoLogKeys> {
  const { logName } = context.settings
  const place = { setting: logKeySetting(context), home: context.home, logName, mint }
  return logKeysAt(place, async () => (await openSignerStore(context)).signedRows(SIGNED_RELATION.logKey))
}

/**
 * Opens the keys at a place. `readRows` returns the `audit.log-key` rows of the platform chain, ascending by seq. A home gets a
 * key only where nothing was ever signed, because a second key beside the rows of the first would prove nothing. Rejects with
 * `log_key_unavailable` for a file that is missing or breaks a rule, `key_mismatch` for a key that is not that of `log.vkey`,
 * and `log_name_conflict` for a name that this key has not signed.
 */
export async function logKeysAt(
  place: LogKeyPlace,
  readRows: () => Promise<readonly SignableRow[]>,
): Promise<OpenLogKeys | NoLogKeys> {
  const { setting } = place
  if (setting.kind === 'off') return { reason: 'off' }
  const [{ readVkeyFile }, { hasFile, mintLogKeyFile, readLogKeyFile }] = await Promise.all([
    import('../../local/home-vkey.js'),
    import('../../local/log-key-file.js'),
  ])
  const vkey = await readVkeyFile(place.home)
  const rows = await readRows()
  if (setting.isOfHome && !(await hasFile(setting.path))) {
    const wasSigned = vkey !== undefined || selfSignedKeys(rows, undefined, verifyEd25519).length > 0
    if (!place.mint || wasSigned) return { reason: 'no_key' }
    await mintLogKeyFile(setting.path)
  }
  const bytes = await readLogKeyFile(setting.path)
  try {
    return await keysOf(place, bytes, vkey, rows)
  } finally {
    bytes.fill(0)
  }
}

async function keysOf(
  { home, logName: given }: LogKeyPlace,
  bytes: Uint8Array,
  vkey: VerifierKey | undefined,
  rows: readonly SignableRow[],
): Promise<OpenLogKeys> {
  const { logKeys } = await import('../../signer/log-keys.js')
  const { publicKey } = logKeys(bytes, 'audit.invalid').of(PLATFORM)
  assertSameKey(home, vkey, publicKey)
  const signedName = logNamedBy(publicKey, rows, verifyEd25519)
  const logName = nameOf(given, [signedName, vkey && logOf(vkey)], publicKey)
  return {
    keys: logKeys(bytes, logName),
    platformKey: platformKey(logName, publicKey),
    isInitialised: signedName !== undefined,
    others: selfSignedKeys(rows, publicKey, verifyEd25519).map((key) => platformKey(logName, key)),
  }
}

function assertSameKey(home: string, vkey: VerifierKey | undefined, publicKey: Uint8Array): void {
  if (vkey === undefined || Buffer.from(vkey.publicKey).equals(publicKey)) return
  const { id } = platformKey(logOf(vkey), publicKey)
  throw new AuditError(
    'key_mismatch',
    `log.vkey in ${home} has the platform key ${vkey.id}; the log key gives ${id}`,
    { advice: { code: 'give_first_log_key' } },
  )
}

/** Returns the name that was given, or the one that this key has signed, or one that follows from the key. */
function nameOf(
  given: string | undefined,
  signed: readonly (string | undefined)[],
  publicKey: Uint8Array,
): string {
  const names = [given, ...signed].filter((name) => name !== undefined)
  const [name = defaultLogName(publicKey)] = names
  const fixed = signed.find((one) => one !== undefined)
  if (fixed === undefined || names.every((one) => one === fixed)) return name
  const other = names.find((one) => one !== fixed)
  throw new AuditError(
    'log_name_conflict',
    `expected the log name ${fixed}, which this key signed; got ${other}`,
    {
      advice: { code: 'give_log_name', logName: fixed },
    },
  )
}

function logOf({ name }: VerifierKey): string {
  return parseOrigin(name)?.logName ?? name
}

function platformKey(logName: string, publicKey: Uint8Array): VerifierKey {
  return verifierKey(`${logName}/${PLATFORM_ANCHOR}`, KEY_TYPE.ed25519, publicKey)
}
