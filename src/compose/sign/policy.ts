import { verifyEd25519 } from '../../base/crypto/node-ed25519.js'
import { AuditError } from '../../base/errors.js'
import { KeyBook } from '../../chain/log/key-book.js'
import type { ChainRef } from '../../chain/log/row-items.js'
import { SIGNED_RELATION, type SignableRow } from '../../chain/log/signed-row.js'
import { KEY_TYPE, type VerifierKey, verifierKey } from '../../chain/note/vkey.js'
import { PLATFORM_ANCHOR } from '../../chain/uuid.js'
import type { Context } from '../context.js'
import { type OpenLogKeys, openLogKeys } from './log-key.js'
import { openSignerStore } from './signer-store.js'

/** The key of a chain of this log, for a policy. */
export interface PolicyKey {
  readonly key: VerifierKey
  /** Where the key comes from: the key file, `log.vkey` of the home, or rows that anybody may have written. */
  readonly by: 'key' | 'home' | 'log'
}

/**
 * Returns the newest key of a chain from the first source that has one: the key file, `log.vkey` of the home with the rows that
 * its key signed, or the rows alone. Creates no file. Rejects with `log_key_unavailable` where nothing names a key of the chain, and with `key_mismatch` for a key file
 * that has signed nothing where rows name another key and the home has no log.vkey.
 */
export async function policyKeyOf(context: Context, domainId: string): Promise<PolicyKey> {
  const chain = { domainId, incarnation: 1 }
  const opened = await openLogKeys(context)
  const { readVkeyFile } = await import('../../local/home-vkey.js')
  if ('keys' in opened) {
    if ((await readVkeyFile(context.home)) === undefined) assertSigner(opened)
    const { origin, publicKey } = opened.keys.of(chain)
    return { key: verifierKey(origin, KEY_TYPE.ed25519, publicKey), by: 'key' }
  }
  const vkey = await readVkeyFile(context.home)
  if (vkey !== undefined && domainId === PLATFORM_ANCHOR) return { key: vkey, by: 'home' }
  const by = vkey === undefined ? 'log' : 'home'
  const rows = await (await openSignerStore(context)).signedRows(SIGNED_RELATION.logKey)
  const key = newestKey({ by, keys: vkey === undefined ? [] : [vkey] }, rows, chain)
  if (key !== undefined) return { key, by }
  throw new AuditError('log_key_unavailable', `no signed row names a key of chain ${domainId}`, {
    advice: { code: 'begin_signing' },
  })
}

/** A key that has signed nothing, beside rows of another one, is hardly the key of this log. */
function assertSigner({ isInitialised, others: [other], platformKey }: OpenLogKeys): void {
  if (isInitialised || other === undefined) return
  throw new AuditError(
    'key_mismatch',
    `a row of the platform chain names the platform key ${other.id}, and the log key gives ${platformKey.id}, which no row names`,
    { advice: { code: 'begin_beside_log_key' } },
  )
}

function newestKey(
  root: { readonly by: 'home' | 'log'; readonly keys: readonly VerifierKey[] },
  rows: readonly SignableRow[],
  chain: ChainRef,
): VerifierKey | undefined {
  return KeyBook.of(root, rows, verifyEd25519).rangesOf(chain).at(-1)?.key
}
